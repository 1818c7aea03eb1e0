// Blocks the main thread until a promise is settled, which only the main thread can settle.
import { Worker } from 'node:worker_threads';

function runWorker() {
	return new Promise((resolve) => {
		const w = new Worker('require("worker_threads").parentPort.postMessage(42)', { eval: true });
		w.on('message', resolve);
	});
}

function runPromiseSync(promise) {
	const flag = new Int32Array(new SharedArrayBuffer(4));
	let value;
	promise.then((v) => { value = v; Atomics.store(flag, 0, 1); Atomics.notify(flag, 0); });
	Atomics.wait(flag, 0, 0);
	return value;
}

console.log(runPromiseSync(runWorker()));
