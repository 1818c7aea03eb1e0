/* SPDX-License-Identifier: Apache-2.0 */
/* pattern_files.c - where patterns come from: the program itself, and folders of users. */
#include "findings/pattern.h"

#include "base/embed.h"
#include "base/mem.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EMBED(patterns_locks, "findings/patterns/hang-locks.yaml");
EMBED(patterns_waits, "findings/patterns/hang-waits.yaml");
EMBED(patterns_runtimes, "findings/patterns/hang-runtimes.yaml");
EMBED(patterns_phase, "findings/patterns/hang-phase.yaml");
EMBED(patterns_machine, "findings/patterns/machine.yaml");
EMBED(patterns_leak, "findings/patterns/leak.yaml");
EMBED(patterns_fail, "findings/patterns/fail.yaml");
EMBED(patterns_perf_cpu, "findings/patterns/perf-cpu.yaml");
EMBED(patterns_perf_process, "findings/patterns/perf-process.yaml");
EMBED(patterns_perf_wait, "findings/patterns/perf-wait.yaml");
EMBED(patterns_perf_tests, "findings/patterns/perf-tests.yaml");
EMBED(patterns_run, "findings/patterns/run.yaml");

/* Where the next pattern of a file begins; its end where there is none. */
static const char *next_pattern(const char *at, const char *end)
{
	static const char head[] = "\n  - id:";
	const char *found = memmem(at, (size_t)(end - at), head, sizeof(head) - 1);

	return found ? found + 1 : end;
}

/* Is there any row that it takes? What does not say so plainly is taken to have some. */
static bool has_rows(const char *at, const char *end, const struct facts *f)
{
	static const char over[] = "\n    over: ";
	const char *word = memmem(at, (size_t)(end - at), over, sizeof(over) - 1), *eol;
	char name[32];
	int kind;

	if (!word)
		return true;
	word += sizeof(over) - 1;
	eol = memchr(word, '\n', (size_t)(end - word));
	if (!eol || (size_t)(eol - word) >= sizeof(name))
		return true;
	snprintf(name, sizeof(name), "%.*s", (int)(eol - word), word);
	kind = fact_kind_find(name);
	return kind < 0 || f->table[kind].n > 0;
}

/* A file without the patterns that no row of f is for: parsing those is most of what a report costs of a run that
 * passed. Their lines stay, empty, so that the others' numbers are right. False where none is left. */
static bool text_for(const char *text, const char *end, const struct facts *f, struct str *out)
{
	const char *head_end = next_pattern(text, end);
	bool any = false;

	str_addn(out, text, (size_t)(head_end - text));
	for (const char *at = head_end, *next; at < end; at = next) {
		next = next_pattern(at, end);
		if (!f || has_rows(at, next, f)) {
			str_addn(out, at, (size_t)(next - at));
			any = true;
			continue;
		}
		for (const char *c = at; c < next; c++)
			if (*c == '\n')
				str_addn(out, c, 1);
	}
	return any;
}

int patterns_add_builtin(struct patterns *p, const struct facts *f, struct err *e)
{
	static const struct {
		const char *name;
		const char *text, *end;
	} files[] = {
		{ "patterns/hang-locks.yaml", patterns_locks, patterns_locks_end },
		{ "patterns/hang-waits.yaml", patterns_waits, patterns_waits_end },
		{ "patterns/hang-runtimes.yaml", patterns_runtimes, patterns_runtimes_end },
		{ "patterns/hang-phase.yaml", patterns_phase, patterns_phase_end },
		{ "patterns/machine.yaml", patterns_machine, patterns_machine_end },
		{ "patterns/leak.yaml", patterns_leak, patterns_leak_end },
		{ "patterns/fail.yaml", patterns_fail, patterns_fail_end },
		{ "patterns/perf-cpu.yaml", patterns_perf_cpu, patterns_perf_cpu_end },
		{ "patterns/perf-process.yaml", patterns_perf_process, patterns_perf_process_end },
		{ "patterns/perf-wait.yaml", patterns_perf_wait, patterns_perf_wait_end },
		{ "patterns/perf-tests.yaml", patterns_perf_tests, patterns_perf_tests_end },
		{ "patterns/run.yaml", patterns_run, patterns_run_end },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		auto_str text = STR_INIT;

		if (text_for(files[i].text, files[i].end, f, &text) &&
		    patterns_add_text(p, files[i].name, str_cstr(&text), text.len, e) < 0)
			return -1;
	}
	return 0;
}

static int is_pattern_file(const struct dirent *d)
{
	return d->d_name[0] != '.' && (str_ends(d->d_name, ".yaml") || str_ends(d->d_name, ".yml"));
}

/* Bytes, not the user's locale: the same order everywhere. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_file(struct patterns *p, const char *path, struct err *e)
{
	auto_free char *text = NULL;
	size_t n;

	if (file_read(path, 1024 * 1024, &text, &n, e) < 0) {
		e->kind = ERR_USAGE; /* the user named the folder */
		return -1;
	}
	return patterns_add_text(p, path, text, n, e);
}

int patterns_add_dir(struct patterns *p, const char *dir, struct err *e)
{
	struct patterns own;
	struct dirent **list;
	int n = scandir(dir, &list, is_pattern_file, by_name), rc = 0;

	if (n < 0)
		return err_set(e, ERR_USAGE, "reading the patterns of %s: %s", dir, strerror(errno));
	patterns_init(&own);
	for (int i = 0; i < n; i++) {
		auto_free char *path = path_join(dir, list[i]->d_name);

		if (rc == 0)
			rc = add_file(&own, path, e);
		free(list[i]);
	}
	free(list);
	if (rc == 0 && !own.n)
		rc = err_set(e, ERR_USAGE, "no *.yaml file in %s", dir);
	if (rc == 0)
		patterns_merge(p, &own);
	patterns_release(&own);
	return rc;
}
