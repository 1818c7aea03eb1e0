// SPDX-License-Identifier: Apache-2.0
// Runs the cases of a fixture of `audit` with node and holds the calls that really happen against its lines.
//     node --expose-internals tests/bench/audit_javascript_truth.mjs [FIXTURE]
// Every function is given a first statement that says who called it. A call out of the event loop has no caller and is not
// counted. Exit 1 where a call happened that the fixture does not have.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

const acorn = createRequire(import.meta.url)('internal/deps/acorn/acorn/dist/acorn');
const fixture = process.argv[2] ?? 'tests/fixtures/audit/javascript_calls.txt';

function casesOf(file, main) {
	const cases = [];
	let at;

	for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
		const one = cases.at(-1);

		if (line.startsWith('== ')) {
			cases.push({ name: line.slice(3), files: {}, edges: new Set() });
			at = main;
		} else if (one && line.startsWith('-> ')) {
			one.edges.add(line.slice(3).split(' ').slice(0, 2).join(' '));
		} else if (one && line.startsWith('-- ')) {
			at = line.slice(3);
		} else if (one) {
			one.files[at] = (one.files[at] ?? '') + line + '\n';
		}
	}
	return cases;
}

const textOf = (node) => node.type === 'Literal' ? String(node.value) : node.type === 'PrivateIdentifier' ? `#${node.name}` :
	node.name;

// What "a.b" on the left of an assignment names: C.prototype.m is C.m, exports.f and this.f are f.
function chain(node) {
	if (node.type === 'ThisExpression' || (node.type === 'Identifier' && /^(module|exports)$/.test(node.name)))
		return [];
	if (node.type === 'Identifier')
		return [node.name];
	if (node.type !== 'MemberExpression' || node.computed)
		return null;
	const before = chain(node.object), name = textOf(node.property);

	return before && (/^(prototype|exports)$/.test(name) ? before : [...before, name]);
}

// The functions of a file with their full names, by the rules of docs/AUDIT.md.
function functionsOf(tree, module, source) {
	const found = [], names = new Map(), lambdas = new Map();

	function take(name) {
		names.set(name, (names.get(name) ?? 0) + 1);
		return names.get(name) > 1 ? `${name}@${names.get(name)}` : name;
	}
	function walk(node, prefix, owner, hint) {
		if (!node || typeof node.type !== 'string')
			return;
		const inner = (child, name, to = prefix) => walk(child, to, owner, name);

		switch (node.type) {
		case 'FunctionDeclaration': case 'FunctionExpression': case 'ArrowFunctionExpression': {
			const own = node.id?.name ?? hint;
			let name;

			if (own)
				name = take(`${prefix}.${own}`);
			else
				name = `${owner}.<lambda${lambdas.set(owner, (lambdas.get(owner) ?? 0) + 1).get(owner)}>`;
			found.push({ name, node });
			for (const p of node.params)
				walk(p, name, name);
			walk(node.body, name, name);
			return;
		}
		case 'ClassDeclaration': case 'ClassExpression': {
			const own = node.id?.name ?? hint, name = take(`${prefix}.${own ?? `<class${node.loc.start.line}>`}`);

			inner(node.superClass);
			for (const m of node.body.body) {
				const key = m.key && (m.computed ? `[${source.slice(m.key.start, m.key.end)}]` : textOf(m.key));

				if (m.type === 'StaticBlock')
					m.body.forEach((s) => inner(s, undefined, name));
				else if (m.value)
					inner(m.value, key, name);
			}
			return;
		}
		case 'VariableDeclarator':
			inner(node.id);
			inner(node.init, node.id.type === 'Identifier' ? node.id.name : undefined);
			return;
		case 'AssignmentExpression': {
			const left = node.operator === '=' ? chain(node.left) : null;

			inner(node.left);
			inner(node.right, left?.length ? left.join('.') : undefined);
			return;
		}
		case 'AssignmentPattern':
			inner(node.right, node.left.name);
			return;
		case 'ExportDefaultDeclaration': inner(node.declaration, 'default'); return;
		case 'ObjectExpression': {
			const to = hint ? `${prefix}.${hint}` : prefix;

			for (const p of node.properties)
				inner(p.value ?? p.argument, p.key && (!p.computed ? textOf(p.key) :
					p.method ? `[${source.slice(p.key.start, p.key.end)}]` : undefined), to);
			return;
		}
		default:
			for (const key of Object.keys(node)) {
				const value = node[key];

				if (Array.isArray(value))
					value.forEach((v) => inner(v));
				else if (value && typeof value === 'object' && key !== 'loc')
					inner(value);
			}
		}
	}
	walk(tree, module, module);
	return found;
}

const parse = (text, file) => acorn.parse(text, { ecmaVersion: 'latest', locations: true,
	sourceType: file.endsWith('.mjs') ? 'module' : 'script', allowReturnOutsideFunction: true });

function instrumented(text, file) {
	const module = file.replace(/\.[^.]*$/, '').replaceAll('/', '.');
	const edits = [], functions = functionsOf(parse(text, file), module, text);

	functions.forEach(({ name, node }) => {
		const call = `__called(${JSON.stringify(name)})`;

		if (node.body.type === 'BlockStatement')
			edits.push([node.body.start + 1, `${call};`]);
		else
			edits.push([node.body.start, `(${call}, `], [node.body.end, ')']);
	});
	edits.sort((a, b) => b[0] - a[0]);
	for (const [at, what] of edits)
		text = text.slice(0, at) + what + text.slice(at);
	return text;
}

// In the process that runs a case: tells each caller and callee on a line.
const tracer = `
const fs = require('fs'), path = require('path');
const maps = JSON.parse(fs.readFileSync(process.env.TRACE_MAPS, 'utf8'));
globalThis.__called = (callee) => {
	const before = Error.prepareStackTrace;
	Error.stackTraceLimit = 60;
	Error.prepareStackTrace = (e, sites) => sites;
	const sites = new Error().stack;
	Error.prepareStackTrace = before;
	for (const s of sites.slice(2)) {
		const file = (s.getFileName() ?? '').replace('file://', ''), map = maps[path.relative(process.cwd(), file)];
		if (file.startsWith('node:'))
			return; /* called by what it was handed to: the fixture has it where it was handed over */
		if (!map || s.isAsync() || /^<(instance_members|static)_initializer>$/.test(s.getFunctionName() ?? ''))
			continue;
		const line = s.getLineNumber(), column = s.getColumnNumber() - 1;
		let best = map[0];
		for (const f of map)
			if ((line > f.from[0] || (line === f.from[0] && column >= f.from[1])) &&
			    (line < f.to[0] || (line === f.to[0] && column < f.to[1])))
				best = f;
		if (s.isConstructor() && ![s.getFunctionName(), 'constructor'].includes(best.name.split('.').pop()))
			continue; /* a constructor that nobody wrote */
		fs.appendFileSync(process.env.TRACE_OUT, best.name + ' ' + callee + '\\n');
		return;
	}
};
`;

function run(one, main) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'audit-truth-')), maps = {};
	const first = Object.keys(one.files)[0] ?? main;

	for (const [file, text] of Object.entries(one.files)) {
		const changed = instrumented(text, file), module = file.replace(/\.[^.]*$/, '').replaceAll('/', '.');

		fs.mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
		fs.writeFileSync(path.join(dir, file), changed);
		maps[file] = [{ name: module, from: [1, 0], to: [1e9, 0] }, ...functionsOf(parse(changed, file), module, changed)
			.map(({ name, node }) => ({ name, from: [node.loc.start.line, node.loc.start.column],
				to: [node.loc.end.line, node.loc.end.column] }))];
	}
	fs.writeFileSync(path.join(dir, 'tracer.cjs'), tracer);
	fs.writeFileSync(path.join(dir, 'maps'), JSON.stringify(maps));
	const child = spawnSync(process.execPath, ['--require', './tracer.cjs', first], { cwd: dir, encoding: 'utf8', timeout: 60000,
		env: { ...process.env, TRACE_MAPS: path.join(dir, 'maps'), TRACE_OUT: path.join(dir, 'out') } });
	const out = fs.existsSync(path.join(dir, 'out')) ? fs.readFileSync(path.join(dir, 'out'), 'utf8') : '';

	fs.rmSync(dir, { recursive: true });
	return { called: new Set(out.split('\n').filter(Boolean)), failed: child.status !== 0 ? child.stderr : '' };
}

let seen = 0, unseen = 0, wrong = 0;

for (const one of casesOf(fixture, 'main.js')) {
	const { called, failed } = run(one, 'main.js');
	const inside = [...one.edges].filter((e) => Object.keys(one.files).some((f) =>
		e.split(' ')[1].startsWith(f.replace(/\.[^.]*$/, '').replaceAll('/', '.') + '.')));

	for (const e of called)
		if (!one.edges.has(e)) {
			wrong++;
			console.log(`${one.name}: called, but not in the fixture: ${e}`);
		}
	for (const e of inside)
		if (called.has(e)) {
			seen++;
		} else {
			unseen++;
			console.log(`${one.name}: did not happen in this run: ${e}`);
		}
	if (failed)
		console.log(`${one.name}: ${failed.split('\n').find((l) => /Error/.test(l))}`);
}
console.log(`${seen} lines are calls that happened, ${unseen} did not happen in this run, ${wrong} calls are missing`);
process.exit(wrong ? 1 : 0);
