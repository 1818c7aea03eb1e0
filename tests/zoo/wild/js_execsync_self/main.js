// execSync of a client whose server is this very process, which stands in execSync.
const http = require('http');
const { execFileSync } = require('child_process');

function check(port) {
	return execFileSync('curl', ['-s', 'http://127.0.0.1:' + port + '/']);
}

const server = http.createServer((req, res) => res.end('ok')).listen(0, '127.0.0.1', () => {
	check(server.address().port);
	server.close();
});
