// The source is paused when the reader is full, and resumed on an event that readers do not have.
import { once } from 'node:events';
import net from 'node:net';
import { Readable } from 'node:stream';

async function collect(port) {
	const dest = new Readable({ read() {} });
	const source = net.connect(port, '127.0.0.1');
	source.on('data', (d) => { if (!dest.push(d)) source.pause(); });
	dest.on('drain', () => source.resume());
	source.on('end', () => dest.push(null));
	await once(dest, 'end');
}

const server = net.createServer((c) => c.end(Buffer.alloc(4 << 20)));
server.listen(0, '127.0.0.1', () => collect(server.address().port));
