'use strict';
// cat waits for the end of what nobody ends.
const { spawn } = require('node:child_process');
spawn('cat', { stdio: ['pipe', 'inherit', 'inherit'] }).on('exit', () => console.log('done'));
