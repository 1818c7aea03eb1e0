/* SPDX-License-Identifier: Apache-2.0 */
/* tool.h - the one table of tools: inputSchema and the check of arguments come of its rows. */
#ifndef MCP_TOOL_H
#define MCP_TOOL_H

#include "base/json_read.h"
#include "base/json_write.h"
#include "history/view.h"
#include "mcp/mcp.h"

#define TOOL_ARGS_MAX 8

enum tool_arg_type { ARG_TEXT, ARG_INT, ARG_BOOL, ARG_TEXTS };

struct tool_arg {
	const char *name;
	enum tool_arg_type type;
	bool required;
	int64_t least, most;         /* ARG_INT; of ARG_TEXT: bytes at most */
	const char *help;
};

/* A call on its way. */
struct tool_call {
	struct mcp *m;
	struct store *s;             /* NULL where the tool wants none */
	const struct json_value *args; /* an object, or NULL */
	struct history_settings settings;
	struct view view;            /* JSON, with these settings */
	struct str json;             /* the result: an object */
	char *text;                  /* the text block where it is not the same JSON; owned */
};

struct tool {
	const char *name, *title, *help;
	bool no_store;
	bool bad_args_are_results;   /* isError and not a protocol error */
	struct tool_arg args[TOOL_ARGS_MAX]; /* ends with a name of NULL */
	/* 0; 1 there is no such thing; -1: e says what, for the agent. */
	int (*run)(struct tool_call *c, struct err *e);
	bool needs_audit;
};
extern const struct tool tools[]; /* ends with a name of NULL */

const struct tool *tool_find(const struct mcp *m, const char *name);
/* Members name, title, description, inputSchema, outputSchema, annotations of all that are there, as an array. */
void tools_list(const struct mcp *m, struct json *j);
/* ERR_USAGE with the name and what is accepted. */
int tool_check(const struct tool *t, const struct json_value *args, struct err *e);

static inline char *tool_text(const struct tool_call *c, const char *name)
{
	return (char *)json_get_text(c->args, name); /* settings hold char *, and never write to it */
}

int tool_code_path_audit(struct tool_call *c, struct err *e); /* audit.c */

/* json, an object, at most `most` bytes, counted with its repetition as an escaped string: items are dropped from the
 * end of its
 * largest array, and "truncated": true says so. -1: it cannot be made so small. */
int result_cut(struct str *json, size_t most);

#endif
