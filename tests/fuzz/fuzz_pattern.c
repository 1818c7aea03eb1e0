/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a pattern file; what loads is applied to rows of every kind. */
#include "findings/analyze.h"
#include "findings/report.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct facts facts;

static void facts_make(void)
{
	struct err e;

	if (facts_init(&facts, &e) < 0)
		abort();
	for (int k = 0; k < FACT_KIND_COUNT; k++)
		for (int i = 0; i < 3; i++) {
			struct fact_row *r = fact_add(&facts, (enum fact_kind)k, "run-trace.json", "/events/1");

			for (int c = (int)fact_first((enum fact_kind)k); c < (int)fact_end((enum fact_kind)k); c++)
				if ((c + i) % 3)
					fact_set_from_text(&facts, r, (enum fact_col)c,
							   fact_columns[c].type == FACT_BOOL ? "true" : i ? "12" : "7");
		}
	facts_sort(&facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct patterns p;
	struct findings found;
	struct err e = { 0 };

	if (!facts.blocks)
		facts_make();
	patterns_init(&p);
	findings_init(&found);
	if (patterns_add_text(&p, "fuzz.yaml", (const char *)data, size, &e) == 0) {
		struct report r = { .facts = &facts, .findings = &found };

		analyze(&facts, &p, &found);
		report_head_read(&r.head, &facts);
		for (const struct report_ops *f = report_formats; f->name; f++) {
			auto_str out = STR_INIT;

			f->write(&r, &out);
		}
	}
	findings_release(&found);
	patterns_release(&p);
	return 0;
}
