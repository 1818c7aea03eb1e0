// The worker has answered, and still listens for more work.
import { Worker } from 'node:worker_threads';

const worker = new Worker(new URL('./worker.mjs', import.meta.url));
worker.on('message', (sum) => console.log('sum', sum));
worker.postMessage([1, 2]);
