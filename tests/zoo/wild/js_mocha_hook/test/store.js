const net = require('node:net');
const { once } = require('node:events');
const assert = require('node:assert');

describe('store', () => {
	let server;
	before(async () => {
		server = net.createServer().listen(0, '127.0.0.1');
		await once(server, 'connection');
	});
	it('is there', () => { assert(server); });
});
