/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/repro/coverage.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "profile/native/elf_file.h"
#include "runner/repro/target.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_LOOK_NS (2 * NS_PER_MS)
#define LAST_STEP_NS (250 * NS_PER_MS)
#define LOOKS_TO_BELIEVE 2 /* between fork and the library's start everybody is seen without it */

void coverage_init(struct coverage *c, int64_t now_ns)
{
	memset(c, 0, sizeof(*c));
	c->step_ns = FIRST_LOOK_NS;
	c->next_ns = now_ns + c->step_ns;
}

void coverage_release(struct coverage *c)
{
	free(c->seen);
	memset(c, 0, sizeof(*c));
}

static const char *obstacle_of_elf(int fd)
{
	unsigned char ident[EI_NIDENT];
	struct elf_file f;
	bool interpreted = false;
	Elf64_Phdr ph;

	if (pread(fd, ident, sizeof(ident), 0) != sizeof(ident) || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return NULL; /* a script */
	if (ident[EI_CLASS] == ELFCLASS32)
		return "32-bit";
	if (elf_file_open(&f, fd) < 0)
		return NULL;
	for (unsigned i = 0; elf_file_segment(&f, i, &ph); i++)
		interpreted |= ph.p_type == PT_INTERP;
	elf_file_close(&f);
	return interpreted ? NULL : "static";
}

const char *coverage_obstacle(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	if (st.st_mode & (S_ISUID | S_ISGID))
		return "setuid";
	return obstacle_of_elf(fd);
}

static uint32_t known_processes(const struct delay_state *state)
{
	return state->processes < DELAY_PROCESSES_MAX ? state->processes : DELAY_PROCESSES_MAX;
}

/* Has it, or what it was before, loaded the library? */
static bool is_known(const struct delay_state *state, pid_t pid)
{
	for (uint32_t i = 0; i < known_processes(state); i++)
		if (state->process[i].pid == pid)
			return true;
	return false;
}

static struct coverage_seen *find(struct coverage *c, pid_t pid)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->seen[i].pid == pid)
			return &c->seen[i];
	return NULL;
}

/* What it runs may change until the next look: a shell becomes a static program. */
static void see(struct coverage *c, pid_t pid)
{
	struct coverage_seen *x = find(c, pid);
	struct proc_stat s;
	char path[40];

	if ((!x && c->n == COVERAGE_SEEN_MAX) || proc_stat_read(pid, &s) < 0 || s.state == 'Z')
		return;
	if (!x) {
		if (!c->seen)
			c->seen = xcalloc(COVERAGE_SEEN_MAX, sizeof(*c->seen));
		x = &c->seen[c->n++];
		x->pid = pid;
	}
	x->looks++;
	memcpy(x->comm, s.comm, sizeof(x->comm));
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0)
		x->why = coverage_obstacle(fd);
}

int64_t coverage_step(struct coverage *c, const struct pid_list *members, const struct delay_state *state, int64_t now_ns)
{
	if (now_ns < c->next_ns)
		return c->next_ns;
	for (size_t i = 0; i < members->n; i++)
		if (!is_known(state, members->v[i]))
			see(c, members->v[i]);
	c->step_ns = c->step_ns * 3 / 2 < LAST_STEP_NS ? c->step_ns * 3 / 2 : LAST_STEP_NS;
	c->next_ns = now_ns + c->step_ns;
	return c->next_ns;
}

static void add_missed(struct strv *missed, const char *path, const char *why)
{
	const char *slash = strrchr(path, '/');
	auto_free char *text = xasprintf("%s (%s)", slash ? slash + 1 : path, why ? why : "did not load it");

	if (!strv_has(missed, text))
		strv_add(missed, text);
}

static void add_program(struct strv *missed, const char *path, const char *cwd, const char *search)
{
	auto_free char *found = target_program(path, cwd, search);
	auto_close int fd = found ? open(found, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;

	add_missed(missed, path, fd < 0 ? NULL : coverage_obstacle(fd));
}

/* The last program that it became. */
static const char *program_of(const struct delay_state *state, pid_t pid)
{
	for (uint32_t i = state->execs < DELAY_EXECS_MAX ? state->execs : DELAY_EXECS_MAX; i-- > 0;)
		if (state->exec[i].pid == pid && memchr(state->exec[i].path, '\0', DELAY_PATH_SIZE))
			return state->exec[i].path;
	return NULL;
}

/* Of those that had loaded the library: who still has. */
static uint32_t count_known(const struct delay_state *state, const char *cwd, const char *search, uint32_t *without,
			    struct strv *missed)
{
	uint32_t covered = 0;

	for (uint32_t i = 0; i < known_processes(state); i++) {
		const struct delay_process *p = &state->process[i];
		const char *path = p->loaded ? NULL : program_of(state, p->pid);

		covered += p->loaded != 0;
		*without += !p->loaded;
		if (path)
			add_program(missed, path, cwd, search);
	}
	return covered;
}

uint32_t coverage_count(const struct coverage *c, const struct delay_state *state, const char *command, const char *cwd,
			const char *search, uint32_t *total, struct strv *missed)
{
	uint32_t without = 0, covered = count_known(state, cwd, search, &without, missed);

	for (size_t i = 0; i < c->n; i++) {
		const struct coverage_seen *x = &c->seen[i];

		if (is_known(state, x->pid) || (!x->why && x->looks < LOOKS_TO_BELIEVE))
			continue;
		without++;
		add_missed(missed, x->comm, x->why);
	}
	if (!covered && !without) { /* it ended before it was looked at */
		without = 1;
		add_program(missed, command, cwd, search);
	}
	*total = covered + without;
	return covered;
}
