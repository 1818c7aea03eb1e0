// A web stream without a source that ever enqueues: the reader waits. A server keeps the process alive.
import net from 'node:net';

net.createServer().listen(0, '127.0.0.1');

function source() {
	return new ReadableStream({ start(c) { this.c = c; }, pull() {} });
}

async function readAll(stream) {
	const parts = [];
	for await (const part of stream) parts.push(part);
	return parts;
}

console.log(await readAll(source()));
