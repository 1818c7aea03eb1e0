describe('stock', function () {
	this.timeout(0);
	it('adds', () => {});
	it('waits for a reply', () => {
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // AT mocha
	});
});
