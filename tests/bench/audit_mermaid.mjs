// SPDX-License-Identifier: Apache-2.0
// Does Mermaid's own parser take what `audit` draws? 500 graphs whose names hold every odd character.
//
//     npm install --ignore-scripts mermaid@11 jsdom   (in a folder of your own)
//     node …/tests/bench/audit_mermaid.mjs [GRAPHS [SEED]]   (in that folder)
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';

const [graphs, seed] = [Number(process.argv[2] || 500), Number(process.argv[3] || 7)];
const specRunner = new URL('../../spec-runner', import.meta.url).pathname;
const modules = `${process.cwd()}/node_modules`;
const { JSDOM } = (await import(`${modules}/jsdom/lib/api.js`)).default;
globalThis.window = new JSDOM('').window;
globalThis.document = window.document;
const mermaid = (await import(`${modules}/mermaid/dist/mermaid.core.mjs`)).default;
const odd = ['"', '#', '<', '>', '`', '\\', '|', '&', ';', '(', ')', '[', ']', '{', '}', 'end', '%%', 'é', '日本', '\u202e', '$', '@', '~',
	'graph', 'subgraph', 'click', 'class', 'style', '-->', '---', '==>', 'x--', '"]', '#quot;', '\t', '\n'];
let state = seed;
const random = (n) => (state = (state * 1103515245 + 12345) % 2147483648) % n;
const dir = mkdtempSync(`${tmpdir()}/audit-mermaid-`);
let parsed = 0, refused = 0;

for (let i = 0; i < graphs; i++) {
	const names = Array.from({ length: 1 + random(30) }, (_, k) => `f${k}` + Array.from({ length: random(5) }, () => odd[random(odd.length)]).join(''));
	const nodes = Object.fromEntries(names.map((fqname) => [fqname, { fqname, kind: 'function', language: 'python', file: 'a.py', line: 1, end_line: 2,
		calls: [], state_mutations: [], expensive_ops: [], decorators: [], is_async: false }]));
	const edges = Object.fromEntries(names.map((from) => [from, [...new Set(Array.from({ length: random(4) }, () => names[random(names.length)]))]]));

	writeFileSync(`${dir}/g.json`, JSON.stringify({ version: 1, languages: {}, nodes, edges, unresolved: [] }));
	const text = execFileSync(specRunner, ['audit', '--graph', 'g.json', '--entry', names[0], '--depth', '10', '--format', 'mermaid'],
		{ cwd: dir, encoding: 'utf8' });
	try {
		await mermaid.parse(text);
		parsed++;
	} catch (e) {
		refused++;
		console.log(`${e}\n${text}`);
	}
}
rmSync(dir, { recursive: true });
console.log(`${parsed} graphs are parsed, ${refused} refused (seed ${seed})`);
process.exit(refused ? 1 : 0);
