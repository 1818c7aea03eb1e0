/* SPDX-License-Identifier: Apache-2.0 */
/* collect.c - the profiler of kind samples: our own sampler on the workload, and its stacks as folded lines. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/optimize/child.h"
#include "runner/optimize/nodes.h"

#include <stdlib.h>

#define FOLDED_MAX ((size_t)256 << 20)
#define REPORT_NS (120 * NS_PER_S)

static int fold(struct loop *l, const char *dir, struct adapter_run *p, struct err *e)
{
	auto_free char *trace = path_join(dir, "run-trace.json");
	char *argv[] = { l->runner, "report", "--quiet", "--artifacts-dir", (char *)dir, "--format", "folded", trace, NULL };
	struct strv env = STRV_INIT;
	struct child c = { .argv = argv, .out_max = FOLDED_MAX, .until_ns = clock_mono_ns() + REPORT_NS };
	int rc;

	strv_copy(&env, &l->env);
	c.envp = env.v;
	rc = child_run(&c, e);
	str_reset(&p->log);
	if (rc == 0 && c.code == 0)
		str_addn(&p->log, str_cstr(&c.out), c.out.len);
	strv_release(&env);
	child_release(&c);
	return rc;
}

int collect_samples(struct loop *l, int64_t side, const char *tag, struct adapter_run *p, struct err *e)
{
	const struct adapter *w = &l->setup.adapter[ROLE_WORKLOAD];

	if (w->kind != ADAPTER_COMMAND)
		return 0;
	if (adapter_run_command(l, w, side, tag, false, "cpu", p, e) < 0)
		return -1;
	return p->dir ? fold(l, p->dir, p, e) : 0;
}
