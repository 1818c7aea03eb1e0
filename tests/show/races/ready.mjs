// SPDX-License-Identifier: Apache-2.0
// Waits for an event after it has read its configuration: an event that comes sooner has nobody who listens.
import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';

const server = new EventEmitter();
const alive = setInterval(() => {}, 1000);
setTimeout(() => server.emit('ready'), 60); // it takes a while to come up
const config = await readFile(process.argv[1], 'utf8');
await once(server, 'ready');
console.log(config.length > 0);
clearInterval(alive);
