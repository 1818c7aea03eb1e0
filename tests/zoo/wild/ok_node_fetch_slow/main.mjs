import http from 'node:http';
import { once } from 'node:events';
const s = http.createServer((q, r) => setTimeout(() => r.end('ok'), 5000)).listen(0, '127.0.0.1');
await once(s, 'listening');
const r = await fetch('http://127.0.0.1:' + s.address().port);
console.log(await r.text());
s.close();
