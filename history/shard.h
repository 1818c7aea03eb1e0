/* SPDX-License-Identifier: Apache-2.0 */
/* shard.h - a list of names cut into parts of equal time: longest first into the emptiest part. Whatever is known of the
 * times, parts are disjoint and complete, and none is empty where there are names enough. */
#ifndef HISTORY_SHARD_H
#define HISTORY_SHARD_H

#include "history/artifact.h"
#include "history/store.h"

struct shard_plan {
	unsigned shards;
	char list_sha256[ARTIFACT_SHA256_SIZE];
	char digest[ARTIFACT_SHA256_SIZE]; /* of the plan's JSON */
	size_t n, known;                   /* names; those whose time is known */
	char **names;                      /* in the order of their bytes, each once */
	unsigned *part;                    /* from 1 */
	double *ms;                        /* of each name; NaN: unknown */
	double *expected_ms;               /* of each part */
	struct str json;
};

/* names are copied, times NaN. */
void shard_plan_init(struct shard_plan *p, const struct strv *names);
void shard_plan_release(struct shard_plan *p);
/* Unknown times become the median of the known, or 1. */
void shard_plan_make(struct shard_plan *p, unsigned shards);
/* Of a plan's JSON. ERR_FAILURE where it is none. */
int shard_plan_parse(struct shard_plan *p, const char *text, size_t n, const char *name, struct err *e);
/* Where a name is in the plan; n where it is not. */
size_t shard_plan_index(const struct shard_plan *p, const char *name);

/* Fills in what the store knows: medians of the last 20 passes on the device; a file or suite has the sum of its tests. */
int shard_times(struct store *s, const char *device, struct shard_plan *p, struct err *e);

/* Says how a plan differs from what is wanted of it; returns 1. name: its key or file. */
int shard_plan_other(const struct shard_plan *p, const char *name, const char *list_sha256, unsigned shards, struct err *e);

/* The first to ask under a key stores its plan, the others get that one. 1: it is of another list or number of parts,
 * and e says so. */
int shard_plan_share(struct store *s, const char *key, int64_t now_real_ns, struct shard_plan *p, struct err *e);

#endif
