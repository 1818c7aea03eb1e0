// The server's close waits for its sessions, and the client's is never closed.
import http2 from 'node:http2';
import { once } from 'node:events';

const server = http2.createServer();
server.on('stream', (s) => { s.respond({ ':status': 200 }); s.end('ok'); });
server.listen(0, '127.0.0.1');
await once(server, 'listening');

async function get(session, path) {
	const r = session.request({ ':path': path });
	let body = '';
	r.setEncoding('utf8');
	for await (const part of r) body += part;
	return body;
}

async function stop() {
	const closed = new Promise((r) => server.close(r));
	// all of them

	await closed;
}

const session = http2.connect(`http://127.0.0.1:${server.address().port}`);
console.log(await get(session, '/'));
await stop();
console.log('stopped');
