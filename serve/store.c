/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - a store a thread: a query of one never waits for that of another. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "history/guard.h"
#include "serve/serve.h"

#include <pthread.h>
#include <sys/stat.h>

static __thread struct store *mine;
static __thread struct stat mine_file;

/* A thread's store is closed where the thread ends. */
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static void close_one(void *s)
{
	store_close(s);
}

static void make_key(void)
{
	pthread_key_create(&key, close_one);
}

/* A folder that was removed and made again is another store; the open one would answer from a file without a name. */
static bool was_replaced(const struct serve *sv)
{
	auto_free char *path = path_join(sv->read.dir, "history.db");
	struct stat st;

	if (store_is_postgres(mine))
		return false;
	return stat(path, &st) < 0 || st.st_ino != mine_file.st_ino || st.st_dev != mine_file.st_dev;
}

static int make_store(struct serve *sv, struct err *e)
{
	auto_store *s = NULL;

	return store_open(&s, &sv->write, STORE_WRITE, e) < 0 ? -1 : 0;
}

struct store *serve_store(struct serve *sv, struct err *e)
{
	auto_free char *path = NULL;
	int rc;

	if (mine && was_replaced(sv))
		serve_store_drop();
	if (mine) {
		store_read_scope(mine, clock_mono_ns() + GUARD_SECONDS * NS_PER_S);
		return mine;
	}
	rc = store_open(&mine, &sv->read, STORE_READ, e);
	if (rc == 1 && make_store(sv, e) == 0) /* nothing was recorded yet: an empty one */
		rc = store_open(&mine, &sv->read, STORE_READ, e);
	if (rc != 0) {
		mine = NULL;
		if (rc == 1)
			err_set(e, ERR_FAILURE, "no history in '%s'", sv->read.dir);
		return NULL;
	}
	pthread_once(&key_once, make_key);
	pthread_setspecific(key, mine);
	path = path_join(sv->read.dir, "history.db");
	if (!store_is_postgres(mine) && stat(path, &mine_file) < 0)
		mine_file.st_ino = 0;
	store_read_scope(mine, clock_mono_ns() + GUARD_SECONDS * NS_PER_S);
	return mine;
}

void serve_store_drop(void)
{
	store_close(mine);
	mine = NULL;
	pthread_once(&key_once, make_key);
	pthread_setspecific(key, NULL);
}
