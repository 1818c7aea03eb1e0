// Polls for a state that never comes.
const job = { state: 'queued' };
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

async function waitFor(state) {
	while (job.state !== state) await sleep(40);
}

await waitFor('done');
