// hang.js - hangs in Node. "AT name" marks the line that waits. The process ends by itself after a minute.
'use strict';
const { spawn, spawnSync } = require('child_process');
const fs = require('fs');
const net = require('net');
const { Worker, isMainThread } = require('worker_threads');

const zoo = {
	js_server() { net.createServer().listen(0, '127.0.0.1'); },
	async js_promise() { net.createServer().listen(0, '127.0.0.1'); await new Promise(() => {}); }, // AT js_promise
	async js_await() {
		const price = async () => {
			await new Promise((done) => setTimeout(done, 60000)); // AT js_await
		};
		await Promise.all([price(), Promise.resolve(1)]);
	},
	async js_for_await() {
		async function* prices() {
			yield 1;
			await new Promise((done) => setTimeout(done, 60000)); // AT js_for_await
		}
		for await (const p of prices()) if (p > 1) break;
	},
	js_client() {
		const server = net.createServer(() => {}).listen(0, '127.0.0.1', () => net.connect(server.address().port, '127.0.0.1'));
	},
	js_child() { spawn('sleep', ['60'], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout.on('data', () => {}); },
	js_child_sync() { spawnSync('sleep', ['60']); }, // AT js_child_sync
	js_child_prompts() { spawnSync('sh', ['-c', 'read answer'], { stdio: 'inherit' }); }, // AT js_child_prompts
	js_stdin_sync() { fs.readSync(0, Buffer.alloc(1)); }, // AT js_stdin_sync
	js_stdin() { process.stdin.on('data', () => {}); },
	js_atomics() { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); }, // AT js_atomics
	js_spin() { for (let n = 0; ; n++) if (n < 0) break; }, // AT js_spin
	js_interval() { setInterval(() => {}, 200); },
	js_timeout() { setTimeout(() => {}, 60000); },
	js_worker() { new Worker(__filename, { argv: ['worker'] }); },
	js_hot() { // as hot code is compiled, baseline and optimised
		const read = (n) => (n > 30000 ? fs.readSync(0, Buffer.alloc(1)) : n % 7); // AT js_hot
		for (let k = 0; ; k++) read(k);
	},
	js_lock_file() {
		spawn('flock', [__filename, 'sleep', '60']);
		setTimeout(() => spawnSync('flock', [__filename, 'true']), 200);
	},
	js_after_tests() { // node --test's own end: everything passed, and a timer is left
		process.stdout.write('TAP version 13\n1..1\nok 1 - adds\n');
		setInterval(() => {}, 200);
	},
};

if (!isMainThread) {
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // AT js_worker
} else {
	setTimeout(() => process.exit(1), 60000).unref();
	zoo[process.argv[2]]();
}
