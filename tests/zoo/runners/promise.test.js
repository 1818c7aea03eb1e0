// The same text for jest, vitest and node --test: no function is suspended, the runner alone awaits what this one returned.
const timer = setInterval(() => {}, 1000000);
test('adds', () => {});
test('waits for a promise', () => new Promise(() => {}), 400000); // AT js_promise
test('never begins', () => clearInterval(timer));
