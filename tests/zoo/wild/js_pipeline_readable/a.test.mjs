import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'vitest';

test('adds', () => {});

// Who listens for 'readable' takes the stream out of flowing mode.
test('copies', async () => {
	const first = new PassThrough(), second = new PassThrough();
	first.on('readable', () => {});
	first.end('foobar');
	second.resume();
	await pipeline(first, second);
}, 0);
