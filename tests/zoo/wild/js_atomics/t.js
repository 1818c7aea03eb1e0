// Main blocks in Atomics.wait for a worker that needs main's event loop to print.
const { Worker } = require('worker_threads');
const flag = new Int32Array(new SharedArrayBuffer(4));
new Worker(`
  const { workerData: flag, parentPort } = require('worker_threads');
  parentPort.once('message', () => { Atomics.store(flag, 0, 1); Atomics.notify(flag, 0); });
`, { eval: true, workerData: flag });
function untilReady() {
  Atomics.wait(flag, 0, 0);
}
untilReady();
