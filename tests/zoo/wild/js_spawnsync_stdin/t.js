const { spawnSync } = require('child_process');
console.log('Continue? [y/N]');
spawnSync('cat', { stdio: ['inherit', 'pipe', 'inherit'] });
