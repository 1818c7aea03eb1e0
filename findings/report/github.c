/* SPDX-License-Identifier: Apache-2.0 */
/* github.c - GitHub annotations: the worst first, at most ten of a kind, because a step shows no
 * more. */
#include "findings/report.h"

#include <stdlib.h>
#include <string.h>

#define ANNOTATIONS_A_KIND 10

/* Workflow commands end at a line break; properties also at ',' and ':'. */
static void escape(struct str *out, const char *s, bool property)
{
	for (; *s; s++) {
		if (*s == '%')
			str_add(out, "%25");
		else if (*s == '\r')
			str_add(out, "%0D");
		else if (*s == '\n')
			str_add(out, "%0A");
		else if (property && *s == ':')
			str_add(out, "%3A");
		else if (property && *s == ',')
			str_add(out, "%2C");
		else
			str_addc(out, *s);
	}
}

static void annotation_write(const struct finding *x, struct str *out)
{
	static const char *const kinds[] = { "error", "warning", "notice" };
	auto_str title = STR_INIT;
	char *file = NULL;
	int64_t line;

	str_addf(out, "::%s ", kinds[x->pattern->severity]);
	if (report_split_location(x->location, &file, &line)) {
		str_add(out, "file=");
		escape(out, file, true);
		if (line > 0)
			str_addf(out, ",line=%lld", (long long)line);
		str_addc(out, ',');
	}
	free(file);
	str_add(out, "title=");
	str_addf(&title, "%s (%s)", x->pattern->title, x->pattern->id);
	escape(out, str_cstr(&title), true);
	str_add(out, "::");
	escape(out, x->summary, false);
	for (size_t i = 0; i < x->suggestions.n && i < 2; i++) {
		str_add(out, "%0A");
		escape(out, x->suggestions.v[i], false);
	}
	str_addc(out, '\n');
}

void report_github(const struct report *r, struct str *out)
{
	for (int kind = SEVERITY_ERROR; kind <= SEVERITY_NOTE; kind++) {
		unsigned n = 0;

		for (size_t i = 0; i < r->findings->n && n < ANNOTATIONS_A_KIND; i++)
			if ((int)r->findings->v[i]->pattern->severity == kind) {
				annotation_write(r->findings->v[i], out);
				n++;
			}
	}
}
