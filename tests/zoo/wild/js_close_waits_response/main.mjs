// server.close() waits for a response that nobody ends.
import http from 'node:http';
import { once } from 'node:events';

const server = http.createServer((req, res) => { res.write('part'); });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
http.get({ port: server.address().port, host: '127.0.0.1' }).on('error', () => {});
await once(server, 'request');
await new Promise((done) => server.close(done));
