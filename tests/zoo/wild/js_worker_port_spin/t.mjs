// A worker asks its port for a job again and again; main has given the other end away.
import { MessageChannel, Worker } from 'node:worker_threads';
import { once } from 'node:events';

const { port1, port2 } = new MessageChannel();
const w = new Worker(new URL('./w.mjs', import.meta.url), { workerData: { port: port2 }, transferList: [port2] });
const [answer] = await once(w, 'message');
console.log(answer, port1);
