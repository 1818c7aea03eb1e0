const s = require('node:http').createServer().listen(0, '127.0.0.1'); setTimeout(() => s.close(), 3200);
