/* SPDX-License-Identifier: Apache-2.0 */
#include "history/store.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "history/store_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static struct store *store_new(const struct store_where *w, enum store_access access)
{
	struct store *s = xcalloc(1, sizeof(*s));

	s->dir = xstrdup(w->dir);
	s->dsn = w->dsn ? xstrdup(w->dsn) : NULL;
	s->network_ok = w->network_ok;
	s->access = access;
	s->lock_fd = -1;
	s->ops = w->dsn ? &store_postgres : &store_sqlite;
	return s;
}

int store_schema_version(const struct store_where *w, int *version, struct err *e)
{
	auto_store *s = store_new(w, STORE_READ);

	return s->ops->version(s, version, e);
}

int store_open(struct store **out, const struct store_where *w, enum store_access access, struct err *e)
{
	struct store *s = store_new(w, access);
	int rc;

	umask(077); /* files 0600, folders 0700: also those that the library makes */
	rc = s->ops->open(s, access, e);
	if (rc != 0) {
		store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->in_transaction)
		store_rollback(s);
	if (s->db)
		s->ops->close(s);
	store_unlock(s);
	free(s->dir);
	free(s->dsn);
	free(s);
}

void store_close_ptr(struct store **s)
{
	store_close(*s);
	*s = NULL;
}

const char *store_dir(const struct store *s) { return s->dir; }
const char *store_name(const struct store *s) { return s->ops->name; }
bool store_is_postgres(const struct store *s) { return s->ops == &store_postgres; }

/* ---- the queue of writers ----
 *
 * flock() alone is no queue: who releases it and asks again is quicker than those who must be woken, and one of twenty
 * waited twelve times its share. So writers draw numbers out of DIR/lock itself: each holds a lock on the byte of its
 * number, and waits for that of the number before. A writer that is killed releases its byte, and its successor may then
 * come early: flock() after the queue is what keeps writers apart, the queue only says who comes next. */

#define TICKET_BYTE (INT64_MAX - 1) /* held while a number is drawn */
#define TICKET_LAST (INT64_C(1) << 62)

static int byte_lock(int fd, short type, int64_t at)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };
	int rc;

	do
		rc = fcntl(fd, F_OFD_SETLKW, &l);
	while (rc < 0 && errno == EINTR);
	return rc;
}

static int ticket_draw(int fd, int64_t *mine)
{
	int64_t last = 0;
	int rc = -1;

	if (byte_lock(fd, F_WRLCK, TICKET_BYTE) < 0)
		return -1;
	if (pread(fd, &last, sizeof(last), 0) != sizeof(last) || last < 0 || last >= TICKET_LAST)
		last = 0;
	*mine = last + 1;
	if (pwrite(fd, mine, sizeof(*mine), 0) == sizeof(*mine))
		rc = byte_lock(fd, F_WRLCK, *mine);
	byte_lock(fd, F_UNLCK, TICKET_BYTE);
	return rc;
}

/* Where no number can be had (a full disk, a file system without such locks) flock() is all there is. */
static void queue_up(int fd)
{
	int64_t mine;

	if (ticket_draw(fd, &mine) < 0 || mine == 1)
		return;
	byte_lock(fd, F_WRLCK, mine - 1);
	byte_lock(fd, F_UNLCK, mine - 1);
}

int store_lock(struct store *s, struct err *e)
{
	auto_free char *path = path_join(s->dir, "lock");
	int fd;

	if (s->lock_fd >= 0)
		return 0;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, "opening '%s'", path);
	if (!s->network_ok) /* there flock() may be made of the same locks of bytes */
		queue_up(fd);
	while (flock(fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			continue;
		err_sys(e, "locking '%s'", path);
		close(fd);
		return -1;
	}
	s->lock_fd = fd;
	return 0;
}

void store_unlock(struct store *s)
{
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	s->lock_fd = -1;
}

void store_read_scope(struct store *s, int64_t until_ns)
{
	BUG_ON(s->access != STORE_READ);
	if (s->ops->scope)
		s->ops->scope(s, until_ns);
}

int store_begin(struct store *s, struct err *e)
{
	BUG_ON(s->in_transaction || s->access != STORE_WRITE);
	if (s->ops->begin(s, e) < 0)
		return -1;
	s->in_transaction = true;
	return 0;
}

int store_commit(struct store *s, struct err *e)
{
	int rc;

	BUG_ON(!s->in_transaction);
	rc = s->ops->commit(s, e);
	if (rc < 0)
		s->ops->rollback(s);
	s->in_transaction = false;
	store_unlock(s);
	return rc;
}

void store_rollback(struct store *s)
{
	if (!s->in_transaction)
		return;
	s->ops->rollback(s);
	s->in_transaction = false;
	store_unlock(s);
}

int store_script(struct store *s, const char *sql, struct err *e)
{
	return s->ops->script(s, sql, e);
}

/* ---- statements ---- */

struct query *query_new(struct store *s, const char *sql, struct err *e)
{
	struct query *q = xcalloc(1, sizeof(*q));

	q->s = s;
	q->sql = sql;
	if (s->ops->prepare(q, e) < 0) {
		query_free(q);
		return NULL;
	}
	return q;
}

static void bind_all(struct query *q, const char *format, va_list ap)
{
	q->n_params = 0;
	if (q->running)
		q->s->ops->reset(q);
	q->running = false;
	for (; *format; format++) {
		struct cell *c = &q->param[q->n_params++];

		BUG_ON(q->n_params > QUERY_PARAMS_MAX);
		switch (*format) {
		case 'i': *c = cell_int(va_arg(ap, int64_t)); break;
		case 'r': *c = cell_real(va_arg(ap, double)); break;
		case 't': *c = cell_text(va_arg(ap, const char *)); break;
		case 'b':
			*c = (struct cell){ .kind = QUERY_BLOB, .p = va_arg(ap, const char *) };
			c->n = va_arg(ap, size_t);
			break;
		default:
			BUG_ON(*format != 'n');
			*c = cell_null();
		}
	}
}

void query_bind(struct query *q, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	bind_all(q, format, ap);
	va_end(ap);
}

int query_step(struct query *q, struct err *e)
{
	int rc = q->s->ops->step(q, e);

	q->running = rc == 1;
	if (rc != 1)
		q->s->ops->reset(q);
	return rc;
}

void query_free(struct query *q)
{
	if (!q)
		return;
	q->s->ops->finish(q);
	free(q->native_sql);
	str_release(&q->bytes);
	free(q);
}

void query_free_ptr(struct query **q)
{
	query_free(*q);
	*q = NULL;
}

int query_columns(const struct query *q) { return q->s->ops->columns(q); }
const char *query_column_name(const struct query *q, int column) { return q->s->ops->column_name(q, column); }
enum query_kind query_kind(struct query *q, int column) { return q->s->ops->kind(q, column); }
int64_t query_int(struct query *q, int column) { return q->s->ops->get_int(q, column); }
double query_real(struct query *q, int column) { return q->s->ops->get_real(q, column); }
const char *query_text(struct query *q, int column) { return q->s->ops->get_text(q, column); }
const void *query_blob(struct query *q, int column, size_t *n) { return q->s->ops->get_blob(q, column, n); }

static int run_va(struct store *s, struct query **q, struct err *e, const char *sql, const char *format, va_list ap)
{
	*q = query_new(s, sql, e);
	if (!*q)
		return -1;
	bind_all(*q, format, ap);
	return query_step(*q, e);
}

int store_run(struct store *s, struct err *e, const char *sql, const char *format, ...)
{
	auto_query *q = NULL;
	va_list ap;
	int rc;

	va_start(ap, format);
	rc = run_va(s, &q, e, sql, format, ap);
	va_end(ap);
	return rc < 0 ? -1 : 0;
}

int store_one_int(struct store *s, int64_t *v, int64_t otherwise, struct err *e, const char *sql, const char *format, ...)
{
	auto_query *q = NULL;
	va_list ap;
	int rc;

	*v = otherwise;
	va_start(ap, format);
	rc = run_va(s, &q, e, sql, format, ap);
	va_end(ap);
	if (rc == 1 && query_kind(q, 0) != QUERY_NULL)
		*v = query_int(q, 0);
	return rc < 0 ? -1 : rc;
}

int store_one_text(struct store *s, char **v, struct err *e, const char *sql, const char *format, ...)
{
	auto_query *q = NULL;
	va_list ap;
	int rc;

	*v = NULL;
	va_start(ap, format);
	rc = run_va(s, &q, e, sql, format, ap);
	va_end(ap);
	if (rc == 1 && query_text(q, 0))
		*v = xstrdup(query_text(q, 0));
	return rc;
}

struct cell cell_text(const char *s)
{
	return s ? (struct cell){ .kind = QUERY_TEXT, .p = s, .n = strlen(s) } : cell_null();
}

int store_insert(struct store *s, const char *table, const char *columns, size_t n_columns, const struct cell *cells,
		 size_t n_rows, struct err *e)
{
	return n_rows ? s->ops->insert(s, table, columns, n_columns, cells, n_rows, e) : 0;
}

void store_time(char out[STORE_TIME_SIZE], int64_t real_ns)
{
	clock_rfc3339(out, real_ns);
}
