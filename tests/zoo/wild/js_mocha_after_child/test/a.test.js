const { spawn } = require('child_process');
const { once } = require('events');

describe('api', () => {
	let child;
	before(async () => {
		child = spawn('node', ['server.js'], { stdio: 'inherit' });
		await once(child, 'spawn');
	});
	it('answers', () => {});
	// waits for the end of a server that was not told to end
	after(async () => { await once(child, 'exit'); });
});
