const { spawn } = require('node:child_process');

const cat = spawn('cat', { stdio: ['inherit', 'pipe', 'inherit'] });
let n = 0;
cat.stdout.on('data', (d) => { n += d.length; });
cat.on('close', () => console.log(n));
