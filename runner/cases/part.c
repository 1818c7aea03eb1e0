/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cases/part.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "runner/config/history_place.h"
#include "runner/config/libexec.h"
#include "runner/proc/helper.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PART_NS (60 * NS_PER_S) /* 64 jobs may ask one store at once */

bool part_has_plan(const struct options *o, char *const envp[])
{
	auto_free char *program = libexec_find("shard");

	return program && (o->history.plan || o->history.plan_key || history_is_named(o, envp));
}

/* As the history names it. */
static char *name_of(const struct spec_case *c)
{
	return c->suite && *c->suite ? xasprintf("%s %s", c->suite, c->id) : xstrdup(c->id);
}

static void add_pair(struct strv *argv, const char *flag, const char *value)
{
	if (!value)
		return;
	strv_add(argv, flag);
	strv_add(argv, value);
}

/* The names of our part, one a line, in *text. */
static int ask(const struct options *o, const char *root, char *const envp[], const struct case_selection *s, int list,
	       struct str *text, struct err *e)
{
	auto_free char *dir = history_dir(o, root);
	auto_close int out = memfd_create("spec-runner-part", MFD_CLOEXEC);
	struct strv argv = STRV_INIT, env = STRV_INIT;
	char block[65536];
	ssize_t n;
	pid_t pid;
	int code;

	if (out < 0)
		return err_sys(e, "memfd_create");
	strv_add(&argv, "spec-runner-shard");
	strv_take(&argv, xasprintf("%u/%u", s->shard, s->shards));
	strv_take(&argv, xasprintf("/dev/fd/%d", HELPER_FD));
	if (history_is_named(o, envp))
		add_pair(&argv, "--history", dir);
	add_pair(&argv, "--device", o->history.device);
	add_pair(&argv, "--plan-key", o->history.plan_key);
	add_pair(&argv, "--plan", o->history.plan);
	add_pair(&argv, "--plan-out", o->history.plan_out);
	if (o->history.network_ok)
		strv_add(&argv, "--history-network-ok");
	if (o->quiet)
		strv_add(&argv, "--quiet");
	helper_environment(&env, envp, o);
	pid = helper_start("shard", argv.v, env.v, out, list, false, e);
	strv_release(&argv);
	strv_release(&env);
	code = pid < 0 ? -1 : helper_wait(pid, clock_mono_ns() + PART_NS);
	if (code != 0) /* what is wrong was said by it */
		return pid < 0 ? -1
			       : err_set(e, code == 1 || code == 2 ? ERR_USAGE : ERR_FAILURE,
					 "--shard: no part without the plan");
	if (lseek(out, 0, SEEK_SET) < 0)
		return err_sys(e, "lseek");
	while ((n = read(out, block, sizeof(block))) > 0)
		str_addn(text, block, (size_t)n);
	return n < 0 ? err_sys(e, "read") : 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void keep_named(struct str *text, const struct case_set *set, uint32_t *order, uint32_t *count)
{
	struct strv ours = STRV_INIT;
	char *rest = text->len ? text->data : NULL, *line;
	uint32_t kept = 0;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			strv_add(&ours, line);
	if (ours.n)
		qsort(ours.v, ours.n, sizeof(*ours.v), by_text);
	for (uint32_t i = 0; i < *count; i++) {
		auto_free char *name = name_of(&set->cases[order[i]]);

		if (ours.n && bsearch(&name, ours.v, ours.n, sizeof(*ours.v), by_text))
			order[kept++] = order[i];
	}
	*count = kept;
	strv_release(&ours);
}

int part_take(const struct options *o, const char *root, char *const envp[], const struct case_selection *select,
	      const struct case_set *set, uint32_t *order, uint32_t *count, struct err *e)
{
	auto_close int list = memfd_create("spec-runner-cases", MFD_CLOEXEC);
	auto_str names = STR_INIT, text = STR_INIT;

	if (list < 0)
		return err_sys(e, "memfd_create");
	for (uint32_t i = 0; i < *count; i++) {
		auto_free char *name = name_of(&set->cases[order[i]]);

		str_addf(&names, "%s\n", name);
	}
	if (fd_write_all(list, str_cstr(&names), names.len) < 0 || lseek(list, 0, SEEK_SET) < 0)
		return err_sys(e, "write");
	if (ask(o, root, envp, select, list, &text, e) < 0)
		return -1;
	keep_named(&text, set, order, count);
	return 0;
}
