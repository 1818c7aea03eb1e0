// A semaphore that is not given back where its user throws; a server keeps the program alive.
import http from 'node:http';

class Semaphore {
	waiting = [];
	constructor(free) { this.free = free; }
	async take() {
		if (this.free > 0) { this.free--; return; }
		await new Promise((r) => this.waiting.push(r));
	}
	give() { const next = this.waiting.shift(); if (next) next(); else this.free++; }
}

const one = new Semaphore(1);

async function job(n) {
	await one.take();
	if (n === 0) throw new Error('no such job');
	one.give();
}

http.createServer().listen(0, '127.0.0.1', async () => {
	await job(0).catch((e) => console.log(e.message));
	await job(1);
});
