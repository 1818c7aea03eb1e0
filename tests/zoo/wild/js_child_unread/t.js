// Awaits the exit of a child whose output is paused: the child stands in write.
const { spawn } = require('child_process');
const child = spawn('head', ['-c', '3000000', '/dev/zero'], { stdio: ['ignore', 'pipe', 'inherit'] });
child.on('exit', () => { console.log('built'); });
