/* SPDX-License-Identifier: Apache-2.0 */
/* rows_usage.c - what processes used: samples tell CPU time and waits, the proc collector the rest. */
#include "runner/sampled/rows.h"

#include "base/json_read.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROCESS_ROWS_MAX = 100 };

struct used {
	int32_t pid;
	const char *comm;
	int64_t cpu_ns, delay_ns, life_ns, samples, top_ns;
	uint32_t top;
	size_t thread;
};

static struct used *used_of(const struct profile *p, size_t *n)
{
	struct used *v = xcalloc(p->thread_count + 1, sizeof(*v));
	int32_t *at = xcalloc(p->thread_count + 1, sizeof(*at));

	*n = 0;
	for (size_t i = 0; i < p->thread_count; i++) {
		const struct prof_thread *t = &p->threads[i];
		size_t k = 0;

		while (k < *n && v[k].pid != t->pid)
			k++;
		if (k == *n)
			v[(*n)++] = (struct used){ .pid = t->pid, .comm = t->comm, .thread = i };
		at[i] = (int32_t)k;
		if (t->pid == t->tid) {
			v[k].comm = t->comm;
			v[k].life_ns = t->end_ns - t->start_ns;
			v[k].thread = i;
		}
	}
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct prof_sample *x = &p->samples[i];
		struct used *u = &v[at[x->thread]];

		if (x->wait >= 0)
			continue;
		u->cpu_ns += x->cpu_ns;
		u->delay_ns += x->wall_ns > x->cpu_ns ? x->wall_ns - x->cpu_ns : 0;
		u->samples++;
		if (x->cpu_ns >= u->top_ns) {
			u->top_ns = x->cpu_ns;
			u->top = profile_place(p, x->stack);
		}
	}
	free(at);
	return v;
}

static void shares_put(struct facts *f, struct fact_row *r, const char *scope, int64_t cpu_ns, int64_t delay_ns,
		       int64_t life_ns, int64_t samples)
{
	fact_set_text(f, r, FC_USAGE_scope, scope);
	fact_set_num(r, FC_USAGE_cpu_ms, (double)cpu_ns / 1e6);
	fact_set_num(r, FC_USAGE_run_delay_ms, (double)delay_ns / 1e6);
	fact_set_num(r, FC_USAGE_delay_share, cpu_ns > 0 ? (double)delay_ns / (double)cpu_ns : 0);
	fact_set_num(r, FC_USAGE_wall_ms, (double)life_ns / 1e6);
	fact_set_num(r, FC_USAGE_cpu_share, life_ns > 0 ? (double)cpu_ns / (double)life_ns : 0);
	fact_set_num(r, FC_USAGE_cores_used, life_ns > 0 ? (double)cpu_ns / (double)life_ns : 0);
	fact_set_int(r, FC_USAGE_cpus, sysconf(_SC_NPROCESSORS_ONLN));
	fact_set_int(r, FC_USAGE_samples, samples);
}

/* What the proc collector saw of one process. */
static void looked_put(struct fact_row *r, const struct json_value *v)
{
	int64_t user = json_get_int(v, "user_ns", 0), system = json_get_int(v, "system_ns", 0);
	int64_t calls = json_get_int(v, "read_calls", 0) + json_get_int(v, "write_calls", 0);
	int64_t chars = json_get_int(v, "read_chars", 0) + json_get_int(v, "write_chars", 0);
	int64_t lived = json_get_int(v, "end_ns", 0) - json_get_int(v, "start_ns", 0);

	fact_set_num(r, FC_USAGE_user_ms, (double)user / 1e6);
	fact_set_num(r, FC_USAGE_system_ms, (double)system / 1e6);
	fact_set_num(r, FC_USAGE_system_share, user + system > 0 ? (double)system / (double)(user + system) : 0);
	fact_set_int(r, FC_USAGE_rss_max_bytes, json_get_int(v, "rss_max_bytes", 0));
	fact_set_int(r, FC_USAGE_pss_bytes, json_get_int(v, "pss_bytes", 0));
	fact_set_int(r, FC_USAGE_rss_growth_bytes_s, json_get_int(v, "rss_growth_bytes_s", 0));
	fact_set_num(r, FC_USAGE_observed_ms, (double)json_get_int(v, "observed_ns", 0) / 1e6);
	fact_set_bool(r, FC_USAGE_rising, json_get_int(v, "rss_last_bytes", 0) >= json_get_int(v, "rss_max_bytes", 0));
	fact_set_int(r, FC_USAGE_major_faults, json_get_int(v, "major_faults", 0));
	fact_set_int(r, FC_USAGE_minor_faults, json_get_int(v, "minor_faults", 0));
	fact_set_int(r, FC_USAGE_swap_bytes, json_get_int(v, "swap_bytes", 0));
	fact_set_int(r, FC_USAGE_read_bytes, json_get_int(v, "read_bytes", 0));
	fact_set_int(r, FC_USAGE_write_bytes, json_get_int(v, "write_bytes", 0));
	fact_set_int(r, FC_USAGE_read_calls, json_get_int(v, "read_calls", 0));
	fact_set_int(r, FC_USAGE_write_calls, json_get_int(v, "write_calls", 0));
	fact_set_int(r, FC_USAGE_io_calls, calls);
	fact_set_num(r, FC_USAGE_bytes_per_call, calls > 0 ? (double)chars / (double)calls : 0);
	fact_set_num(r, FC_USAGE_io_wait_ms, (double)json_get_int(v, "blkio_ns", 0) / 1e6);
	fact_set_num(r, FC_USAGE_io_wait_share, lived > 0 ? (double)json_get_int(v, "blkio_ns", 0) / (double)lived : 0);
	fact_set_int(r, FC_USAGE_voluntary, json_get_int(v, "voluntary", 0));
	fact_set_int(r, FC_USAGE_involuntary, json_get_int(v, "involuntary", 0));
	fact_set_int(r, FC_USAGE_fd_max, json_get_int(v, "fd_max", 0));
	fact_set_int(r, FC_USAGE_fd_growth, json_get_int(v, "fd_growth", 0));
	fact_set_int(r, FC_USAGE_threads_running, json_get_int(v, "threads_max", 0));
	fact_set_int(r, FC_USAGE_thread_growth, json_get_int(v, "thread_growth", 0));
}

bool note_is_of(const struct raw_note *n, int32_t pid)
{
	char begins[40];
	int len = snprintf(begins, sizeof(begins), "{\"pid\":%d,", (int)pid);

	return n->n > (size_t)len && memcmp(n->text, begins, (size_t)len) == 0;
}

static void process_row(struct facts *f, const struct sample_result *r, const struct used *u, const char *file)
{
	struct fact_row *row = fact_add(f, FACT_USAGE, file, "/threads");
	const struct prof_frame *top = &r->p->frames[u->top];

	if (!row)
		return;
	shares_put(f, row, "process", u->cpu_ns, u->delay_ns, u->life_ns, u->samples);
	fact_set_int(row, FC_USAGE_pid, u->pid);
	fact_set_text(f, row, FC_USAGE_comm, u->comm);
	if (u->samples) {
		fact_set_text(f, row, FC_USAGE_top_function, top->function);
		fact_set_text(f, row, FC_USAGE_top_file, top->file);
		if (top->line > 0)
			fact_set_int(row, FC_USAGE_top_line, top->line);
	}
	for (size_t i = 0; i < r->raw->note_count; i++) {
		const struct raw_note *n = &r->raw->notes[i];
		struct json_reader *reader;
		const struct json_value *v;
		struct err e;

		if (strcmp(n->kind, "usage") != 0 || !note_is_of(n, u->pid))
			continue;
		reader = json_reader_text(n->text, n->n, "usage");
		if (json_take(reader, &v, &e) == 0 && json_get_int(v, "pid", 0) == u->pid)
			looked_put(row, v);
		json_reader_free(reader);
	}
}

static void cgroup_row(struct facts *f, const struct sample_result *r, const char *file)
{
	const struct raw_note *last = NULL;
	struct json_reader *reader;
	const struct json_value *v, *quota;
	struct fact_row *row;
	struct err e;

	for (size_t i = 0; i < r->raw->note_count; i++)
		if (strcmp(r->raw->notes[i].kind, "cgroup") == 0)
			last = &r->raw->notes[i];
	if (!last)
		return;
	reader = json_reader_text(last->text, last->n, "cgroup");
	row = json_take(reader, &v, &e) == 0 ? fact_add(f, FACT_CGROUP, file, "") : NULL;
	if (row) {
		double periods = (double)json_get_int(v, "periods", 0);
		double throttled = (double)json_get_int(v, "throttled_periods", 0);

		quota = json_get(v, "quota_cores");
		if (quota && quota->kind == JSON_NUMBER)
			fact_set_num(row, FC_CGROUP_quota_cores, quota->is_integer ? (double)quota->integer : quota->number);
		fact_set_num(row, FC_CGROUP_throttled_ms, (double)json_get_int(v, "throttled_us", 0) / 1e3);
		fact_set_num(row, FC_CGROUP_throttled_share, periods > 0 ? throttled / periods : 0);
		if (json_get_int(v, "memory_max_bytes", 0) > 0)
			fact_set_int(row, FC_CGROUP_memory_max_bytes, json_get_int(v, "memory_max_bytes", 0));
		fact_set_int(row, FC_CGROUP_oom_kills, json_get_int(v, "oom_kills", 0));
	}
	json_reader_free(reader);
}

static int most_cpu_first(const void *a, const void *b)
{
	const struct used *x = a, *y = b;

	return x->cpu_ns != y->cpu_ns ? (x->cpu_ns > y->cpu_ns ? -1 : 1) : x->pid < y->pid ? -1 : x->pid > y->pid;
}

void sampled_usage(struct facts *f, const struct sample_result *r, const char *file)
{
	int64_t cpu = 0, delay = 0, samples = 0;
	struct fact_row *tree;
	size_t n;
	struct used *v = used_of(r->p, &n);

	if (n)
		qsort(v, n, sizeof(*v), most_cpu_first);
	for (size_t i = 0; i < n; i++) {
		cpu += v[i].cpu_ns;
		delay += v[i].delay_ns;
		samples += v[i].samples;
		if (i < PROCESS_ROWS_MAX)
			process_row(f, r, &v[i], file);
	}
	tree = n ? fact_add(f, FACT_USAGE, file, "") : NULL;
	if (tree)
		shares_put(f, tree, "tree", cpu, delay, r->p->ended_ns - r->p->started_ns, samples);
	cgroup_row(f, r, file);
	free(v);
}

/* ---- programs that are started again and again ---- */

struct spawned {
	const char *name;
	size_t count;
	int64_t cpu_ns, least_ns, first_ns, last_ns;
	int64_t *lives;
};

static int by_life(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void spawn_row(struct facts *f, const struct spawned *s, int64_t all_ns, const char *file)
{
	struct fact_row *r = fact_add(f, FACT_SPAWN, file, "/threads");
	double seconds = (double)(s->last_ns - s->first_ns) / 1e9;

	if (!r)
		return;
	qsort(s->lives, s->count, sizeof(*s->lives), by_life);
	fact_set_text(f, r, FC_SPAWN_argv0, s->name);
	fact_set_int(r, FC_SPAWN_count, (int64_t)s->count);
	fact_set_num(r, FC_SPAWN_lifetime_ms_median, (double)s->lives[s->count / 2] / 1e6);
	fact_set_num(r, FC_SPAWN_cpu_ms, (double)s->cpu_ns / 1e6);
	fact_set_num(r, FC_SPAWN_cpu_share, all_ns > 0 ? (double)s->cpu_ns / (double)all_ns : 0);
	fact_set_num(r, FC_SPAWN_per_second, seconds > 0.001 ? (double)(s->count - 1) / seconds : 0);
	fact_set_num(r, FC_SPAWN_startup_ms, (double)s->least_ns / 1e6);
	fact_set_num(r, FC_SPAWN_startup_share, all_ns > 0 ? (double)s->least_ns * (double)s->count / (double)all_ns : 0);
	fact_set_bool(r, FC_SPAWN_interpreter, strncmp(s->name, "python", 6) == 0 || strcmp(s->name, "node") == 0 ||
					       strcmp(s->name, "ruby") == 0 || strcmp(s->name, "perl") == 0 ||
					       strcmp(s->name, "java") == 0);
}

void sampled_spawns(struct facts *f, const struct sample_result *r, const char *file)
{
	size_t n, groups = 0;
	struct used *u = used_of(r->p, &n);
	struct spawned *v = xcalloc(n + 1, sizeof(*v));
	int64_t all = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t start = r->p->threads[u[i].thread].start_ns;
		size_t k = 0;

		all += u[i].cpu_ns;
		while (k < groups && strcmp(v[k].name, u[i].comm) != 0)
			k++;
		if (k == groups)
			v[groups++] = (struct spawned){ .name = u[i].comm, .least_ns = INT64_MAX, .first_ns = start };
		if (!(v[k].count & (v[k].count - 1)))
			v[k].lives = xreallocarray(v[k].lives, v[k].count ? v[k].count * 2 : 1, sizeof(*v[k].lives));
		v[k].lives[v[k].count++] = u[i].life_ns;
		v[k].cpu_ns += u[i].cpu_ns;
		if (u[i].cpu_ns < v[k].least_ns)
			v[k].least_ns = u[i].cpu_ns;
		if (start < v[k].first_ns)
			v[k].first_ns = start;
		if (start > v[k].last_ns)
			v[k].last_ns = start;
	}
	for (size_t k = 0; k < groups; k++) {
		if (v[k].count >= 5 && *v[k].name)
			spawn_row(f, &v[k], all, file);
		free(v[k].lives);
	}
	free(v);
	free(u);
}
