// SPDX-License-Identifier: Apache-2.0
// Opens pages in headless Chromium over its own pipe. Usage: pages.mjs CHROMIUM PROFILE < tasks; a task a line of JSON:
// {url, headers, axe: source path, dark, width, height, screenshot, print, bypassCSP, keys}. A line of JSON each: {violations, xss, title,
// requests, errors, wide, keys: {reached, all, invisible}}.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
const [chromium, profile] = process.argv.slice(2);
const child = spawn(chromium, ['--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe', '--no-first-run', '--disable-background-networking',
	'--disable-component-update', '--disable-sync', '--disable-default-apps', '--disable-extensions', '--hide-scrollbars', '--disable-dev-shm-usage',
	'--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', `--user-data-dir=${profile}`], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
let next = 1, rest = '';
const waiting = new Map(), listeners = [];
child.stdio[4].on('data', (d) => {
	rest += d;
	for (let i; (i = rest.indexOf('\0')) >= 0; rest = rest.slice(i + 1)) {
		const m = JSON.parse(rest.slice(0, i));
		if (m.id && waiting.has(m.id)) {
			const [ok, bad] = waiting.get(m.id);
			waiting.delete(m.id);
			m.error ? bad(new Error(m.error.message)) : ok(m.result);
		} else for (const l of listeners) l(m);
	}
});
const send = (method, params = {}, sessionId) => new Promise((ok, bad) => {
	const id = next++;
	waiting.set(id, [ok, bad]);
	child.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + '\0');
});
// Presses Tab until the focus is back at the beginning: what was reached, of how many, and what showed no focus.
async function walk(s, evaluate) {
	const all = await evaluate('(window.__all = [...document.querySelectorAll("a[href],button,input,select,textarea,summary,[tabindex=\\"0\\"]")].filter(e => e.offsetParent !== null || e.classList.contains("skip"))).length');
	const seen = new Set(), invisible = new Set();
	for (let i = 0; i < all + 5; i++) {
		for (const type of ['rawKeyDown', 'keyUp']) await send('Input.dispatchKeyEvent', { type, key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9 }, s);
		const [at, shows, what] = await evaluate('(() => { const e = document.activeElement, c = getComputedStyle(e); return [window.__all.indexOf(e), c.outlineStyle !== "none" && parseFloat(c.outlineWidth) > 0, e.outerHTML.slice(0, 80)]; })()');
		if (at < 0) continue;
		if (!shows) invisible.add(what);
		seen.add(at);
	}
	return { reached: seen.size, all, invisible: [...invisible] };
}
async function open(task) {
	const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
	const { sessionId: s } = await send('Target.attachToTarget', { targetId, flatten: true });
	const out = { xss: false, requests: [], errors: [] };
	let loaded;
	const done = new Promise((r) => { loaded = r; });
	const listen = (m) => {
		if (m.sessionId !== s) return;
		if (m.method === 'Page.loadEventFired') loaded();
		if (m.method === 'Network.requestWillBeSent') out.requests.push(m.params.request.url);
		if (m.method === 'Page.javascriptDialogOpening') { out.xss = true; send('Page.handleJavaScriptDialog', { accept: false }, s); }
		if (m.method === 'Log.entryAdded') out.errors.push(m.params.entry.text);
	};
	listeners.push(listen);
	for (const d of ['Page', 'Network', 'Log', 'Runtime']) await send(`${d}.enable`, {}, s);
	if (task.headers) await send('Network.setExtraHTTPHeaders', { headers: task.headers }, s);
	if (task.bypassCSP) await send('Page.setBypassCSP', { enabled: true }, s);
	await send('Emulation.setDeviceMetricsOverride', { width: task.width ?? 1240, height: task.height ?? 900, deviceScaleFactor: 1, mobile: false }, s);
	await send('Emulation.setEmulatedMedia', { media: task.print ? 'print' : 'screen', features: [{ name: 'prefers-color-scheme', value: task.dark ? 'dark' : 'light' }] }, s);
	await send('Page.navigate', { url: task.url }, s);
	await done;
	const evaluate = async (expression) => (await send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true }, s)).result.value;
	await evaluate('new Promise(r => setTimeout(r, 50))');
	out.title = await evaluate('document.title');
	out.xss ||= await evaluate('window.__xss === 1');
	out.scripts = await evaluate('document.querySelectorAll("script,iframe,object,embed,img").length + [...document.querySelectorAll("*")].filter(e => [...e.attributes].some(a => a.name.startsWith("on"))).length');
	out.wide = await evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
	if (task.axe) {
		await evaluate(readFileSync(task.axe, 'utf8') + ';0');
		out.violations = await evaluate(`axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 120)).slice(0, 3).join(' | ')))`);
	}
	if (task.keys) out.keys = await walk(s, evaluate);
	if (task.screenshot) writeFileSync(task.screenshot, Buffer.from((await send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: !!task.whole }, s)).data, 'base64'));
	listeners.splice(listeners.indexOf(listen), 1);
	await send('Target.closeTarget', { targetId });
	return out;
}
const tasks = readFileSync(0, 'utf8').split('\n').filter((l) => l).map((l) => JSON.parse(l));
for (const t of tasks) console.log(JSON.stringify(await open(t)));
await Promise.race([send('Browser.close'), new Promise((r) => setTimeout(r, 3000))]);
child.kill('SIGKILL');
process.exit(0);
