/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - the documents of actions: JSON, Markdown, Mermaid, and the summary over all of them. */
#ifndef AUDIT_OUTPUT_H
#define AUDIT_OUTPUT_H

#include "audit/action.h"
#include "audit/calibrate.h"

/* The Mermaid of an action: at most depth levels. */
void output_mermaid(const struct profile *p, uint32_t depth, struct str *out);
/* mermaid: what output_mermaid() made. */
void output_markdown(const struct profile *p, const char *mermaid, struct str *out);
/* slim: without mermaid and markdown, as MCP's structuredContent has it. */
void output_json(const struct profile *p, const char *mermaid, const char *markdown, bool slim, struct str *out);

/* One candidate of all actions. */
struct ranked {
	const struct profile *p;
	const struct candidate *c;
};
/* Ranked over all actions, one row for the same place and kind. The caller frees. */
struct ranked *output_rank(const struct profile *profiles, size_t n, size_t *count);

void output_summary(const struct graph *g, const struct profile *profiles, size_t n, const struct calibration *c, size_t top,
		    struct str *out);
void output_candidates(const struct graph *g, const struct profile *profiles, size_t n, size_t top, struct str *out);

/* A name as a cell of a Markdown table: | ` and newlines escaped. */
void output_cell(struct str *out, const char *text);

#endif
