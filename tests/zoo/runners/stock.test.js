// The same text for jest, vitest and node --test: a wait in the main thread.
const stock = new Int32Array(new SharedArrayBuffer(4));
test('adds', () => {});
test('waits for a reply', () => {
	Atomics.wait(stock, 0, 0); // AT js_test
});
