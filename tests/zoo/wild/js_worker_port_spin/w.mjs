import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';

function nextJob(port) {
	let m;
	do {
		// without giving up the thread
		m = receiveMessageOnPort(port);
	} while (!m);
	return m.message;
}

parentPort.postMessage(nextJob(workerData.port));
