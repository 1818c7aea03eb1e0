/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - a sealed trace that is taken in is the run that it is of: recorded as `history record` does, and told as
 * any other artifact. */
#include "history/ingest/ingest.h"

#include "base/mem.h"
#include "history/record.h"

#include <stdio.h>
#include <string.h>

/* Names of metrics in the result are not owned; these live as long as the program. */
static const struct {
	const char *name, *unit;
} metrics[] = {
	{ "run_duration_ms", "ms" },  { "tests_total", "count" },  { "tests_failed", "count" }, { "cpu_ms", "ms" },
	{ "max_rss_bytes", "bytes" }, { "output_bytes", "bytes" }, { "longest_idle_ms", "ms" },
};

static int tell_metrics(struct store *s, struct ingest_result *r, struct err *e)
{
	auto_query *q =
		query_new(s, "SELECT value FROM metrics WHERE run_id = ? AND metric_name = ? AND tags_json = '{}'", e);
	int rc;

	if (!q)
		return -1;
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		query_bind(q, "tt", r->run_id, metrics[i].name);
		rc = query_step(q, e);
		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		r->metrics = xreallocarray(r->metrics, r->n_metrics + 1, sizeof(*r->metrics));
		r->metrics[r->n_metrics++] = (struct ingest_metric){
			.scope = "process", .name = metrics[i].name, .unit = metrics[i].unit, .value = query_real(q, 0)
		};
	}
	return 0;
}

static int tell_artifact(struct store *s, struct ingest_result *r, struct err *e)
{
	auto_query *q = query_new(s,
				  "SELECT artifact_id, sha256, path, bytes FROM artifacts WHERE run_id = ? AND kind ="
				  " 'trace' ORDER BY artifact_id LIMIT 1",
				  e);
	struct artifact a = { .kind = "trace", .mime = "application/json" };
	int rc;

	if (!q)
		return -1;
	query_bind(q, "t", r->run_id);
	rc = query_step(q, e);
	if (rc != 1)
		return rc;
	snprintf(a.id, sizeof(a.id), "%s", query_text(q, 0));
	snprintf(a.sha256, sizeof(a.sha256), "%s", query_text(q, 1));
	snprintf(a.path, sizeof(a.path), "%s", query_text(q, 2));
	a.bytes = query_int(q, 3);
	r->artifacts = xreallocarray(r->artifacts, r->n_artifacts + 1, sizeof(*r->artifacts));
	r->artifacts[r->n_artifacts++] = a;
	return 0;
}

int ingest_trace(const struct ingest_request *q, const char *path, struct ingest_result *r, struct err *e)
{
	struct record_request record = {
		.trace = path, .settings = q->settings, .envp = q->envp, .root = q->root, .redactor = q->redactor
	};
	struct record_result got;
	int rc = record_trace(q->s, &record, &got, e);

	if (rc == 0) {
		snprintf(r->run_id, sizeof(r->run_id), "%s", got.run_id);
		if (got.there)
			strv_take(&r->warnings, xasprintf("%s was in the history already", got.run_id));
		rc = tell_artifact(q->s, r, e) < 0 || tell_metrics(q->s, r, e) < 0 ? -1 : 0;
	} else if (!str_starts(e->msg, "history: "))
		e->kind = ERR_USAGE; /* the file, and not the store */
	record_result_release(&got);
	return rc;
}
