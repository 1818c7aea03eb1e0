/* SPDX-License-Identifier: Apache-2.0 */
/* java_dump.c - HotSpot's dump of threads as text. Its form has been the same since Java 6, but for numbers that became
 * decimal (nid, in 20) and some that were added (cpu, elapsed, [tid]). */
#include "profile/lang/java.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 20000, FRAMES_MAX = 1024, LOCKS_MAX = 256, NAME_MAX_BYTES = 300 };

struct reader {
	struct java_dump *d;
	struct java_thread *t; /* the last one begun; NULL none */
	bool owned;            /* below "Locked ownable synchronizers" */
};

static char *masked(const char *s, size_t n)
{
	char *out = xstrndup(s, n), *at = strstr(out, "$$Lambda");

	/* P$$Lambda$14/0x00000007c0060840.run and P$$Lambda/0x…: the numbers are of this run alone */
	if (at) {
		char *rest = strchr(at, '.');
		size_t left = rest ? strlen(rest) : 0;

		at += 8;
		if (rest)
			memmove(at, rest, left);
		at[left] = '\0';
	}
	return out;
}

/* `"name" #12 daemon prio=5 os_prio=0 cpu=1.2ms elapsed=3s tid=0x… nid=0x1a2b waiting on condition  [0x…]` */
static void thread_begin(struct reader *r, const char *s, size_t n)
{
	const char *end = NULL, *nid;
	struct java_thread *t;
	auto_free char *line = xstrndup(s, n);

	r->t = NULL;
	r->owned = false;
	/* a name may hold quotes: the last one before the numbers ends it */
	for (const char *at = line; (at = strchr(at + 1, '"'));)
		end = at;
	nid = end ? strstr(end, " nid=") : NULL;
	if (!nid || r->d->n == THREADS_MAX)
		return;
	if (!(r->d->n & (r->d->n + 1)))
		r->d->v = xreallocarray(r->d->v, (r->d->n + 1) * 2, sizeof(*r->d->v));
	t = r->t = &r->d->v[r->d->n++];
	*t = (struct java_thread){ .nid = strtoull(nid + 5, NULL, 0) };
	t->name = xstrndup(line + 1, (size_t)(end - line - 1) < NAME_MAX_BYTES ? (size_t)(end - line - 1) : NAME_MAX_BYTES);
	t->user = str_starts(end + 1, " #");
	t->daemon = strstr(end, " daemon ") && strstr(end, " daemon ") < nid;
	t->runs = strstr(nid, " runnable ") != NULL;
}

/* "at pkg.Class.method(module@version/File.java:12)" */
static void frame_add(struct java_thread *t, const char *s, size_t n)
{
	const char *open = memchr(s, '(', n), *close = open ? memchr(open, ')', n - (size_t)(open - s)) : NULL;
	const char *slash, *colon = NULL, *file;
	struct java_frame *f;

	if (!close || t->frame_count == FRAMES_MAX)
		return;
	if (!(t->frame_count & (t->frame_count + 1)))
		t->frames = xreallocarray(t->frames, (t->frame_count + 1) * 2, sizeof(*t->frames));
	f = &t->frames[t->frame_count++];
	/* a module or class loader may stand before the class as well: "app//pkg.Class.method" */
	slash = memrchr(s, '/', (size_t)(open - s));
	if (slash && !memmem(s, (size_t)(open - s), "$$Lambda", 8) && !memchr(slash, '$', (size_t)(open - slash)))
		s = slash + 1;
	*f = (struct java_frame){ .function = masked(s, (size_t)(open - s)) };
	file = open + 1;
	slash = memrchr(file, '/', (size_t)(close - file));
	if (slash)
		file = slash + 1;
	colon = memchr(file, ':', (size_t)(close - file));
	if (colon) {
		f->file = xstrndup(file, (size_t)(colon - file));
		f->line = (int)strtol(colon + 1, NULL, 10);
		if (f->line < 0)
			f->line = 0;
	}
}

static void lock_add(struct java_thread *t, enum java_lock_does does, const char *s, size_t n)
{
	const char *at = memchr(s, '<', n), *a = memmem(s, n, "(a ", 3), *end;
	struct java_lock *l;

	if (t->lock_count == LOCKS_MAX)
		return;
	t->locks = xreallocarray(t->locks, t->lock_count + 1, sizeof(*t->locks));
	l = &t->locks[t->lock_count++];
	*l = (struct java_lock){ .does = does, .frame = t->frame_count ? t->frame_count - 1 : 0 };
	if (at && at + 3 < s + n && at[1] == '0' && at[2] == 'x')
		l->address = strtoull(at + 1, NULL, 16);
	end = a ? memchr(a, ')', n - (size_t)(a - s)) : NULL;
	l->class_name = end ? masked(a + 3, (size_t)(end - a - 3)) : xstrdup("object");
}

static void thread_line(struct reader *r, const char *s, size_t n)
{
	static const struct { const char *begins; enum java_lock_does does;
	} rows[] = {
		{ "- locked <", JAVA_HOLDS },
		{ "- waiting to lock <", JAVA_ENTERS },
		{ "- waiting to re-lock", JAVA_ENTERS },
		{ "- waiting on <", JAVA_WAITS },
		{ "- parking to wait for", JAVA_PARKS },
		{ "- eliminated <", JAVA_HOLDS },
	};
	struct java_thread *t = r->t;

	if (n > 3 && memcmp(s, "at ", 3) == 0) {
		frame_add(t, s + 3, n - 3);
		return;
	}
	if (n > 24 && memcmp(s, "java.lang.Thread.State: ", 24) == 0) {
		t->timed = memmem(s, n, "TIMED_WAITING", 13) != NULL;
		t->sleeps = memmem(s, n, "(sleeping)", 10) != NULL;
		return;
	}
	if (n > 6 && memcmp(s, "Locked", 6) == 0) {
		r->owned = true;
		return;
	}
	if (r->owned && n > 3 && memcmp(s, "- <", 3) == 0) {
		lock_add(t, JAVA_OWNS, s, n);
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (n > strlen(rows[i].begins) && memcmp(s, rows[i].begins, strlen(rows[i].begins)) == 0)
			lock_add(t, rows[i].does, s, n);
}

bool java_dump_parse(const char *text, size_t n, struct java_dump *d)
{
	struct reader r = { .d = d };

	*d = (struct java_dump){ .v = NULL };
	for (size_t at = 0; at < n;) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t len = end ? (size_t)(end - text) - at : n - at, blank = 0;
		const char *s = text + at;

		at += len + 1;
		while (blank < len && (s[blank] == ' ' || s[blank] == '\t'))
			blank++;
		if (len && s[len - 1] == '\r')
			len--;
		if (len && *s == '"') {
			thread_begin(&r, s, len);
		} else if (len > 6 && memcmp(s, "Found ", 6) == 0) {
			/* "Found one Java-level deadlock:" repeats what the threads said */
			d->deadlock = d->deadlock || memmem(s, len, "deadlock", 8);
			r.t = NULL;
		} else if (r.t && blank < len) {
			thread_line(&r, s + blank, len - blank);
		}
	}
	return d->n > 0;
}

void java_dump_release(struct java_dump *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct java_thread *t = &d->v[i];

		for (size_t k = 0; k < t->frame_count; k++) {
			free(t->frames[k].function);
			free(t->frames[k].file);
		}
		for (size_t k = 0; k < t->lock_count; k++)
			free(t->locks[k].class_name);
		free(t->frames);
		free(t->locks);
		free(t->name);
	}
	free(d->v);
	*d = (struct java_dump){ .v = NULL };
}
