/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - node 3: the static graph of the baseline's sources, as `spec-runner audit` reads them in a work tree of the
 * commit: what the user did not commit is no part of the baseline. The graph is the loop's; its candidates share it. */
#include "runner/optimize/nodes.h"

#include "base/clock.h"
#include "base/mem.h"
#include "history/static_graph.h"
#include "runner/config/libexec.h"
#include "runner/optimize/child.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AUDIT_NS (120 * NS_PER_S)
#define GRAPH_MAX_BYTES ((size_t)256 << 20)

static char *source_tree(const struct loop *l)
{
	return loop_path(l, "work/source");
}

void loop_source_remove(struct loop *l)
{
	auto_free char *tree = source_tree(l);

	if (access(tree, F_OK) == 0)
		repo_remove(&l->repo, tree);
}

/* The first line of what the audit said, without its name. */
static void skip_with(struct loop *l, struct optimize_result *r, const struct child *c)
{
	static const char ours[] = "spec-runner: ";
	const char *text = str_cstr(&c->err);

	if (str_starts(text, ours))
		text += sizeof(ours) - 1;
	if (c->late || c->cut)
		loop_skip(l, r, "the audit of the sources %s", c->late ? "took too long" : "is too large");
	else
		loop_skip(l, r, "audit: %.*s (exit code %d)", (int)strcspn(text, "\n"), text, c->code);
}

/* Runs the audit in tree, whose program is at path. */
static int audit_run(struct loop *l, const char *path, const char *tree, struct child *c, struct err *e)
{
	char *argv[] = { (char *)path, "--format", "call-graph", "--no-cache", NULL };
	struct strv env = STRV_INIT;
	int rc;

	strv_copy(&env, &l->env);
	strv_take(&env, xasprintf("HOME=%s", tree));
	*c = (struct child){ .argv = argv, .envp = env.v, .cwd = tree, .out_max = GRAPH_MAX_BYTES,
			     .until_ns = clock_mono_ns() + AUDIT_NS };
	rc = child_run(c, e);
	strv_release(&env);
	if (rc == 0 && child_interrupted)
		return err_set(e, ERR_FAILURE, "interrupted");
	return rc;
}

int node_static(struct loop *l, struct optimize_result *r, struct err *e)
{
	auto_free char *path = libexec_find("audit"), *tree = source_tree(l);
	struct static_graph_size size = { .nodes = 0 };
	struct child c = { .argv = NULL };
	int rc = 0;

	if (!path) {
		loop_skip(l, r, "spec-runner audit is not part of this build");
		return loop_begin(l, e);
	}
	if (repo_checkout(&l->repo, l->st.baseline_commit, tree, e) < 0 || audit_run(l, path, tree, &c, e) < 0)
		rc = -1;
	else if (c.code != 0 || c.late || c.cut)
		skip_with(l, r, &c);
	if (rc == 0)
		rc = loop_begin(l, e);
	if (rc == 0 && r->outcome == OUT_DONE)
		rc = static_graph_put(l->s, l->st.run_id, str_cstr(&c.out), c.out.len, tree, &size, e);
	if (rc == 0 && r->outcome == OUT_DONE && !size.nodes)
		loop_skip(l, r, "the sources hold no function in a language that audit reads");
	child_release(&c);
	loop_source_remove(l);
	return rc;
}
