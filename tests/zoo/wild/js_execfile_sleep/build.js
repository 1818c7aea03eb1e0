const { execFileSync } = require('node:child_process');

function compile() {
	execFileSync('sh', ['-c', 'sleep 500; echo built']);
}

compile();
