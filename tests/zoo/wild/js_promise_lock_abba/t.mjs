// Two async functions take two promise locks in opposite order. The interval is a metrics reporter.
class Lock {
	tail = Promise.resolve();

	async with(work) {
		let free;
		const before = this.tail;
		this.tail = new Promise((r) => { free = r; });
		await before;
		try {
			return await work();
		} finally {
			free();
		}
	}
}

const accounts = { a: new Lock(), b: new Lock() };
const tick = () => new Promise((r) => setTimeout(r, 20));
setInterval(() => {}, 60000);

async function transfer(from, to) {
	await accounts[from].with(async () => {
		await tick();
		await accounts[to].with(async () => {});
	});
}

await Promise.all([transfer('a', 'b'), transfer('b', 'a')]);
console.log('done');
