'use strict';
// The child answers and then keeps its channel open; the parent waits for its exit.
const { fork } = require('node:child_process');

const child = fork('./child.js');
child.on('message', (m) => console.log(m));
child.on('exit', () => console.log('bye'));
child.send('go');
