/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/ui.h"
#include "serve/route.h"

#define GET_RUN(part, handler, summary, schema) \
	{ "GET", "/runs/{run_id}/" part, ROUTE_API, false, false, "", NULL, handler, summary, schema, NULL, 200 }

#define PAGE(path, handler, query, summary) \
	{ "GET", path, ROUTE_PAGE, false, false, query, NULL, handler, summary, NULL, NULL, 200 }
#define OPEN_PAGE(path, handler, summary) \
	{ "GET", path, ROUTE_PAGE, true, true, "", NULL, handler, summary, NULL, NULL, 200 }

/* In the order in which they are tried. */
const struct route routes[] = {
	{ "GET", "/health", ROUTE_API, true, true, "", NULL, api_health, "Is the server up?", "Health", NULL, 200 },
	{ "GET", "/openapi.json", ROUTE_API, false, true, "", NULL, api_openapi, "This description", NULL, NULL, 200 },
	{ "GET", "/runs", ROUTE_API, false, false, "limit before status branch workload", NULL, api_runs,
	  "Runs, newest first", "Runs", NULL, 200 },
	{ "POST", "/runs", ROUTE_API, false, true, "", "json", api_runs_create, "Makes a run of status created",
	  "Created", "NewRun", 201 },
	{ "GET", "/runs/{run_id}", ROUTE_API, false, false, "", NULL, api_run, "A run", "Run", NULL, 200 },
	GET_RUN("metrics", api_run_metrics, "Its metrics", "Metrics"),
	GET_RUN("artifacts", api_run_artifacts, "Its files", "Artifacts"),
	GET_RUN("tests", api_run_tests, "Its test results", "Results"),
	GET_RUN("findings", api_run_findings, "Its findings, the first first", "Findings"),
	GET_RUN("hotspots", api_run_hotspots, "Its hotspots by ranker", "Hotspots"),
	GET_RUN("graphs", api_run_graphs, "Its graphs", "Graphs"),
	GET_RUN("patches", api_run_patches, "Patches that an optimisation tried", "Patches"),
	GET_RUN("evaluations", api_run_evaluations, "What became of them", "Evaluations"),
	GET_RUN("report", api_run_report, "Summary against its baseline, metrics, hotspots, findings, patches", "Report"),
	{ "POST", "/runs/{run_id}/optimize", ROUTE_API, false, false, "", "json", api_run_optimize,
	  "Starts an optimisation with the configuration of spec-runner.yaml (--allow-optimize)", "Started", "Optimize",
	  202 },
	{ "GET", "/artifacts/{artifact_id}", ROUTE_BYTES, false, false, "", NULL, api_artifact,
	  "The bytes of a file; binary kinds are never served", NULL, NULL, 200 },
	{ "GET", "/tests", ROUTE_API, false, false, "state", NULL, api_tests,
	  "Tests of the last runs and their state",
	  "Tests", NULL, 200 },
	{ "GET", "/tests/{suite}/{case_id+}", ROUTE_API, false, false, "limit", NULL, api_test,
	  "The results of a test, newest first", "Test", NULL, 200 },
	{ "GET", "/hangs", ROUTE_API, false, false, "", NULL, api_hangs, "Hangs by signature, most recent first", "Hangs",
	  NULL, 200 },
	{ "GET", "/compare", ROUTE_API, false, false, "base candidate any_device", NULL, api_compare,
	  "Two sides of runs: better, worse, or not to be told", "Comparison", NULL, 200 },
	PAGE("/", ui_home, "before", "The last runs, and what needs attention"),
	PAGE("/ui/runs/{run_id}", ui_run, "still", "A run"),
	PAGE("/ui/tests", ui_tests, "state", "Tests by state"),
	PAGE("/ui/tests/{suite}/{case_id+}", ui_test, "", "A test"),
	PAGE("/ui/hangs", ui_hangs, "", "Hangs"),
	PAGE("/ui/hangs/{signature}", ui_hang, "", "A hang"),
	PAGE("/ui/compare", ui_compare, "base candidate", "Two sides"),
	OPEN_PAGE("/login", ui_login, "The form that takes the token"),
	{ "POST", "/login", ROUTE_PAGE, true, true, "", "form", ui_login_form, "Takes the token into a cookie", NULL,
	  NULL, 303 },
	OPEN_PAGE("/login/style.css", ui_style, "The style sheet"),
};
const size_t route_count = sizeof(routes) / sizeof(routes[0]);
