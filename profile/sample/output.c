/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/sample/output.h"
#include "profile/sample/calls.h"

#include "base/fd.h"
#include "base/guard.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "base/path.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_BYTES_MAX ((size_t)1 << 31)

bool sample_collects(const struct sample_session *x, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = x->collect; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (strncmp(at, name, n) == 0 && (at[n] == ',' || !at[n]))
			return true;
	return false;
}

static struct sample_extra *extra_find(struct sample_session *x, const char *collector)
{
	for (size_t i = 0; i < x->extra_n; i++)
		if (strcmp(x->extra[i].collector, collector) == 0)
			return &x->extra[i];
	return NULL;
}

struct sample_extra *sample_extra(struct sample_session *x, const char *collector)
{
	struct sample_extra *old = extra_find(x, collector);

	if (old)
		return old;
	BUG_ON(x->extra_n == sizeof(x->extra) / sizeof(*x->extra));
	old = &x->extra[x->extra_n++];
	*old = (struct sample_extra){ .metrics = STR_INIT, .files = STRV_INIT };
	snprintf(old->collector, sizeof(old->collector), "%s", collector);
	return old;
}

void sample_extras_release(struct sample_session *x)
{
	for (size_t i = 0; i < x->extra_n; i++) {
		str_release(&x->extra[i].metrics);
		strv_release(&x->extra[i].files);
	}
	x->extra_n = 0;
	strv_release(&x->also);
}

void sample_note_session(struct sample_session *x)
{
	auto_free char *text =
		xasprintf("%s %lld %lld %s", x->run_id, (long long)x->hz, (long long)x->start_real_ns, x->collect);

	book_note(&x->sampler.book, "session", text, strlen(text));
	book_note(&x->sampler.book, "target", x->target_json, strlen(x->target_json));
	if (x->root)
		book_note(&x->sampler.book, "root", x->root, strlen(x->root));
	if (x->journal)
		book_note(&x->sampler.book, "journal", x->journal, strlen(x->journal));
}

static char *note_text(const struct raw *r, const char *kind)
{
	for (size_t i = 0; i < r->note_count; i++)
		if (strcmp(r->notes[i].kind, kind) == 0)
			return xstrndup(r->notes[i].text, r->notes[i].n);
	return NULL;
}

/* Of a sampler that was killed: what it had been told. */
static void session_recall(struct sample_session *x, const struct raw *r)
{
	/* Kept until the process ends. */
	static char collect[256], id[64], *root, *target, *journal;
	char *text = note_text(r, "session");
	long long hz = 99, real = 0;

	root = note_text(r, "root");
	target = note_text(r, "target");
	journal = note_text(r, "journal");
	if (text && sscanf(text, "%63s %lld %lld %255s", id, &hz, &real, collect) == 4) {
		x->run_id = *x->run_id ? x->run_id : id;
		x->collect = collect;
		x->hz = hz;
		x->start_real_ns = real;
	}
	free(text);
	x->root = x->root ? x->root : root;
	x->journal = x->journal ? x->journal : journal;
	if (target && json_scan_value(target, strlen(target)))
		x->target_json = target;
}

/* ---- what each test took ---- */

static void case_members(struct json *j, const struct profile *p, const struct case_sums *c)
{
	json_fixed(j, "cpu_ms", (double)c->cpu_ns / 1e6, 3);
	json_fixed(j, "wait_ms", (double)c->wait_ns / 1e6, 3);
	json_fixed(j, "run_delay_ms", (double)c->delay_ns / 1e6, 3);
	json_int(j, "samples", c->samples);
	if (c->phases && c->cpu_ns + c->wait_ns > 0) {
		double all = (double)(c->cpu_ns + c->wait_ns), setup = (double)c->setup_ns / all;

		json_fixed(j, "setup_share", setup > 1 ? 1 : setup, 3);
		json_fixed(j, "teardown_share", (double)c->teardown_ns / all > 1 ? 1 : (double)c->teardown_ns / all, 3);
	}
	if (c->sleep_ns > 0) {
		const struct prof_frame *f = &p->frames[c->sleep_place];

		json_object(j, "sleep_at");
		json_str(j, "function", f->function);
		json_str(j, "file", f->file);
		json_int(j, "line", f->line);
		json_object_end(j);
	}
	json_array(j, "top");
	for (size_t i = 0; i < c->top_n; i++) {
		const struct prof_frame *f = &p->frames[c->top[i].frame];

		json_object(j, NULL);
		json_str(j, "function", f->function ? f->function : "[unknown]");
		json_str(j, "file", f->file);
		json_int(j, "line", f->line);
		json_fixed(j, "share", c->cpu_ns ? (double)c->top[i].cpu_ns / (double)c->cpu_ns : 0, 3);
		json_object_end(j);
	}
	json_array_end(j);
	json_array(j, "waits");
	for (size_t i = 0; i < c->wait_n; i++) {
		json_object(j, NULL);
		json_str(j, "kind", p->waits[c->waits[i].wait].kind);
		json_str(j, "resource", p->waits[c->waits[i].wait].resource);
		json_fixed(j, "ms", (double)c->waits[i].wall_ns / 1e6, 3);
		json_object_end(j);
	}
	json_array_end(j);
}

/* One line a test: its span's number in the journal, and members for its attributes. */
static int write_span_attrs(const struct sample_session *x, const struct profile *p, const struct attribution *a,
			    struct err *e)
{
	auto_free char *path = path_join(x->raw, "span-attrs.jsonl");
	auto_str out = STR_INIT, one = STR_INIT;

	for (size_t i = 0; i < a->case_count; i++) {
		struct json j;

		str_reset(&one);
		json_init(&j, &one);
		json_object(&j, NULL);
		json_int(&j, "span", a->cases[i].journal_span);
		json_object(&j, "attrs");
		case_members(&j, p, &a->cases[i]);
		json_object_end(&j);
		json_object_end(&j);
		json_finish(&j);
		str_addf(&out, "%s\n", str_cstr(&one));
	}
	return a->case_count ? file_write(path, str_cstr(&out), out.len, e) : 0;
}

/* ---- artifacts ---- */

struct totals {
	int64_t cpu_ns, unknown_ns, wall_ns, wait_ns, delay_ns;
	uint64_t cpu_samples, wait_samples;
	uint64_t cpu_taken, wait_taken; /* of them: without those that stand for what no sample was taken of */
	size_t processes, threads;
	struct { const char *name; int64_t ns; } languages[16];
	size_t language_n;
};

static bool frame_is_named(const struct prof_frame *f)
{
	return f->function && strcmp(f->function, "[unknown]") != 0;
}

static void language_add(struct totals *t, const char *name, int64_t ns)
{
	for (size_t i = 0; i < t->language_n; i++)
		if (strcmp(t->languages[i].name, name) == 0) {
			t->languages[i].ns += ns;
			return;
		}
	if (t->language_n < 16) {
		t->languages[t->language_n].name = name;
		t->languages[t->language_n++].ns = ns;
	}
}

/* Threads on whose stacks Python was seen. */
static bool *threads_of_python(const struct profile *p)
{
	bool *v = xcalloc(p->thread_count + 1, sizeof(*v));

	for (size_t i = 0; i < p->sample_count; i++)
		for (uint32_t k = p->stack_len[p->samples[i].stack]; !v[p->samples[i].thread] && k-- > 0;)
			v[p->samples[i].thread] =
				strcmp(p->frames[p->pool[p->stack_first[p->samples[i].stack] + k]].language, "python") == 0;
	return v;
}

static void totals_take(const struct profile *p, const bool *wanted, struct totals *t)
{
	*t = (struct totals){ 0 };
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct prof_sample *x = &p->samples[i];
		const char *language = "native";
		bool named = false;

		if (wanted && !wanted[x->thread])
			continue;
		t->wall_ns += x->wall_ns;
		if (x->wait >= 0) {
			t->wait_ns += x->wall_ns;
			t->wait_samples++;
			t->wait_taken += !x->rest;
			continue;
		}
		t->cpu_ns += x->cpu_ns;
		t->delay_ns += x->wall_ns > x->cpu_ns ? x->wall_ns - x->cpu_ns : 0;
		t->cpu_samples++;
		t->cpu_taken += !x->rest;
		for (uint32_t k = p->stack_len[x->stack]; k-- > 0;) {
			const struct prof_frame *f = &p->frames[p->pool[p->stack_first[x->stack] + k]];

			named |= frame_is_named(f);
			if (strcmp(f->language, "native") != 0)
				language = f->language;
		}
		if (!named)
			t->unknown_ns += x->cpu_ns;
		language_add(t, language, x->cpu_ns);
	}
	for (size_t i = 0; i < p->thread_count; i++) {
		if (wanted && !wanted[i])
			continue;
		t->threads++;
		t->processes += p->threads[i].pid == p->threads[i].tid;
	}
}

static double share(int64_t part, int64_t whole)
{
	return whole > 0 ? (double)part / (double)whole : 0;
}

static void metrics_overhead(struct json *j, const struct sample_session *x, const struct totals *t)
{
	int64_t own = sampler_own_cpu_ns();

	json_object(j, "overhead");
	json_fixed(j, "own_cpu_ms", (double)own / 1e6, 3);
	json_fixed(j, "stopped_ms", (double)x->sampler.stopped_ns / 1e6, 3);
	json_fixed(j, "share", share(own, t->cpu_ns), 4);
	json_uint(j, "stops_count", x->sampler.stops);
	json_int(j, "blocked_stops_count", 0);
	json_object_end(j);
}

static void metrics_cpu(struct json *j, const struct sample_session *x, const struct totals *t, const struct attribution *a)
{
	double seconds = (double)t->cpu_ns / 1e9;

	json_uint(j, "samples_count", t->cpu_samples);
	json_uint(j, "lost_count", x->sampler.book.lost);
	json_fixed(j, "cpu_ms", (double)t->cpu_ns / 1e6, 3);
	json_int(j, "rate_hz", x->hz);
	json_fixed(j, "rate_hz_effective", seconds > 0 ? (double)t->cpu_taken / seconds : 0, 2);
	json_uint(j, "processes_count", t->processes);
	json_uint(j, "threads_count", t->threads);
	json_str(j, "with", x->sampler.engine ? x->sampler.engine->name : "read");
	metrics_overhead(j, x, t);
	json_fixed(j, "unknown_share", share(t->unknown_ns, t->cpu_ns), 4);
	json_fixed(j, "attributed_share", share(a->cpu_in_cases_ns, a->cpu_ns), 4);
	json_fixed(j, "unattributed_share", share(a->cpu_unattributed_ns, a->cpu_ns), 4);
	json_object(j, "languages");
	for (size_t i = 0; i < t->language_n; i++)
		json_fixed(j, t->languages[i].name, share(t->languages[i].ns, t->cpu_ns), 4);
	json_object_end(j);
}

static void metrics_wall(struct json *j, const struct sample_session *x, const struct totals *t)
{
	json_uint(j, "samples_count", t->wait_samples);
	json_fixed(j, "wall_ms", (double)t->wall_ns / 1e6, 3);
	json_fixed(j, "wait_ms", (double)t->wait_ns / 1e6, 3);
	json_uint(j, "looks_count", x->sampler.ticks);
	json_uint(j, "copies_count", x->sampler.copies);
	json_uint(j, "processes_count", t->processes);
	json_uint(j, "threads_count", t->threads);
	metrics_overhead(j, x, t);
}

struct output {
	struct sample_session *x;
	const struct profile *p;
	const struct attribution *a;
	struct totals totals;
	struct used_sums {
		int64_t processes, user_ns, system_ns, rss_max, read_bytes, write_bytes, read_calls, write_calls, major,
			minor;
		int64_t voluntary, involuntary, blkio_ns, fd_max, threads_max, swap;
		int64_t pss_max, throttled_us, periods, throttled_periods, pressure_us[3];
		bool reaped, pressure;
	} used;                   /* by the notes of the proc collector */
	const struct raw *raw;
	struct totals python;     /* of processes that run Python alone */
	struct calls calls;       /* of cprofile, where it was asked for */
	bool have_profile;
	char reason[400];
};

static bool is_usage(const struct collector_row *row)
{
	return strcmp(row->name, "proc") == 0 || strcmp(row->name, "io") == 0;
}

static void at_least(int64_t *most, int64_t v)
{
	if (v > *most)
		*most = v;
}

static void used_add(struct used_sums *u, const struct json_value *v)
{
	u->processes++;
	u->user_ns += json_get_int(v, "user_ns", 0);
	u->system_ns += json_get_int(v, "system_ns", 0);
	u->read_bytes += json_get_int(v, "read_bytes", 0);
	u->write_bytes += json_get_int(v, "write_bytes", 0);
	u->read_calls += json_get_int(v, "read_calls", 0);
	u->write_calls += json_get_int(v, "write_calls", 0);
	u->major += json_get_int(v, "major_faults", 0);
	u->minor += json_get_int(v, "minor_faults", 0);
	u->voluntary += json_get_int(v, "voluntary", 0);
	u->involuntary += json_get_int(v, "involuntary", 0);
	u->blkio_ns += json_get_int(v, "blkio_ns", 0);
	u->swap += json_get_int(v, "swap_bytes", 0);
	at_least(&u->rss_max, json_get_int(v, "rss_max_bytes", 0));
	at_least(&u->fd_max, json_get_int(v, "fd_max", 0));
	at_least(&u->threads_max, json_get_int(v, "threads_max", 0));
	at_least(&u->pss_max, json_get_int(v, "pss_bytes", 0));
}

static void used_pressure(struct used_sums *u, const struct json_value *v)
{
	u->pressure = true;
	u->pressure_us[0] = json_get_int(v, "cpu_us", 0);
	u->pressure_us[1] = json_get_int(v, "io_us", 0);
	u->pressure_us[2] = json_get_int(v, "memory_us", 0);
}

static void used_cgroup(struct used_sums *u, const struct json_value *v)
{
	u->throttled_us = json_get_int(v, "throttled_us", 0);
	u->periods = json_get_int(v, "periods", 0);
	u->throttled_periods = json_get_int(v, "throttled_periods", 0);
}

/* The kernel's sums over all that was waited for are the truth of what looks have seen a part of. */
static void used_reaped(struct used_sums *u, const struct json_value *v)
{
	u->reaped = true;
	at_least(&u->user_ns, json_get_int(v, "user_ns", 0));
	at_least(&u->system_ns, json_get_int(v, "system_ns", 0));
	at_least(&u->minor, json_get_int(v, "minor_faults", 0));
	at_least(&u->major, json_get_int(v, "major_faults", 0));
}

static void used_take(struct used_sums *u, const struct raw *r)
{
	static const struct {
		const char *kind;
		void (*take)(struct used_sums *u, const struct json_value *v);
	} takers[] = { { "usage", used_add }, { "reaped", used_reaped }, { "pressure", used_pressure },
		       { "cgroup", used_cgroup } };

	*u = (struct used_sums){ 0 };
	for (size_t i = 0; i < r->note_count; i++)
		for (size_t k = 0; k < sizeof(takers) / sizeof(*takers); k++) {
			struct json_reader *reader;
			const struct json_value *v;
			struct err e;

			if (strcmp(r->notes[i].kind, takers[k].kind) != 0)
				continue;
			reader = json_reader_text(r->notes[i].text, r->notes[i].n, takers[k].kind);
			if (json_take(reader, &v, &e) == 0)
				takers[k].take(u, v);
			json_reader_free(reader);
		}
}

static void metrics_used(struct json *j, const struct used_sums *u, const struct totals *t, bool io_alone)
{
	json_int(j, "processes_count", u->processes); /* that were looked at */
	json_int(j, "read_bytes", u->read_bytes);
	json_int(j, "write_bytes", u->write_bytes);
	json_int(j, "read_calls_count", u->read_calls);
	json_int(j, "write_calls_count", u->write_calls);
	json_fixed(j, "disk_wait_ms", (double)u->blkio_ns / 1e6, 3);
	if (io_alone)
		return;
	json_fixed(j, "cpu_ms", (double)(u->user_ns + u->system_ns) / 1e6, 3);
	json_fixed(j, "user_ms", (double)u->user_ns / 1e6, 3);
	json_fixed(j, "system_ms", (double)u->system_ns / 1e6, 3);
	json_int(j, "rss_max_bytes", u->rss_max);
	json_int(j, "swap_bytes", u->swap);
	json_int(j, "major_faults_count", u->major);
	json_int(j, "minor_faults_count", u->minor);
	json_int(j, "voluntary_count", u->voluntary);
	json_int(j, "involuntary_count", u->involuntary);
	json_int(j, "threads_max_count", u->threads_max);
	json_int(j, "fd_max_count", u->fd_max);
	json_int(j, "pss_max_bytes", u->pss_max);
	json_fixed(j, "run_delay_ms", (double)t->delay_ns / 1e6, 3);
	json_fixed(j, "throttled_ms", (double)u->throttled_us / 1e3, 3);
	json_fixed(j, "throttled_share", share(u->throttled_periods, u->periods), 4);
	if (!u->pressure)
		return;
	json_object(j, "pressure");
	json_fixed(j, "cpu_ms", (double)u->pressure_us[0] / 1e3, 3);
	json_fixed(j, "io_ms", (double)u->pressure_us[1] / 1e3, 3);
	json_fixed(j, "memory_ms", (double)u->pressure_us[2] / 1e3, 3);
	json_object_end(j);
}

/* What blocked it: files, pipes and peers by name, those that took longest. */
static void metrics_io_waits(struct json *j, const struct profile *p)
{
	auto_free int64_t *ns = xcalloc(p->wait_index.n + 1, sizeof(*ns));

	for (size_t i = 0; i < p->sample_count; i++)
		if (p->samples[i].wait >= 0)
			ns[p->samples[i].wait] += p->samples[i].wall_ns;
	json_object(j, "waits_ms");
	for (int rows = 0; rows < 20; rows++) {
		uint32_t best = UINT32_MAX;

		for (uint32_t i = 0; i < p->wait_index.n; i++)
			if (p->waits[i].resource && ns[i] > 0 && (best == UINT32_MAX || ns[i] > ns[best]))
				best = i;
		if (best == UINT32_MAX)
			break;
		json_fixed(j, p->waits[best].resource, (double)ns[best] / 1e6, 3);
		for (uint32_t i = 0; i < p->wait_index.n; i++)
			if (i != best && p->waits[i].resource && strcmp(p->waits[i].resource, p->waits[best].resource) == 0)
				ns[i] = 0;
		ns[best] = 0;
	}
	json_object_end(j);
}

static bool status_has_samples(const struct collector_row *row)
{
	return strcmp(row->name, "cpu") == 0 || strcmp(row->name, "pyspy") == 0;
}

static enum artifact_status status_of_calls(struct output *o)
{
	const struct calls *c = &o->calls;

	if (!c->files.n) {
		snprintf(o->reason, sizeof(o->reason),
			 c->missed_n ? "no Python process could be counted: see "
				       "metrics.missed"
				     : "no Python process ran");
		return ARTIFACT_PARTIAL;
	}
	if (c->missed_n)
		snprintf(o->reason, sizeof(o->reason), "%zu Python processes were not counted: see metrics.missed",
			 c->missed_n);
	return c->missed_n ? ARTIFACT_PARTIAL : ARTIFACT_OK;
}

static bool runs_language(const struct totals *t)
{
	for (size_t i = 0; i < t->language_n; i++)
		if (strcmp(t->languages[i].name, "native") != 0)
			return true;
	return false;
}

static enum artifact_status status_of(struct output *o, const struct collector_row *row)
{
	const struct sample_session *x = o->x;
	const struct sample_extra *extra = extra_find(o->x, row->name);
	bool wall = strcmp(row->name, "wall") == 0;

	o->reason[0] = '\0';
	if (x->failed) {
		snprintf(o->reason, sizeof(o->reason), "%s", x->failed);
		return strstr(x->failed, "refused") ? ARTIFACT_DENIED : ARTIFACT_UNAVAILABLE;
	}
	if (strcmp(row->name, "cprofile") == 0)
		return status_of_calls(o);
	if (extra) {
		snprintf(o->reason, sizeof(o->reason), "%s", extra->reason);
		return extra->status;
	}
	if (is_usage(row)) {
		if (!o->used.processes)
			snprintf(o->reason, sizeof(o->reason), "no process lived long enough to be looked at");
		return o->used.processes ? ARTIFACT_OK : ARTIFACT_PARTIAL;
	}
	if (strcmp(row->name, "gc") == 0) {
		if (!o->totals.cpu_taken)
			snprintf(o->reason, sizeof(o->reason), "the tree used %.0f ms of CPU: no sample",
				 (double)o->totals.cpu_ns / 1e6);
		else if (!runs_language(&o->totals))
			snprintf(o->reason, sizeof(o->reason), "no runtime with a garbage collector was seen at work");
		return o->reason[0] ? ARTIFACT_PARTIAL : ARTIFACT_OK;
	}
	if (x->finish_only)
		snprintf(o->reason, sizeof(o->reason), "the sampler was killed: what came after its last second is lost");
	else if (x->sampler.refused[0] && (wall || x->sampler.stops_refused || x->sampler.unknown_samples))
		snprintf(o->reason, sizeof(o->reason), "%s", x->sampler.refused);
	else if (x->sampler.engine == &sampler_read)
		snprintf(o->reason, sizeof(o->reason), "sampled without stops: what runs is known by name only");
	else if (strcmp(row->name, "pyspy") == 0 && !o->python.cpu_taken && !o->python.wait_taken)
		snprintf(o->reason, sizeof(o->reason), "no thread was seen that runs Python: no sample");
	else if (!wall && !o->totals.cpu_taken)
		snprintf(o->reason, sizeof(o->reason), "the tree used %.0f ms of CPU: no sample",
			 (double)o->totals.cpu_ns / 1e6);
	else if (wall && !o->totals.wait_taken && !o->totals.cpu_taken)
		snprintf(o->reason, sizeof(o->reason), "the tree ended before the first look: no sample");
	return o->reason[0] ? ARTIFACT_PARTIAL : ARTIFACT_OK;
}

/* "…/python3.11" -> "3.11", "…/versions/node/v20.1.0/bin/node" -> "20.1.0": what the path tells; else "". */
static void version_of_path(const char *path, const char *base, size_t stem, char *out, size_t size)
{
	const char *digits = base + stem, *at = strstr(path, "/versions/");
	size_t n = strspn(digits, "0123456789.");

	out[0] = '\0';
	if (at) {
		at += strlen("/versions/");
		at += strncmp(at, "node/v", 6) == 0 ? 6 : 0;
		snprintf(out, size, "%.*s", (int)strspn(at, "0123456789."), at);
	}
	if (!out[0] && n > 1 && strchr(digits, '.'))
		snprintf(out, size, "%.*s", (int)n, digits);
}

/* A JDK says it in a file beside its programs. */
static void version_of_java(const char *path, char *out, size_t size)
{
	auto_free char *file = xasprintf("%.*s/../release", (int)(strrchr(path, '/') - path), path);
	char text[2048];
	const char *at;

	if (fd_read_file(AT_FDCWD, file, text, sizeof(text)) > 0 && (at = strstr(text, "JAVA_VERSION=\"")))
		snprintf(out, size, "%.*s", (int)strcspn(at + 14, "\""), at + 14);
}

/* The interpreters that ran, each once: path, version. */
static void interpreters_add(struct strv *to, const struct raw *r)
{
	static const char *const names[] = { "python", "node", "ruby", "java", "perl", "php" };

	for (size_t i = 0; i < r->thread_count; i++) {
		const char *path = r->threads[i].exe, *base = path ? strrchr(path, '/') : NULL;
		bool known = !base;
		char version[64];

		for (size_t k = 0; k + 1 < to->n && !known; k += 2)
			known = strcmp(to->v[k], path) == 0;
		for (size_t k = 0; k < sizeof(names) / sizeof(*names) && !known; k++) {
			size_t n = strlen(names[k]);

			if (strncmp(base + 1, names[k], n) != 0 || base[1 + n + strspn(base + 1 + n, "0123456789.")])
				continue;
			version_of_path(path, base + 1, n, version, sizeof(version));
			if (!version[0] && strcmp(names[k], "java") == 0)
				version_of_java(path, version, sizeof(version));
			strv_add(to, path);
			strv_add(to, version[0] ? version : "unknown");
			known = true;
		}
	}
}

static void files_add(struct strv *to, const struct sample_session *x, const struct strv *names)
{
	for (size_t i = 0; i < names->n; i++)
		strv_take(to, xasprintf("raw/%s/%s", x->run_id, names->v[i]));
}

static int write_artifact(struct output *o, const char *name, struct err *e)
{
	const struct collector_row *row = collector_row_find(name);
	struct sample_session *x = o->x;
	const struct sample_extra *extra = row ? extra_find(x, row->name) : NULL;
	auto_free char *file = xasprintf("artifact-%s.json", name), *path = path_join(x->raw, file);
	auto_str metrics = STR_INIT, out = STR_INIT;
	struct artifact art = { .row = row, .run_id = x->run_id, .started_real_ns = x->start_real_ns,
				.target_json = x->target_json };
	struct json j;
	int rc;

	if (!row)
		return 0;
	art.status = status_of(o, row);
	art.reason = o->reason;
	art.intrusion = x->sampler.stops ? 1 : 0;
	json_init(&j, &metrics);
	json_object(&j, NULL);
	if (extra) {
		json_members(&j, extra->metrics.data, extra->metrics.len);
		art.intrusion = extra->intrusion;
		files_add(&art.raw_files, x, &extra->files);
	} else if (strcmp(row->name, "cprofile") == 0) {
		calls_metrics(&o->calls, &j);
		art.intrusion = 3;
		files_add(&art.raw_files, x, &o->calls.files);
	} else if (is_usage(row))
		{
		bool io = strcmp(row->name, "io") == 0;

		metrics_used(&j, &o->used, &o->totals, io);
		if (io && o->have_profile)
			metrics_io_waits(&j, o->p);
	} else if (o->have_profile && strcmp(row->name, "gc") == 0 && x->gc_members)
		x->gc_members(o->p, o->raw, &j);
	else if (o->have_profile && strcmp(row->name, "wall") == 0)
		metrics_wall(&j, x, &o->totals);
	else if (o->have_profile && strcmp(row->category, "cpu") == 0 && status_has_samples(row))
		metrics_cpu(&j, x, strcmp(row->name, "pyspy") == 0 ? &o->python : &o->totals, o->a);
	json_object_end(&j);
	json_finish(&j);
	metrics.data[metrics.len - 1] = '\0'; /* the members alone */
	art.metrics = metrics.data + 1;
	if (o->have_profile && !extra && strcmp(row->name, "cprofile") != 0) {
		strv_take(&art.raw_files, xasprintf("raw/%s/profile.json", x->run_id));
		files_add(&art.raw_files, x, &x->also);
		if (x->has_series && strcmp(row->name, "proc") == 0)
			strv_take(&art.raw_files, xasprintf("raw/%s/series-proc.json", x->run_id));
	}
	if (o->raw)
		interpreters_add(&art.interpreters, o->raw);
	artifact_write(&art, &out);
	rc = file_write(path, str_cstr(&out), out.len, e);
	strv_release(&art.raw_files);
	strv_release(&art.interpreters);
	return rc;
}

static int write_artifacts(struct output *o, struct err *e)
{
	const char *at = o->x->collect;

	while (at) {
		const char *comma = strchr(at, ',');
		auto_free char *name = comma ? xstrndup(at, (size_t)(comma - at)) : xstrdup(at);

		if (write_artifact(o, name, e) < 0)
			return -1;
		at = comma ? comma + 1 : NULL;
	}
	return 0;
}

/* The whole tree over time, as the proc collector saw it. */
static int write_series(struct sample_session *x, const struct raw *r, struct err *e)
{
	auto_free char *path = path_join(x->raw, "series-proc.json");
	auto_str out = STR_INIT;
	size_t n = 0;

	str_add(&out, "{\"version\":1,\"columns\":[\"ts_ns\",\"cpu_ns\",\"rss_bytes\",\"processes\",\"threads\","
		      "\"descriptors\"],\"rows\":[");
	for (size_t i = 0; i < r->note_count; i++)
		if (strcmp(r->notes[i].kind, "series") == 0 && json_scan_value(r->notes[i].text, r->notes[i].n)) {
			str_add(&out, n++ ? ",\n" : "\n");
			str_addn(&out, r->notes[i].text, r->notes[i].n);
		}
	str_add(&out, "\n]}\n");
	x->has_series = n > 0;
	return n ? file_write(path, str_cstr(&out), out.len, e) : 0;
}

/* ---- all ---- */

static int write_profile(const struct sample_session *x, const struct profile *p, struct err *e)
{
	auto_free char *path = path_join(x->raw, "profile.json");
	auto_str out = STR_INIT;

	profile_write(p, &out);
	return file_write(path, str_cstr(&out), out.len, e);
}

/* Leaves only samples of some threads. */
static void samples_keep(struct profile *p, const bool *wanted)
{
	size_t n = 0;

	for (size_t i = 0; i < p->sample_count; i++)
		if (wanted[p->samples[i].thread])
			p->samples[n++] = p->samples[i];
	p->sample_count = n;
}

static int output_profile(struct output *o, struct raw *r, struct err *e)
{
	struct sample_session *x = o->x;
	struct finish_options f = { .run_id = x->run_id,
				    .root = x->root,
				    .rate_hz = (int)x->hz,
				    .end_ns = x->ended_ns,
				    .wall = sample_collects(x, "wall"),
				    .kernel_seen = x->sampler.with_kernel,
				    .lines = true };
	auto_close int journal = x->journal ? open(x->journal, O_RDONLY | O_CLOEXEC) : -1;
	static struct profile p;
	static struct attribution a;
	auto_free bool *python = NULL;
	int rc;

	finish_profile(&p, r, x->finish_only ? NULL : &x->sampler.images, &f);
	attribute(&p, r, journal, &a);
	p.dropped = (int64_t)x->sampler.book.lost;
	python = threads_of_python(&p);
	if (x->sampler.python_only)
		samples_keep(&p, python);
	totals_take(&p, NULL, &o->totals);
	totals_take(&p, python, &o->python);
	o->raw = r;
	used_take(&o->used, r);
	o->p = &p;
	o->a = &a;
	o->have_profile = true;
	x->samples = p.sample_count;
	if (sample_collects(x, "cprofile"))
		calls_read(&o->calls, x->raw, &p);
	rc = write_profile(x, &p, e);
	if (rc == 0)
		rc = write_span_attrs(x, &p, &a, e);
	if (rc == 0 && x->on_result)
		rc = x->on_result(x, &(struct sample_result){ &p, &a, r, &o->calls }, e);
	if (rc == 0)
		rc = write_series(x, r, e);
	if (rc == 0)
		rc = write_artifacts(o, e);
	calls_release(&o->calls);
	profile_release(&p);
	attribution_release(&a);
	return rc;
}

int sample_output(struct sample_session *x, struct redactor *redactor, struct err *e)
{
	struct output o = { .x = x };
	auto_free char *bytes = NULL;
	auto_close int log = -1;
	struct raw r = { 0 };
	size_t n = 0;
	int rc;

	(void)redactor;
	if (x->failed)
		return write_artifacts(&o, e);
	log = guard_open_regular(x->log, O_RDONLY);
	if (log < 0)
		return err_sys(e, "reading '%s'", x->log);
	if (file_read_fd(log, x->log, LOG_BYTES_MAX, &bytes, &n, e) < 0 || raw_parse(&r, bytes, n, e) < 0)
		return -1;
	if (x->finish_only) {
		session_recall(x, &r);
		x->ended_ns = -1;
	}
	rc = output_profile(&o, &r, e);
	raw_release(&r);
	if (rc == 0)
		guard_unlink(x->log);
	return rc;
}
