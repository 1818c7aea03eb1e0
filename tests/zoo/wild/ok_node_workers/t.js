const { Worker } = require('worker_threads');
const w = new Worker("setTimeout(() => process.exit(0), 3000)", { eval: true });
w.on('exit', () => console.log('done'));
