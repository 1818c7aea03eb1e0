// node:test, a promise that nobody keeps, and a timer that keeps the loop alive.
import test from 'node:test';

test('adds', () => {});
test('saves the order', async () => {
	const beat = setInterval(() => {}, 100);
	await new Promise(() => {});
	clearInterval(beat);
});
