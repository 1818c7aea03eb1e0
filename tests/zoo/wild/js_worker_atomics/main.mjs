// The worker waits for a flag in shared memory, main for the worker's message.
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';

const flag = new SharedArrayBuffer(4);
const w = new Worker(new URL('./worker.mjs', import.meta.url), { workerData: flag });
const [answer] = await once(w, 'message');
console.log(answer);
