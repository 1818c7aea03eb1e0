// SPDX-License-Identifier: Apache-2.0
// The official clients of the Model Context Protocol against `spec-runner mcp`: connects, lists, calls every tool; prints one
// JSON object. Usage: mcp_client.mjs sdk|legacy|auto COMMAND [ARG...]; the calls come as JSON in MCP_CALLS.
const [which, command, ...args] = process.argv.slice(2);
const { createRequire } = await import('node:module');
const require = createRequire(process.env.WEB_MODULES + '/x.js');
const load = async (name) => import(require.resolve(name));
let client, transport;
const env = process.env;
if (which === 'sdk') {
	const { Client } = await load('@modelcontextprotocol/sdk/client/index.js');
	const { StdioClientTransport } = await load('@modelcontextprotocol/sdk/client/stdio.js');
	client = new Client({ name: 'test', version: '1' });
	transport = new StdioClientTransport({ command, args, env });
} else {
	const { Client } = await load('@modelcontextprotocol/client');
	const { StdioClientTransport } = await load('@modelcontextprotocol/client/stdio');
	client = new Client({ name: 'test', version: '1' }, which === 'auto' ? { versionNegotiation: { mode: 'auto' } } : {});
	transport = new StdioClientTransport({ command, args, env });
}
await client.connect(transport);
const out = { server: client.getServerVersion?.(), protocol: client.getNegotiatedProtocolVersion?.() ?? null, tools: (await client.listTools()).tools, calls: [] };
for (const call of JSON.parse(process.env.MCP_CALLS)) {
	try {
		out.calls.push(await client.callTool(call));
	} catch (e) {
		out.calls.push({ thrown: e.code ?? String(e) });
	}
}
await client.close();
console.log(JSON.stringify(out));
