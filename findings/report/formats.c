/* SPDX-License-Identifier: Apache-2.0 */
/* formats.c - the table of report formats. A new one is a file and a row. */
#include "findings/report.h"

#include <string.h>

void report_facts(const struct report *r, struct str *out)
{
	facts_print(r->facts, out);
}

const struct report_ops report_formats[] = {
	{ "console", "the block that a run prints", report_console },
	{ "facts", "every fact, one line a row", report_facts },
	{ "github", "GitHub Actions annotations", report_github },
	{ "html", "one self-contained page", report_html },
	{ "json", "findings.json", report_json },
	{ "markdown", "report.md", report_markdown },
	{ "sarif", "SARIF 2.1.0", report_sarif },
	{ NULL, NULL, NULL },
};

const struct report_ops *report_find(const char *name)
{
	for (const struct report_ops *f = report_formats; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}
