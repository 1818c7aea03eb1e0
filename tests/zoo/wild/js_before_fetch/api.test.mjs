// The hook before the tests asks a server that takes the request and never answers.
import { before, test } from 'node:test';
import http from 'node:http';
import { once } from 'node:events';

before(async () => {
	const s = http.createServer(() => {}).listen(0, '127.0.0.1');
	await once(s, 'listening');
	await fetch('http://127.0.0.1:' + s.address().port + '/ready');
});
test('is ready', () => {});
