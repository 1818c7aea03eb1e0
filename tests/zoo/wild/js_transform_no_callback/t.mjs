// A transform forgets its callback for one kind of record; the pipeline waits for it. A heartbeat keeps the process alive.
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const heartbeat = setInterval(() => {}, 30000);

const parse = new Transform({
	objectMode: true,
	transform(line, _, done) {
		if (line.startsWith('#'))
			return;
		done(null, Number(line));
	},
});

async function sum(lines) {
	let n = 0;
	const count = async function (numbers) {
		for await (const x of numbers) n += x;
	};
	await pipeline(Readable.from(lines), parse, count);
	return n;
}

console.log(await sum(['1', '# two', '3']));
clearInterval(heartbeat);
