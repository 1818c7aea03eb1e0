// SPDX-License-Identifier: Apache-2.0
// Required by every Node program of a run with --collect nodeprof: V8's own sampler, written as <pid>.cpuprofile at the end.
'use strict';
try {
	if (require('worker_threads').isMainThread) {
		const { Session } = require('inspector');
		const fs = require('fs');
		const out = `${__dirname.replace(/\/[^/]*$/, '')}/${process.pid}.cpuprofile`;
		const session = new Session();
		session.connect();
		session.post('Profiler.enable');
		session.post('Profiler.setSamplingInterval', { interval: 2000 });
		session.post('Profiler.start');
		process.on('exit', () => {
			try {
				session.post('Profiler.stop', (failed, result) => {
					if (!failed) {
						fs.writeFileSync(`${out}.tmp`, JSON.stringify(result.profile), { mode: 0o600 });
						fs.renameSync(`${out}.tmp`, out);
					}
				});
			} catch {}
		});
	}
} catch {}
