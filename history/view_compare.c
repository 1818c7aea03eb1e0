/* SPDX-License-Identifier: Apache-2.0 */
#include "history/compare.h"
#include "history/real.h"
#include "history/view.h"

#include <string.h>

static int options_of(const struct history_settings *h, struct compare_options *o, struct err *e)
{
	o->common_mode = !h->no_common_mode;
	if (real_of("--alpha", h->alpha, 0, 1, 0.01, &o->alpha, e) < 0 ||
	    real_of("--min-effect", h->min_effect, 0, 1000, 0.02, &o->min_effect, e) < 0)
		return -1;
	return real_of("--equivalence", h->equivalence, 0, 1000, 0.05, &o->equivalence, e);
}

static int same_lane(const struct compare_side sides[2], bool any_device, struct err *e)
{
	const struct compare_side *a = &sides[0], *b = &sides[1];

	if (any_device || !a->workload || !b->workload ||
	    (strcmp(a->workload, b->workload) == 0 && strcmp(a->device, b->device) == 0))
		return 0;
	return err_set(e, ERR_USAGE, "compare: the sides are of different workloads or devices ('%s' on '%s', '%s' on '%s'):"
		       " any_device compares them all the same", a->workload, a->device, b->workload, b->device);
}

int view_compare(const struct view *v, const char *base, const char *candidate, struct str *out, struct err *e)
{
	const struct history_settings *h = v->settings;
	const char *const words[2] = { base, candidate };
	struct compare_side sides[2] = { 0 };
	struct compare_options o;
	struct comparison c;
	int rc = options_of(h, &o, e);

	for (int i = 0; i < 2 && rc == 0; i++)
		rc = compare_side_runs(v->s, words[i], &h->metrics, h->any_device, &sides[i], e);
	if (rc == 0)
		rc = same_lane(sides, h->any_device, e);
	if (rc == 0) {
		compare_sides(&sides[0], &sides[1], &o, &c);
		comparison_json(&c, &sides[0], &sides[1], out);
		comparison_release(&c);
	}
	compare_side_release(&sides[0]);
	compare_side_release(&sides[1]);
	return rc;
}
