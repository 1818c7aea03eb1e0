/* SPDX-License-Identifier: Apache-2.0 */
/* propose.c - nodes 7 to 9: the evidence, what to try next, and a diff: out of a folder, or by a model. */
#include "runner/optimize/ask.h"
#include "runner/optimize/nodes.h"

#include "base/mem.h"
#include "base/path.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATE_MAX ((size_t)64 << 20)

int node_pack(struct loop *l, struct optimize_result *r, struct err *e)
{
	auto_str out = STR_INIT;
	auto_free char *path = loop_path(l, "pack.json");
	struct artifact a;
	int rc;

	if (!loop_may_go_on(l, r))
		return loop_begin(l, e);
	rc = pack_make(l, &out, e);
	if (rc < 0)
		return -1;
	if (rc == 1) {
		loop_skip(l, r, "neither hotspots nor findings are known");
		str_reset(&out);
		str_add(&out, "{}");
		return file_write(path, str_cstr(&out), out.len, e) < 0 ? -1 : loop_begin(l, e);
	}
	if (recall_pack(l, &out, e) < 0 || file_write(path, str_cstr(&out), out.len, e) < 0 ||
	    loop_put(l, "evidence_pack", str_cstr(&out), out.len, &a, e) < 0 ||
	    loop_begin(l, e) < 0 || loop_artifact(l, l->st.run_id, &a, "{}", e) < 0)
		return -1;
	snprintf(l->st.evidence_pack_id, sizeof(l->st.evidence_pack_id), "%s", a.id);
	return 0;
}

/* ---- 8 ---- */

int node_decide(struct loop *l, struct optimize_result *r, struct err *e)
{
	strv_release(&l->st.selected_hotspots);
	if (pack_hotspots(l, &l->st.selected_hotspots, e) < 0)
		return -1;
	if (!l->candidates_dir)
		return ask_conductor(l, r, e);
	loop_skip(l, r, "candidates of a folder were chosen by whoever made them");
	return loop_begin(l, e);
}

/* ---- 9 ---- */

static int take_candidate(struct loop *l, struct str *text, struct err *e)
{
	auto_free char *path = path_join(l->candidates_dir, l->candidates.v[l->st.iteration - 1]), *data = NULL;
	size_t n;

	if (file_read(path, CANDIDATE_MAX, &data, &n, e) < 0)
		return -1;
	str_addn(text, data, n);
	return 0;
}

int node_generate(struct loop *l, struct optimize_result *r, struct err *e)
{
	auto_free char *path = loop_path(l, "patches/%" PRId64 ".diff", l->st.iteration);
	auto_str text = STR_INIT;

	if (!l->candidates_dir)
		return ask_coder(l, path, r, e);
	if (take_candidate(l, &text, e) < 0 || file_write(path, str_cstr(&text), text.len, e) < 0)
		return -1;
	return loop_begin(l, e);
}
