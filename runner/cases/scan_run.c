/* SPDX-License-Identifier: Apache-2.0 */
/* scan_run.c - the walk, the threads and the reading of file.scan. The walk hands files out in
 * blocks; every thread has its own buffer, its own counts and its own totals, which are added up
 * at the end, so that threads share nothing but the queue. */
#include "base/fd.h"
#include "base/mem.h"
#include "runner/cases/scan_state.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK_FILES 64
#define QUEUE_BLOCKS 64
#define BUFFER_BYTES (256 * 1024)

struct job {
	char *path;
	uint64_t seq;
	uint32_t set;  /* which lists select it */
};

struct block {
	struct job jobs[BLOCK_FILES];
	size_t n;
	struct block *next;
};

struct list_set {
	uint32_t *lists, n;
};

struct scan_run_state {
	struct scan *scan;
	int root_fd;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct block *head, *tail;
	size_t blocks;
	bool walked;           /* nothing will be added */
	struct list_set *sets; /* grows only under lock */
	uint32_t set_count;
	struct block *filling; /* the walk's own */
	uint64_t seq;
	struct worker *self;
	pthread_t *threads;
	unsigned thread_count, thread_max;
	struct worker *workers;
};

struct worker {
	struct scan_run_state *run;
	struct scan_totals totals;
	struct regex_space *space;
	char *buf;
	size_t cap, len;
	uint32_t *count;       /* by fixed string, of the file at hand */
	size_t *first, *end;   /* of the first occurrence; behind the last */
	uint32_t *touched, touched_n;
	uint64_t *token_hits;  /* by token, of the file at hand */
	size_t *token_first;
	uint32_t *token_touched, token_touched_n;
	uint64_t *list_seen;   /* by list: seq + 1 of the last file that it selects */
};

static void worker_init(struct worker *w, struct scan_run_state *run)
{
	const struct scan *s = run->scan;
	uint32_t strings = fixed_set_count(s->fixed) + 1;

	memset(w, 0, sizeof(*w));
	w->run = run;
	scan_totals_init(&w->totals, s);
	w->space = regex_space_new();
	w->cap = BUFFER_BYTES;
	w->buf = xmalloc(w->cap);
	w->count = xcalloc(strings, sizeof(*w->count));
	w->first = xcalloc(strings, sizeof(*w->first));
	w->end = xcalloc(strings, sizeof(*w->end));
	w->touched = xcalloc(strings, sizeof(*w->touched));
	w->token_hits = xcalloc(s->token_count + 1, sizeof(*w->token_hits));
	w->token_first = xcalloc(s->token_count + 1, sizeof(*w->token_first));
	w->token_touched = xcalloc(s->token_count + 1, sizeof(*w->token_touched));
	w->list_seen = xcalloc(s->list_count + 1, sizeof(*w->list_seen));
}

static void worker_release(struct worker *w)
{
	scan_totals_release(&w->totals);
	regex_space_free(w->space);
	free(w->buf);
	free(w->count);
	free(w->first);
	free(w->end);
	free(w->touched);
	free(w->token_hits);
	free(w->token_first);
	free(w->token_touched);
	free(w->list_seen);
}

static void string_hit(void *ctx, uint32_t id, size_t at)
{
	struct worker *w = ctx;

	if (!w->count[id]) {
		w->touched[w->touched_n++] = id;
		w->first[id] = at;
	} else if (at < w->end[id]) {
		return; /* overlaps the one before */
	}
	w->count[id]++;
	w->end[id] = at + fixed_set_len(w->run->scan->fixed, id);
}

static void token_hit(struct worker *w, uint32_t token, uint64_t hits, size_t first)
{
	if (!w->token_hits[token])
		w->token_touched[w->token_touched_n++] = token;
	w->token_hits[token] = hits;
	w->token_first[token] = first;
}

static uint64_t line_at(const struct worker *w, size_t at)
{
	uint64_t line = 1;

	for (const char *p = w->buf; (p = memchr(p, '\n', at - (size_t)(p - w->buf)));) {
		line++;
		p++;
	}
	return line;
}

static void place(struct worker *w, const struct job *job, uint32_t check, struct scan_place p)
{
	p.seq = job->seq;
	p.path = job->path;
	scan_place_add(&w->totals, check, &p);
}

/* A pattern over the file. A match that is given up counts as found nowhere, and is told. */
static void regex_scan(struct worker *w, const struct job *job, uint32_t token)
{
	const struct scan *s = w->run->scan;
	const struct scan_token *t = &s->tokens[token];
	struct regex_match m;
	struct err e = { 0 };
	uint64_t hits = 0;
	size_t from = 0, first = 0;
	int rc;

	while (from <= w->len && (rc = regex_find(t->regex, w->space, w->buf, w->len, from, &m, &e)) > 0) {
		if (!hits++)
			first = m.start;
		if (!t->counted)
			break;
		from = m.end > m.start ? m.end : m.end + 1;
	}
	if (hits)
		token_hit(w, token, hits, first);
	if (e.kind == ERR_NONE)
		return;
	for (uint32_t u = 0; u < t->uses.n; u++) {
		const struct scan_use *use = &s->items[t->uses.v[u]];

		if (w->list_seen[s->checks[use->check].list] == job->seq + 1)
			place(w, job, use->check,
			      (struct scan_place){ .item = use->item, .why = "given up at a match limit" });
	}
}

/* Where the n ordered tokens of a spec are found one after the other: true, or false. */
static bool ordered_holds(struct worker *w, const struct scan_check *c)
{
	size_t at = 0;

	for (size_t i = 0; i < c->spec->item_count; i++) {
		const struct scan_item *item = &c->spec->items[i];

		if (item->role != SCAN_ORDERED)
			continue;
		if (!w->token_hits[w->run->scan->items[c->first_item + i].token])
			return false;
		if (item->regex) {
			struct regex_match m;
			struct err e = { 0 };

			if (regex_find(item->regex, w->space, w->buf, w->len, at, &m, &e) <= 0)
				return false;
			at = m.end;
		} else {
			const char *p = memmem(w->buf + at, w->len - at, item->text, item->len);

			if (!p)
				return false;
			at = (size_t)(p - w->buf) + item->len;
		}
	}
	return true;
}

static void file_check(struct worker *w, const struct job *job, uint32_t check)
{
	const struct scan *s = w->run->scan;
	const struct scan_check *c = &s->checks[check];
	bool ordered_seen = false;

	for (uint32_t i = 0; i < c->spec->item_count; i++) {
		const struct scan_item *item = &c->spec->items[i];
		uint64_t hits = w->token_hits[s->items[c->first_item + i].token];

		if (item->role == SCAN_ORDERED && !ordered_seen) {
			ordered_seen = true;
			if (ordered_holds(w, c))
				w->totals.item_hits[c->first_item + i]++;
			else if (c->spec->each)
				place(w, job, check, (struct scan_place){ .item = i });
		} else if (c->spec->each &&
			   ((item->role == SCAN_PRESENT && !hits) ||
			    (item->role == SCAN_COUNT && !scan_compare(item->op, (int64_t)hits, item->n)))) {
			place(w, job, check, (struct scan_place){ .item = i, .count = hits });
		}
	}
}

/* Hands the tokens of the file at hand to the checks that select it. */
static void tokens_deliver(struct worker *w, const struct job *job)
{
	const struct scan *s = w->run->scan;

	for (uint32_t i = 0; i < w->token_touched_n; i++) {
		uint32_t token = w->token_touched[i];
		const struct scan_token *t = &s->tokens[token];

		for (uint32_t u = 0; u < t->uses.n; u++) {
			const struct scan_use *use = &s->items[t->uses.v[u]];
			const struct scan_check *c = &s->checks[use->check];
			const struct scan_item *item = &c->spec->items[use->item];

			if (w->list_seen[c->list] != job->seq + 1)
				continue;
			if (item->role != SCAN_ORDERED)
				w->totals.item_hits[t->uses.v[u]] += w->token_hits[token];
			if (item->role == SCAN_ABSENT)
				place(w, job, use->check,
				      (struct scan_place){ .item = use->item, .at = w->token_first[token],
							   .line = line_at(w, w->token_first[token]) });
		}
	}
}

static void lists_file_checks(struct worker *w, const struct job *job, const struct list_set *set)
{
	const struct scan *s = w->run->scan;

	for (uint32_t i = 0; i < set->n; i++)
		for (uint32_t k = 0; k < s->lists[set->lists[i]].file_checks.n; k++)
			file_check(w, job, s->lists[set->lists[i]].file_checks.v[k]);
}

/* The whole file into w->buf. NULL, or why not (a literal). */
static const char *file_load(struct worker *w, const char *path)
{
	auto_close int fd = openat(w->run->root_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == EACCES ? "cannot be read: permission denied" : "cannot be opened";
	if (!S_ISREG(st.st_mode))
		return "is not a regular file";
	if (st.st_size > SCAN_FILE_MAX_BYTES)
		return "is too large to be scanned";
	w->len = 0;
	for (;;) {
		ssize_t n;

		if ((size_t)st.st_size >= w->cap || w->len == w->cap) {
			w->cap = ((size_t)st.st_size > w->cap ? (size_t)st.st_size : w->cap) + BUFFER_BYTES;
			w->buf = xrealloc(w->buf, w->cap);
		}
		n = read(fd, w->buf + w->len, w->cap - w->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return "cannot be read";
		w->len += (size_t)n;
		/* a short read of a regular file is its end: no second call to be told so */
		if (n == 0 || (w->len == (size_t)st.st_size && w->len < w->cap && st.st_size))
			return NULL;
		if (w->len > SCAN_FILE_MAX_BYTES)
			return "is too large to be scanned";
	}
}

static void file_unreadable(struct worker *w, const struct job *job, const struct list_set *set,
			    const char *why)
{
	const struct scan *s = w->run->scan;

	for (uint32_t i = 0; i < set->n; i++)
		for (uint32_t k = 0; k < s->lists[set->lists[i]].checks.n; k++)
			place(w, job, s->lists[set->lists[i]].checks.v[k],
			      (struct scan_place){ .item = SCAN_NO_ITEM, .why = why });
}

static void file_scan(struct worker *w, const struct job *job, const struct list_set *set)
{
	const struct scan *s = w->run->scan;
	const char *why = file_load(w, job->path);

	for (uint32_t i = 0; i < set->n; i++) {
		w->list_seen[set->lists[i]] = job->seq + 1;
		w->totals.list_files[set->lists[i]]++;
	}
	if (why) {
		file_unreadable(w, job, set, why);
		return;
	}
	w->totals.files_read++;
	fixed_set_find(s->fixed, w->buf, w->len, string_hit, w);
	for (uint32_t i = 0; i < w->touched_n; i++) {
		uint32_t id = w->touched[i], token = id < s->by_fixed_cap ? s->by_fixed[id] : 0;

		if (token)
			token_hit(w, token - 1, w->count[id], w->first[id]);
	}
	for (uint32_t i = 0; i < set->n; i++) {
		const struct u32s *l = &s->lists[set->lists[i]].regex_tokens;

		for (uint32_t k = 0; k < l->n; k++) {
			uint32_t need = s->tokens[l->v[k]].fixed;

			if (!w->token_hits[l->v[k]] && (need == UINT32_MAX || w->count[need]))
				regex_scan(w, job, l->v[k]);
		}
	}
	tokens_deliver(w, job);
	lists_file_checks(w, job, set);
	while (w->touched_n)
		w->count[w->touched[--w->touched_n]] = 0;
	while (w->token_touched_n)
		w->token_hits[w->token_touched[--w->token_touched_n]] = 0;
}

static void block_scan(struct worker *w, struct block *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct list_set set;

		pthread_mutex_lock(&w->run->lock); /* the table may move while the walk goes on */
		set = w->run->sets[b->jobs[i].set];
		pthread_mutex_unlock(&w->run->lock);
		file_scan(w, &b->jobs[i], &set);
		free(b->jobs[i].path);
	}
	free(b);
}

/* The next block, or NULL: none is left (wait: and none will come). */
static struct block *block_take(struct scan_run_state *r, bool wait)
{
	struct block *b;

	pthread_mutex_lock(&r->lock);
	while (wait && !r->head && !r->walked)
		pthread_cond_wait(&r->more, &r->lock);
	b = r->head;
	if (b) {
		r->head = b->next;
		r->blocks--;
		if (!r->head)
			r->tail = NULL;
	}
	pthread_mutex_unlock(&r->lock);
	return b;
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	for (struct block *b; (b = block_take(w->run, true));)
		block_scan(w, b);
	return NULL;
}

/* Threads start with the first full block: a small tree needs none. */
static void threads_start(struct scan_run_state *r)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (r->thread_count + 1 < r->thread_max) {
		worker_init(&r->workers[r->thread_count + 1], r);
		if (pthread_create(&r->threads[r->thread_count], NULL, worker_main,
				   &r->workers[r->thread_count + 1]) != 0) {
			worker_release(&r->workers[r->thread_count + 1]);
			r->thread_max = r->thread_count + 1; /* go on with those that are there */
			break;
		}
		r->thread_count++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void block_push(struct scan_run_state *r)
{
	struct block *b = r->filling;
	size_t blocks;

	r->filling = NULL;
	if (!b)
		return;
	if (!r->thread_count)
		threads_start(r);
	pthread_mutex_lock(&r->lock);
	if (r->tail)
		r->tail->next = b;
	else
		r->head = b;
	r->tail = b;
	blocks = ++r->blocks;
	pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
	if (blocks < QUEUE_BLOCKS && r->thread_count)
		return;
	b = block_take(r, false); /* the other workers are late: help them */
	if (b)
		block_scan(r->self, b);
}

static uint32_t set_of(struct scan_run_state *r, const uint32_t *lists, size_t n)
{
	for (uint32_t i = r->set_count; i-- > 0;)
		if (r->sets[i].n == n && memcmp(r->sets[i].lists, lists, n * sizeof(*lists)) == 0)
			return i;
	pthread_mutex_lock(&r->lock);
	r->sets = xreallocarray(r->sets, r->set_count + 1, sizeof(*r->sets));
	r->sets[r->set_count].lists = xcalloc(n, sizeof(*lists));
	memcpy(r->sets[r->set_count].lists, lists, n * sizeof(*lists));
	r->sets[r->set_count].n = (uint32_t)n;
	pthread_mutex_unlock(&r->lock);
	return r->set_count++;
}

static int file_found(void *ctx, const char *path, const uint32_t *lists, size_t n)
{
	struct scan_run_state *r = ctx;

	if (!r->filling)
		r->filling = xcalloc(1, sizeof(*r->filling));
	r->filling->jobs[r->filling->n++] =
		(struct job){ .path = xstrdup(path), .seq = r->seq++, .set = set_of(r, lists, n) };
	if (r->filling->n == BLOCK_FILES)
		block_push(r);
	return 0;
}

static void run_finish(struct scan_run_state *r)
{
	struct block *b;

	pthread_mutex_lock(&r->lock);
	r->walked = true;
	pthread_cond_broadcast(&r->more);
	pthread_mutex_unlock(&r->lock);
	while ((b = block_take(r, false)))
		block_scan(r->self, b);
	if (r->filling)
		block_scan(r->self, r->filling);
	for (unsigned i = 0; i < r->thread_count; i++)
		pthread_join(r->threads[i], NULL);
	for (unsigned i = 0; i <= r->thread_count; i++) {
		scan_totals_merge(&r->scan->total, &r->workers[i].totals, r->scan);
		worker_release(&r->workers[i]);
	}
}

int scan_run(struct scan *s, const char *root, unsigned threads, struct err *e)
{
	struct scan_run_state r = { .scan = s, .thread_max = threads ? threads : 1 };
	int rc;

	BUG_ON(s->total.item_hits != NULL);
	r.root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r.root_fd < 0)
		return err_sys(e, "reading folder '%s'", root);
	fixed_set_compile(s->fixed);
	scan_totals_init(&s->total, s);
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.more, NULL);
	r.workers = xcalloc(r.thread_max, sizeof(*r.workers));
	r.threads = xcalloc(r.thread_max, sizeof(*r.threads));
	r.self = &r.workers[0];
	worker_init(r.self, &r);
	rc = glob_set_walk(s->globs, root, file_found, &r, e);
	run_finish(&r);
	close(r.root_fd);
	for (uint32_t i = 0; i < r.set_count; i++)
		free(r.sets[i].lists);
	free(r.sets);
	free(r.workers);
	free(r.threads);
	pthread_cond_destroy(&r.more);
	pthread_mutex_destroy(&r.lock);
	return rc;
}
