import { test, expect } from 'vitest';

test('adds', () => { expect(1 + 1).toBe(2); });

test('waits for a flush', async () => {
	let done;
	const flushed = new Promise((r) => { done = r; });
	setInterval(() => {}, 60000);
	await flushed;
	expect(done).toBeTruthy();
}, 0);
