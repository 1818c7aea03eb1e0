// Waits for "ready" after it has been emitted. The server keeps the process alive.
import { EventEmitter, once } from 'node:events';
import net from 'node:net';

const app = new EventEmitter();

function start() {
	net.createServer().listen(0, '127.0.0.1');
	app.emit('ready');
}

async function main() {
	start();
	await once(app, 'ready');
	console.log('ready');
}

await main();
