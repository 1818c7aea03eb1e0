/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cli/verbs.h"

#include "base/mem.h"
#include "runner/config/libexec.h"

#include <string.h>

const struct verb verbs[] = {
	{ .syntax = { .name = "run", .bit = VERB_RUN, .takes_command = true, .reads_values = true },
	  .operands = "[--] CMD [ARG...]",
	  .summary = "supervise one command",
	  .details = "Runs CMD with its own streams and exit code. If it stalls or outlives a limit, it is "
		     "diagnosed, then ended with everything that it has started. Options end at '--' or at CMD.",
	  .run = cmd_run },
	{ .syntax = { .name = "record", .bit = VERB_RECORD | VERB_RUN, .takes_command = true, .reads_values = true },
	  .operands = "[--] CMD [ARG...] | --pid PID",
	  .summary = "run one command and record where its time goes",
	  .details =
		  "As run, with --collect cpu,wall,proc and --profile-level detailed where nothing else is said;"
		  " same output, same exit code. With --pid, a tree that is not ours, for --seconds: exit 0 where at"
		  " least one sample was taken, else 1. Read it with report --format flamegraph, folded, speedscope,"
		  " pprof, chrome or firefox.",
	  .run = cmd_record },
	{ .syntax = { .name = "test", .bit = VERB_TEST, .reads_values = true },
	  .operands = "[PATH...]",
	  .summary = "run spec cases",
	  .details = "Runs the cases of *.spec.yaml files and of ```yaml contract-spec fences in *.spec.md files: those "
		     "of PATH (a folder, a file, or FILE#CASE-ID), of specs/ if none is given. Exit status 0, 1 if "
		     "a case failed, 124 if a watchdog ended one.",
	  .run = cmd_test },
	{ .syntax = { .name = "governance", .bit = VERB_GOVERNANCE, .reads_values = true },
	  .operands = "[PATH...]",
	  .summary = "run the cases that carry a check id",
	  .details = "Prints a line 'ERROR: CASE-ID: message' for each check that fails. Exit status as for test; 2 if "
		     "no check is selected.",
	  .run = cmd_governance },
	{ .syntax = { .name = "ci-gate-summary", .bit = VERB_GATE, .reads_values = true },
	  .alias = "gate",
	  .operands = "",
	  .summary = "run the gate of spec-runner.yaml",
	  .details = "Runs the steps in order and writes .artifacts/gate-summary.json. Exit status: that of the "
		     "first step that failed, 124 if a watchdog ended it.",
	  .run = cmd_gate },
	{ .syntax = { .name = "inspect", .bit = VERB_INSPECT, .reads_values = true },
	  .operands = "PID",
	  .summary = "diagnose any live process tree",
	  .program = "inspect" },
	{ .syntax = { .name = "status", .bit = VERB_STATUS, .reads_values = true },
	  .operands = "[PID]",
	  .summary = "ask a running spec-runner what it is doing",
	  .program = "status" },
	{ .syntax = { .name = "report", .bit = VERB_REPORT, .reads_values = true },
	  .operands = "[TRACE] | --run-id RUN",
	  .summary = "findings and reports of a recorded run",
	  .details = "With --run-id, the report of a run of the history, with what the history knows of it.",
	  .program = "report" },
	{ .syntax = { .name = "verify", .bit = VERB_VERIFY, .reads_values = true },
	  .operands = "[TRACE]",
	  .summary = "validate a trace",
	  .details = "Checks schema, taxonomy, nesting, times and redaction. Exit status 0 if the trace is valid, "
		     "1 if not.",
	  .program = "verify" },
	{ .syntax = { .name = "symbolize", .bit = VERB_SYMBOLIZE },
	  .operands = "SNAPSHOT.json... [BINARY...]",
	  .summary = "fill in the names that recorded stacks lack",
	  .details = "Snapshots are in .artifacts/raw/RUN_ID/; BINARY is a file of the same build with its symbols.",
	  .program = "symbolize" },
	{ .syntax = { .name = "recover", .bit = VERB_RECOVER, .reads_values = true },
	  .operands = "[JOURNAL]",
	  .summary = "seal the trace of a run whose supervisor died",
	  .details = "Without JOURNAL, every journal below the artifacts folder that no running spec-runner "
		     "holds.",
	  .run = cmd_recover },
	{ .syntax = { .name = "repro", .bit = VERB_REPRO, .reads_values = true },
	  .operands = "[TRACE|DIR|RUN_ID] [-- CMD [ARG...]]",
	  .summary = "reproduce a hang of CI locally and measure its rate",
	  .details = "Runs what the trace recorded (default: the newest below the artifacts folder) again and again "
		     "under the same limits, perturbs its timing, and recognises the same hang by its finding. After"
		     " --, CMD is run instead of the recorded command; without a trace any hang or failure counts."
		     " Exit status 0 if it was reproduced (with --confirm-fix: if it is gone), 1 if not, 2 if the"
		     " trace cannot be repeated as it stands.",
	  .program = "repro" },
	{ .syntax = { .name = "doctor", .bit = VERB_DOCTOR, .reads_values = true },
	  .operands = "",
	  .summary = "what can be seen and done on this machine",
	  .details =
		  "Tries each thing that spec-runner needs of the kernel and of its own installation, says what works, "
		  "what is limited or missing, for which purpose it is needed, and how to allow it. Exit status 0.",
	  .program = "doctor" },
	{ .syntax = { .name = "init", .bit = VERB_INIT },
	  .operands = "",
	  .summary = "write a starting spec-runner.yaml for the project found here",
	  .program = "init" },
	{ .syntax = { .name = "history", .bit = VERB_HISTORY, .reads_values = true },
	  .operands = "COMMAND [ARG...]",
	  .summary = "record runs, and read what is remembered of them",
	  .details = "Commands: record [TRACE...], runs, show RUN, tests, test ID, flaky, hangs, limits, regressions,"
		     " sql QUERY, info; export [FILE], import FILE..., merge DIR..., gc, verify, migrate. RUN is a"
		     " run_id, latest or latest:BRANCH. Exit status 0; 1: no such thing, or something was found;"
		     " 125: the store failed.",
	  .program = "history" },
	{ .syntax = { .name = "compare", .bit = VERB_COMPARE, .reads_values = true },
	  .operands = "BASE CANDIDATE",
	  .summary = "better, worse, or not to be told: two sides of runs",
	  .details = "A side is a file of metrics, run ids joined by commas, rev:REV, branch:NAME[:N] or last:N. Exit"
		     " status 1 where something regressed.",
	  .program = "compare" },
	{ .syntax = { .name = "shard", .bit = VERB_SHARD, .reads_values = true },
	  .operands = "I/N|auto [LIST]",
	  .summary = "the part of a list of tests that is ours, balanced by time",
	  .details = "LIST is a file with a name a line, - standard input.",
	  .program = "shard" },
	{ .syntax = { .name = "bisect", .bit = VERB_BISECT, .takes_command = true, .reads_values = true },
	  .operands = "--good REV --bad REV -- CMD [ARG...]",
	  .summary = "the commit since which a hang or failure is seen",
	  .details = "Runs CMD in a work tree of each commit that git bisect asks for; yours is never touched.",
	  .program = "bisect" },
	{ .syntax = { .name = "ingest", .bit = VERB_INGEST, .reads_values = true },
	  .operands = "repo|artifacts|fold [FILE]",
	  .summary = "take foreign traces, profiles and results into the history",
	  .details = "repo --path DIR [--rev REV]; artifacts --path FILE... [--kind K]; fold FILE prints folded stacks.",
	  .program = "ingest" },
	{ .syntax = { .name = "analyze", .bit = VERB_ANALYZE, .reads_values = true },
	  .operands = "--run-id ID [--static|--runtime]",
	  .summary = "graphs and hotspots of a stored run",
	  .program = "analyze" },
	{ .syntax = { .name = "evidence", .bit = VERB_EVIDENCE, .reads_values = true },
	  .operands = "--run-id ID [--finding F|--symbol S]",
	  .summary = "the evidence pack of a stored run",
	  .program = "evidence" },
	{ .syntax = { .name = "audit", .bit = VERB_AUDIT, .reads_values = true },
	  .operands = "[PATH...]",
	  .summary = "what is expensive in sources, and on which action",
	  .details =
		  "Writes the call graph, expensive operations, mutations and each action of audit.actions into the"
		  " folder of --out. What cannot be proved is no edge: it is listed with its reason. Exit status 0;"
		  " 1: a limit of --fail-increase or --fail-load is passed; 2: usage, or no source; 125: the files"
		  " cannot be written.",
	  .program = "audit" },
	{ .syntax = { .name = "serve", .bit = VERB_SERVE, .reads_values = true },
	  .operands = "",
	  .summary = "the history over HTTP: an API, and pages for a browser",
	  .details = "Listens on loopback until SIGTERM. Whoever asks needs a token: SPEC_RUNNER_API_TOKEN,"
		     " --token-file, or the new one whose path is printed. Routes: /openapi.json.",
	  .program = "serve" },
	{ .syntax = { .name = "optimize", .bit = VERB_OPTIMIZE, .reads_values = true },
	  .operands = "[status RUN | export FILE | clean]",
	  .summary = "try patches, and keep what is correct and proved faster",
	  .details = "Candidates come from a folder (--candidates) or a model (section gateway); adapters are in"
		     " spec-runner.yaml or --adapters. Nothing outside the loop's own folder changes. Exit status 0"
		     " where a better one was found and confirmed, 1 where none was, 124 where its time was over,"
		     " 128+N after a signal: --resume goes on.",
	  .program = "optimize" },
	{ .syntax = { .name = "mcp", .bit = VERB_MCP, .reads_values = true },
	  .operands = "",
	  .summary = "the history for agents: Model Context Protocol on stdio",
	  .details = "One JSON-RPC message a line; ends with standard input. Started by an agent's client (docs/MCP.md).",
	  .program = "mcp" },
	{ .syntax = { .name = "gateway", .bit = VERB_GATEWAY, .reads_values = true },
	  .operands = "check",
	  .summary = "may the configured model server be asked?",
	  .details =
		  "Says for each endpoint and model what the policy decides, before a name is looked up or a"
		  " connection made; where all are allowed, asks the server for its models. Exit status 0, or 2"
		  " where something is blocked.",
	  .program = "gateway" },
	{ .syntax = { .name = "explain", .bit = VERB_EXPLAIN, .reads_values = true },
	  .operands = "[TRACE]",
	  .summary = "findings in words, by a model, out of their evidence alone",
	  .details =
		  "Only where a model is configured (section explain, or --explain-base and --explain-model). A"
		  " sentence is kept only if it cites findings and every number in it is one of theirs. Exit status"
		  " 0, also where no model answers; 2 where none is configured or the host is not allowed.",
	  .program = "explain" },
	{ .syntax = { .name = "help", .bit = VERB_HELP },
	  .operands = "[VERB]",
	  .summary = "list the verbs, or explain one",
	  .run = cmd_help },
	{ .syntax = { .name = "version", .bit = VERB_VERSION },
	  .operands = "",
	  .summary = "this version, and those of the libraries",
	  .run = cmd_version },
	{ .syntax = { .name = "completion", .bit = VERB_COMPLETION },
	  .operands = "bash|zsh|fish",
	  .summary = "print a completion script for a shell",
	  .details = "bash: source <(spec-runner completion bash). zsh: write it to a file _spec-runner in "
		     "$fpath. fish: write it to ~/.config/fish/completions/spec-runner.fish.",
	  .run = cmd_completion },
};
const size_t verb_count = sizeof(verbs) / sizeof(*verbs);

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < verb_count; i++)
		if (strcmp(verbs[i].syntax.name, name) == 0 || (verbs[i].alias && strcmp(verbs[i].alias, name) == 0))
			return &verbs[i];
	return NULL;
}

const struct verb_syntax *verb_syntax_find(const char *name)
{
	const struct verb *v = verb_find(name);

	return v ? &v->syntax : NULL;
}

bool verb_is_available(const struct verb *v)
{
	auto_free char *path = v->program ? libexec_find(v->program) : NULL;

	return v->run || path;
}

bool verb_any_takes(const struct option_row *row)
{
	for (size_t i = 0; i < verb_count; i++)
		if ((verbs[i].syntax.bit & row->verbs) && verb_is_available(&verbs[i]))
			return true;
	return false;
}
