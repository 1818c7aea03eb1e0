const { setTimeout: wait } = require('timers/promises');

function sleep(ms) { return new Promise((r) => setTimeout(r, ms)); }

async function retry() {
	await sleep(100);
	return 'done';
}

test('adds', () => {});

// The clock of the test stands still.
test('retries', async () => {
	jest.useFakeTimers();
	expect(await retry()).toBe('done');
});
