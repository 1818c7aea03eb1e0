/* SPDX-License-Identifier: Apache-2.0 */
/* mcp.h - the history for agents: the Model Context Protocol, one JSON-RPC message a line.
 *
 * Both eras of the protocol in one server without state that a restart would lose: `initialize` (2024-10-07 to
 * 2025-11-25), and
 * requests that each carry their version in _meta (2026-07-28). A function of a line, so that tests and fuzzing need no
 * process.
 */
#ifndef MCP_MCP_H
#define MCP_MCP_H

#include "history/settings.h"
#include "history/store.h"
#include "trace/redact.h"

#define MCP_LINE_MOST ((size_t)16 << 20)   /* of a request; longer ones are refused */
#define MCP_RESULT_MOST ((size_t)256 << 10) /* of a result, with its text block */

/* Borrowed. */
struct mcp {
	struct store_where read;
	const struct history_settings *settings;
	struct redactor *redactor;
	const char *root, *version;
	const char *audit_program;  /* NULL: code_path_audit is not there */
	char *const *envp;
	bool batches;               /* made by initialize: 2025-03-26 alone has them */
};

/* Appends the answer and a line end, or nothing. now_real_ns: since 1970. */
void mcp_answer(struct mcp *m, const char *line, size_t n, int64_t now_real_ns, struct str *out);
/* The answer to a line that is longer than MCP_LINE_MOST. */
void mcp_answer_too_long(struct str *out);

#endif
