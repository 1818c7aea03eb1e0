'use strict';
// Everything is done, and the server is still open.
const http = require('node:http');
http.createServer((q, r) => r.end()).listen(0, '127.0.0.1', () => console.log('done'));
