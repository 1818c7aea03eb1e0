import { parentPort, workerData } from 'node:worker_threads';

function waitForGo(cell) {
	Atomics.wait(cell, 0, 0);
}

waitForGo(new Int32Array(workerData));
parentPort.postMessage('done');
