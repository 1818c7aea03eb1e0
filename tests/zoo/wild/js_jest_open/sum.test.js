const http = require('node:http');
const server = http.createServer((q, r) => r.end('ok')).listen(0, '127.0.0.1');
test('adds', () => { expect(1 + 1).toBe(2); });
