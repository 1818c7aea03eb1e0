// moves.js - goes through calls at random. For each line of its input a worker stops the main thread by the inspector, prints the
// frames that it has there, and lets it go on after the next line.
const { Worker, isMainThread } = require('node:worker_threads');

if (isMainThread) {
	const cell = new Int32Array(new SharedArrayBuffer(4));
	let seed = 1;
	const random = (n) => { seed = (seed * 1103515245 + 12345) & 0x7fffffff; return (seed >> 8) % n; };
	class Walker {
		on(depth) {
			if (depth === 0)
				return this.rest();
			switch (random(6)) {
			case 0: return this.through(depth - 1);
			case 1: return [1].map(() => this.on(depth - 1))[0];
			case 2: return Reflect.apply(this.on, this, [depth - 1]);
			case 3:
				try {
					return this.on(depth - 1);
				} finally {
					random(2);
				}
			case 4: return (function inner(w) { return w.on(depth - 1); })(this);
			default: return new Walker().on(depth - 1) + 1;
			}
		}
		through(depth) { return this.on(depth); }
		rest() {
			if (random(2))
				Atomics.wait(cell, 0, 0, random(3));
			let n = 0;
			for (let i = random(3000); i > 0; i--)
				n += this.small(i);
			return n;
		}
		small(i) { return i % 3 ? i * 31 : this.other(i); }
		other(i) { return [i].map((k) => k + 1)[0]; }
	}
	new Worker(__filename);
	const walk = () => { for (const end = Date.now() + 20; Date.now() < end;) new Walker().on(random(12)); setImmediate(walk); };
	setTimeout(walk, 300);
} else {
	const inspector = require('node:inspector');
	const fs = require('node:fs');
	const session = new inspector.Session();
	session.connectToMainThread();
	setInterval(() => {}, 1000); // a session keeps nothing alive
	const post = (method, params) => new Promise((done, failed) => session.post(method, params, (e, r) => e ? failed(e) : done(r)));
	const urls = new Map();
	session.on('Debugger.scriptParsed', (m) => urls.set(m.params.scriptId, m.params.url));
	(async () => {
		await post('Debugger.enable');
		let paused = null, again;
		session.on('Debugger.paused', (m) => {
			const lines = m.params.callFrames.map((f) => `${f.functionName}\t${urls.get(f.location.scriptId) ?? ''}\t${f.location.lineNumber + 1}`);
			fs.writeSync(1, lines.join('\n') + '\nEND\n');
			paused = true;
			clearInterval(again);
		});
		// what it is asked comes by a file descriptor: the main thread, which owns standard input, is stopped
		const input = new (require('node:net').Socket)({ fd: Number(process.env.MOVES_FD), readable: true, writable: false });
		await new Promise((done) => setTimeout(done, 2000)); // by then it walks
		fs.writeSync(1, 'END\n');
		let rest = '';
		input.on('data', async (data) => {
			rest += data;
			for (let at; (at = rest.indexOf('\n')) >= 0; rest = rest.slice(at + 1))
				if (paused) {
					paused = null;
					await post('Debugger.resume');
					fs.writeSync(1, 'END\n');
				} else {
					again = setInterval(() => post('Debugger.pause'), 2000); // Node loses one now and then
					post('Debugger.pause');
				}
		});
	})();
}
