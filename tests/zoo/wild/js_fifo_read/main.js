// Reads a FIFO that nobody opens for writing.
const fs = require('fs');

function readConfig() {
	return fs.readFileSync('conf', 'utf8');
}

readConfig();
