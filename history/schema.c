/* SPDX-License-Identifier: Apache-2.0 */
/* schema.c - the tables, once, in words that SQLite knows; PostgreSQL's are made of them (schema_text).
 *
 * Test results are laid out for appending: a run's rows lie together under (run, test, attempt) with small numbers for
 * names, 15 to 25 bytes a row. What limits and shards need of a test (its last passing durations) is kept with
 * the test, in one blob a lane: reading it out of the rows would touch a page for each run of each test. */
#include "base/clock.h"
#include "history/store_ops.h"

#include <string.h>

#define RUN "run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE"

static const char tables[] =
	"CREATE TABLE schema_migrations (version INTEGER NOT NULL, name TEXT NOT NULL, applied_at TEXT NOT NULL);\n"
	"CREATE TABLE runs (run_id TEXT NOT NULL PRIMARY KEY, parent_run_id TEXT, repo_uri TEXT, repo_rev TEXT,"
	" repo_dirty INTEGER, workload_id TEXT, device_id TEXT, toolchain_id TEXT, status TEXT NOT NULL,"
	" created_at TEXT NOT NULL, finished_at TEXT, kind TEXT NOT NULL, branch TEXT, command TEXT, exit_code INTEGER,"
	" ended_by TEXT, duration_ms REAL, shard TEXT, ci_json TEXT);\n"
	"CREATE INDEX runs_created ON runs (created_at, run_id);\n"
	"CREATE INDEX runs_lane ON runs (workload_id, device_id, created_at);\n"
	"CREATE TABLE artifacts (artifact_id TEXT NOT NULL PRIMARY KEY, " RUN
	", kind TEXT NOT NULL, sha256 TEXT NOT NULL, path TEXT NOT NULL, bytes INTEGER NOT NULL, mime TEXT NOT NULL,"
	" metadata_json TEXT NOT NULL);\n"
	"CREATE INDEX artifacts_run ON artifacts (run_id);\n"
	"CREATE INDEX artifacts_sha256 ON artifacts (sha256);\n"
	"CREATE TABLE metrics (" RUN ", scope TEXT NOT NULL, metric_name TEXT NOT NULL, value REAL NOT NULL, unit"
	" TEXT NOT NULL, tags_json TEXT NOT NULL);\n"
	"CREATE INDEX metrics_run ON metrics (run_id, metric_name);\n"
	"CREATE TABLE hotspots (" RUN ", symbol TEXT NOT NULL, file_path TEXT, line_start INTEGER, line_end INTEGER,"
	" score REAL NOT NULL, evidence_artifact_ids TEXT NOT NULL, rank INTEGER NOT NULL, ranker TEXT NOT NULL,"
	" self_share REAL, total_share REAL);\n"
	"CREATE INDEX hotspots_run ON hotspots (run_id);\n"
	"CREATE TABLE graphs (" RUN ", kind TEXT NOT NULL, format TEXT NOT NULL, payload_artifact_id TEXT NOT NULL"
	" REFERENCES artifacts ON DELETE CASCADE, metadata_json TEXT NOT NULL);\n"
	"CREATE INDEX graphs_run ON graphs (run_id);\n"
	"CREATE TABLE patches (" RUN ", iteration INTEGER NOT NULL, diff_artifact_id TEXT, apply_status TEXT NOT NULL,"
	" files_changed_json TEXT NOT NULL, reason TEXT);\n"
	"CREATE INDEX patches_run ON patches (run_id);\n"
	"CREATE TABLE evaluations (" RUN ", baseline_run_id TEXT, delta_metrics_json TEXT NOT NULL,"
	" correctness_passed INTEGER, perf_improved INTEGER, notes TEXT, iteration INTEGER, verdict TEXT);\n"
	"CREATE INDEX evaluations_run ON evaluations (run_id);\n"
	"CREATE TABLE agent_messages (" RUN ", iteration INTEGER, agent_name TEXT NOT NULL, model_id TEXT,"
	" prompt_artifact_id TEXT, output_artifact_id TEXT, summary_artifact_id TEXT, node TEXT, prompt_tokens"
	" INTEGER, output_tokens INTEGER, duration_ms REAL, status TEXT);\n"
	"CREATE INDEX agent_messages_run ON agent_messages (run_id);\n"
	"CREATE TABLE findings (" RUN ", rank INTEGER NOT NULL, finding_id TEXT NOT NULL, pattern_id TEXT NOT NULL,"
	" location TEXT, confidence REAL, proved INTEGER, summary TEXT);\n"
	"CREATE INDEX findings_run ON findings (run_id, rank);\n"
	"CREATE INDEX findings_id ON findings (finding_id);\n"
	"CREATE TABLE vectors (vector_id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, run_id TEXT REFERENCES runs"
	" ON DELETE CASCADE, ref TEXT, dim INTEGER NOT NULL, embedding BLOB NOT NULL, model_id TEXT, payload_json"
	" TEXT NOT NULL);\n"
	"CREATE INDEX vectors_run ON vectors (run_id);\n"
	"CREATE TABLE shard_plans (plan_key TEXT NOT NULL PRIMARY KEY, created_at TEXT NOT NULL, shards INTEGER NOT"
	" NULL, list_sha256 TEXT NOT NULL, plan_json TEXT NOT NULL);\n"
	"CREATE TABLE loop_states (" RUN ", iteration INTEGER NOT NULL, node TEXT NOT NULL, state_json TEXT NOT NULL,"
	" updated_at TEXT NOT NULL, PRIMARY KEY (run_id, iteration, node));\n"
	/* Test results: numbers for names. */
	"CREATE TABLE lanes (lane_no INTEGER NOT NULL PRIMARY KEY, workload_id TEXT NOT NULL, device_id TEXT NOT"
	" NULL, UNIQUE (workload_id, device_id));\n"
	"CREATE TABLE run_keys (run_no INTEGER NOT NULL PRIMARY KEY, run_id TEXT NOT NULL UNIQUE REFERENCES runs ON"
	" DELETE CASCADE, lane_no INTEGER NOT NULL, created_at TEXT NOT NULL, tests INTEGER NOT NULL);\n"
	"CREATE INDEX run_keys_lane ON run_keys (lane_no, created_at);\n"
	"CREATE INDEX run_keys_created ON run_keys (created_at);\n"
	"CREATE TABLE tests (test_no INTEGER NOT NULL PRIMARY KEY, suite TEXT NOT NULL, case_id TEXT NOT NULL,"
	" UNIQUE (suite, case_id));\n"
	"CREATE TABLE files (file_no INTEGER NOT NULL PRIMARY KEY, path TEXT NOT NULL UNIQUE);\n"
	"CREATE TABLE results (run_no INTEGER NOT NULL REFERENCES run_keys ON DELETE CASCADE, test_no INTEGER NOT"
	" NULL, attempt INTEGER NOT NULL, result INTEGER NOT NULL, duration_us INTEGER, file_no INTEGER, line"
	" INTEGER, PRIMARY KEY (run_no, test_no, attempt)) WITHOUT ROWID;\n"
	"CREATE TABLE recent (lane_no INTEGER NOT NULL, test_no INTEGER NOT NULL, passes BLOB NOT NULL, PRIMARY KEY"
	" (lane_no, test_no)) WITHOUT ROWID;\n"
	"CREATE TABLE store_state (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);\n"
	"CREATE VIEW v_test_results AS SELECT k.run_id AS run_id, t.suite AS suite, t.case_id AS case_id, r.attempt"
	" AS attempt, CASE r.result WHEN 0 THEN 'pass' WHEN 1 THEN 'fail' WHEN 2 THEN 'error' WHEN 3 THEN 'skip'"
	" WHEN 4 THEN 'xfail' WHEN 5 THEN 'timeout' WHEN 6 THEN 'stalled' WHEN 7 THEN 'cancelled' ELSE 'unknown' END"
	" AS result, CAST(r.duration_us AS REAL) / 1000 AS duration_ms, f.path AS file, r.line AS line FROM results"
	" r JOIN run_keys k ON k.run_no = r.run_no JOIN tests t ON t.test_no = r.test_no LEFT JOIN files f ON"
	" f.file_no = r.file_no;\n"
	"CREATE VIEW v_hangs AS SELECT g.run_id AS run_id, g.finding_id AS signature, g.pattern_id AS pattern_id,"
	" g.location AS location, t.suite AS suite, t.case_id AS case_id, r.created_at AS seen_at, r.repo_rev AS"
	" repo_rev, r.branch AS branch FROM findings g JOIN runs r ON r.run_id = g.run_id LEFT JOIN run_keys k ON"
	" k.run_id = g.run_id LEFT JOIN tests t ON t.test_no = (SELECT MIN(x.test_no) FROM results x WHERE x.run_no"
	" = k.run_no AND x.result IN (5, 6)) WHERE g.pattern_id LIKE 'hang.%' AND g.rank = (SELECT MIN(h.rank) FROM"
	" findings h WHERE h.run_id = g.run_id AND h.pattern_id LIKE 'hang.%');\n";

static const struct { const char *from, *to; } words[] = {
	{ " WITHOUT ROWID", "" }, { " BLOB ", " BYTEA " }, { " REAL", " DOUBLE PRECISION" }, { " INTEGER", " BIGINT" },
	{ " TEXT", " TEXT COLLATE \"C\"" },
};

static void translate(const char *p, bool postgres, struct str *out)
{
	while (*p) {
		size_t i = 0, n = sizeof(words) / sizeof(words[0]);

		while (i < n && !(postgres && strncmp(p, words[i].from, strlen(words[i].from)) == 0))
			i++;
		if (i < n) {
			str_add(out, words[i].to);
			p += strlen(words[i].from);
		} else {
			str_addc(out, *p++);
		}
	}
}

int schema_version(void)
{
	const struct schema_step *step = schema_steps();

	while (step[1].version)
		step++;
	return step->version;
}

int schema_too_old(int version, struct err *e)
{
	return err_set(e, ERR_FAILURE, "history: the store has schema version %d, this program reads %d: the next recording"
		       " migrates it, or spec-runner history migrate", version, schema_version());
}

int schema_apply(struct store *s, int from, bool postgres, struct err *e)
{
	char now[STORE_TIME_SIZE];

	store_time(now, clock_real_ns());
	for (const struct schema_step *step = schema_steps(); step->version; step++) {
		auto_str sql = STR_INIT;

		if (step->version <= from)
			continue;
		translate(step->sql ? step->sql : tables, postgres, &sql);
		if (store_script(s, str_cstr(&sql), e) < 0 ||
		    store_run(s, e, "INSERT INTO schema_migrations (version, name, applied_at) VALUES (?, ?, ?)", "itt",
			      (int64_t)step->version, step->name, now) < 0)
			return err_add(e, "schema version %d (%s)", step->version, step->name);
	}
	return 0;
}
