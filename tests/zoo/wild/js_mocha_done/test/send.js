'use strict';
const net = require('node:net');

describe('client', function () {
	this.timeout(0);
	it('sends', () => {});
	it('gets an answer', (done) => {
		const server = net.createServer(() => {}).listen(0, '127.0.0.1', () => {
			net.connect(server.address().port, '127.0.0.1').once('data', () => done());
		});
	});
});
