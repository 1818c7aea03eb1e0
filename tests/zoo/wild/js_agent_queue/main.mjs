// One socket for all; the first answer is never read, so the second request waits in the agent.
import http from 'node:http';
import { once } from 'node:events';

const server = http.createServer((req, res) => res.end('x'.repeat(1000000)));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const agent = new http.Agent({ maxSockets: 1, keepAlive: true });
const get = (path) => once(http.get({ port: server.address().port, host: '127.0.0.1', path, agent }), 'response');
await get('/1');
await get('/2');
