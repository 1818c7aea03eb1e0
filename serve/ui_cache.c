/* SPDX-License-Identifier: Apache-2.0 */
/* ui_cache.c - parts of pages that read many runs, kept until a newer run is there, or for a minute: states follow from the
 * clock, too. Whoever may see a page may see all of it, so one copy serves all. */
#include "base/clock.h"
#include "base/mem.h"
#include "serve/ui_part.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MOST 16

struct ui_part_kept {
	char *name, *key;
	struct str text;
};
static struct ui_part_kept kept[PARTS_MOST]; /* under serve->lock */
static size_t next_kept;

static int key_of(struct call *c, char **key, struct err *e)
{
	auto_free char *newest = NULL;
	int64_t last = 0;

	if (store_one_text(c->s, &newest, e,
			   "SELECT run_id || status FROM runs ORDER BY created_at DESC, run_id DESC LIMIT 1",
			   "") < 0 ||
	    store_one_int(c->s, &last, 0, e, "SELECT MAX(run_no) FROM run_keys", "") < 0)
		return -1;
	*key = xasprintf("%s %s %" PRId64 " %" PRId64, store_dir(c->s), newest ? newest : "", last,
			 c->now_real_ns / (60 * NS_PER_S));
	return 0;
}

static bool take(struct call *c, const char *name, const char *key)
{
	bool found = false;

	pthread_mutex_lock(&c->sv->lock);
	for (size_t i = 0; i < PARTS_MOST && !found; i++) {
		found = kept[i].name && strcmp(kept[i].name, name) == 0 && strcmp(kept[i].key, key) == 0;
		if (found)
			str_addn(&c->a->body, kept[i].text.data, kept[i].text.len);
	}
	pthread_mutex_unlock(&c->sv->lock);
	return found;
}

static void keep(struct call *c, const char *name, char *key, const char *text, size_t n)
{
	struct ui_part_kept *k = NULL;

	pthread_mutex_lock(&c->sv->lock);
	for (size_t i = 0; i < PARTS_MOST && !k; i++)
		if (kept[i].name && strcmp(kept[i].name, name) == 0)
			k = &kept[i];
	k = k ? k : &kept[next_kept++ % PARTS_MOST];
	free(k->name);
	free(k->key);
	str_reset(&k->text);
	k->name = xstrdup(name);
	k->key = key;
	str_addn(&k->text, text, n);
	pthread_mutex_unlock(&c->sv->lock);
}

int ui_cached(struct call *c, const char *name, int (*write)(struct call *c, struct err *e), struct err *e)
{
	auto_free char *key = NULL;
	size_t from;
	int rc;

	if (key_of(c, &key, e) < 0)
		return -1;
	if (take(c, name, key))
		return 0;
	from = c->a->body.len;
	rc = write(c, e);
	if (rc == 0)
		keep(c, name, ptr_steal(&key), str_cstr(&c->a->body) + from, c->a->body.len - from);
	return rc;
}
