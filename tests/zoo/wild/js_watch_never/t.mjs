// Waits for a change of a folder in which nothing changes.
import { once } from 'node:events';
import fs from 'node:fs';

async function changed(dir) {
	const watcher = fs.watch(dir);
	// the first one

	await once(watcher, 'change');
	watcher.close();
}

fs.mkdirSync('inbox', { recursive: true });
await changed('inbox');
