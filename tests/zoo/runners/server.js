// A test that passes and leaves a server: node --test waits for the file's process, which does not end.
const test = require('node:test');
test('answers', () => { require('net').createServer().listen(0, '127.0.0.1'); });
