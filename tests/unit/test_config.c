/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner.yaml: the gate as it is read, and one line with its place for each damage. */
#include "runner/config/config.h"
#include "base/mem.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/spec-runner-config-XXXXXX";

static int read_config(struct config *c, struct options *o, const char *text, size_t len, struct err *e)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(text, 1, len, f) != len || fclose(f) != 0)
		abort();
	memset(e, 0, sizeof(*e));
	config_init(c);
	options_init(o);
	return config_read(c, o, path, true, e);
}

static void test_whole(void)
{
	static const char text[] =
		"version: 1\n"
		"liveness: {level: strict, stall_ms: 30000, min_events: 2, hard_cap_ms: 9, kill_grace_ms: 0}\n"
		"profile: {level: debug, out: t.json, summary_out: s.md, heartbeat_ms: 5, stall_threshold_ms: "
			"6, on_fail: off}\n"
		"run: {timeout_ms: 1, test_timeout_ms: 2, drain_ms: 3, diagnose_ms: 4, contain: group, pty: "
			"always,\n"
		"      dialect: tap, jobs: 7, output_tail_bytes: 8, leave_running: [true, 1]}\n"
		"redact: {env: NAME, patterns: ['a.c']}\n"
		"artifacts: {dir: out, keep_runs: 3, keep_bytes: 4096}\n"
		"gate:\n"
		"  fail_fast: no\n"
		"  steps:\n"
		"    - {name: governance, kind: governance, paths: [specs/governance], check_prefix: a., "
			"exclude_check_prefix: [b.]}\n"
		"    - name: unit\n"
		"      kind: command\n"
		"      argv: [make, check, true, 1]\n"
		"      cwd: sub\n"
		"      env: {A: 1, B: 'two'}\n"
		"      timeout_ms: 600000\n"
		"    - {name: cases, kind: test}\n";
	struct options o;
	struct config c;
	struct err e;

	is_int(read_config(&c, &o, text, strlen(text), &e), 0, "every key is read: %s", e.msg);
	is_int(o.liveness_level, 2, "liveness.level");
	is_int(o.liveness_kill_grace_ms, 0, "liveness.kill_grace_ms");
	is_int(o.profile_level, 3, "profile.level");
	is_int(o.profile_on_fail, 0, "profile.on_fail: off is the word off");
	is_int(o.contain, CONTAIN_GROUP, "run.contain");
	is_str(o.dialect, "tap", "run.dialect");
	is_int(o.jobs, 7, "run.jobs");
	is_str(o.leave_running.n == 2 ? o.leave_running.v[0] : "", "true",
		"run.leave_running: plain words are strings");
	is_int(o.redact_env.n + o.redact_patterns.n, 2, "redact");
	is_int(o.keep_bytes, 4096, "artifacts.keep_bytes");
	ok(!o.fail_fast, "gate.fail_fast");
	is_int(c.step_count, 3, "three steps");
	is_int(c.steps[0].kind, GATE_GOVERNANCE, "governance");
	is_int(c.steps[0].check_prefix.n + c.steps[0].exclude_check_prefix.n, 2, "its prefixes");
	is_str(c.steps[1].name, "unit", "name");
	is_int(c.steps[1].argv.n, 4, "argv");
	is_str(c.steps[1].argv.v[2], "true", "true is a word of the command");
	is_str(c.steps[1].argv.v[3], "1", "so is 1");
	is_str(c.steps[1].env.n == 2 ? c.steps[1].env.v[0] : "", "A=1", "env");
	is_str(c.steps[1].cwd, "sub", "cwd");
	is_int(c.steps[1].timeout_ms, 600000, "timeout_ms");
	is_int(c.steps[1].line, 12, "its line");
	is_int(c.steps[2].paths.n, 0, "no paths: the default");
	config_release(&c);
	options_release(&o);
}

static void refused_bytes(const char *text, size_t len, const char *message)
{
	auto_free char *want = xasprintf("%s:%s", path, message);
	struct options o;
	struct config c;
	struct err e;
	int rc = read_config(&c, &o, text, len, &e);

	is_str(rc < 0 ? e.msg : "(accepted)", want, "refused with its place");
	is_int(e.kind, ERR_USAGE, "  a usage error");
	config_release(&c);
	options_release(&o);
}

static void refused(const char *text, const char *message)
{
	refused_bytes(text, strlen(text), message);
}

/* A gate of one step whose entry is `step`. */
static void step_refused(const char *step, const char *message)
{
	auto_free char *text = xasprintf("version: 1\ngate:\n  steps:\n    - {%s}\n", step);

	refused(text, message);
}

static void test_damage(void)
{
	refused("", "1:1: there is nothing here");
	refused("version: 1\nlivenes: {}\n", "2:1: unknown key 'livenes' (did you mean 'liveness'?)");
	refused("version: 1\nliveness: {stal_ms: 1}\n", "2:12: unknown key 'stal_ms' (did you mean 'stall_ms'?)");
	refused("liveness: {stall_ms: 1}\n", "1:1: 'version: 1' is missing");
	refused("version: 2\n", "1:10: version 2 is not known; 1 is");
	refused("version: one\n", "1:10: 'version' must be a whole number from -2147483648 to 2147483647, not "
		"'one'");
	refused("- version: 1\n", "1:1: the document must be a map, not a list");
	refused("just words\n", "1:1: the document must be a map, not 'just words'");
	refused("version: 1\nrun: [1]\n", "2:6: 'run' must be a map, not a list");
	refused("version: 1\nrun:\n", "2:5: 'run' must be a map; nothing is given");
	refused("version: 1\nrun: {timeout_ms: -1}\n",
		"2:19: 'timeout_ms' must be a whole number from 0 to 31536000000, not '-1'");
	refused("version: 1\nrun: {timeout_ms: '5'}\n",
		"2:19: 'timeout_ms' must be a whole number from 0 to 31536000000, not the quoted string '5'");
	refused("version: 1\nrun: {pty: sometimes}\n",
		"2:12: 'pty' must be auto, always or never, not 'sometimes'");
	refused("version: 1\nrun: {dialect: ''}\n", "2:16: 'run.dialect' must be a name, not ''");
	refused("version: 1\nrun: {leave_running: {a: b}}\n",
		"2:22: 'leave_running' must be a string or a list of strings, not a map");
	refused("version: 1\nversion: 1\n", "2:1: the key 'version' is repeated; first on line 1");
	refused("version: 1\nrun: {pty: never, pty: auto}\n", "2:19: the key 'pty' is repeated; first on line 2");
	refused("version: 1\nrun:\n\tpty: never\n", "3:1: a tab cannot indent; use spaces");
	refused_bytes("version: 1\n# \xfe\n", 15, "2:3: the byte 0xfe is not UTF-8 text");
	refused_bytes("version: 1\0\n", 12, "1:11: the control character 0x00 is not accepted");
	refused("version: 1\ngate: {fail_fast: maybe, steps: []}\n",
		"2:19: 'fail_fast' must be true or false, not 'maybe'");
	refused("version: 1\ngate: {}\n", "2:7: 'steps' is missing");
	refused("version: 1\ngate: {steps: []}\n", "2:15: 'steps' must hold at least one step");
	refused("version: 1\ngate: {steps: {a: b}}\n", "2:15: 'steps' must be a list, not a map");
	refused("version: 1\ngate: {steps: [x]}\n", "2:16: item 1 of 'steps' must be a map, not 'x'");
}

static void test_steps(void)
{
	step_refused("kind: test", "4:7: 'name' is missing");
	step_refused("name: '', kind: test", "4:14: 'name' must not be empty");
	step_refused("name: a", "4:7: 'kind' is missing (command, test or governance)");
	step_refused("name: a, kind: comand", "4:23: 'kind' must be command, test or governance, not 'comand' "
		"(did you mean 'command'?)");
	step_refused("name: a, kind: command", "4:7: 'argv' is missing");
	step_refused("name: a, kind: command, argv: []", "4:38: 'argv' must name a program");
	step_refused("name: a, kind: command, argv: ['']", "4:38: 'argv' must name a program");
	step_refused("name: a, kind: command, argv: make check",
		"4:38: 'argv' must be a list of strings, not 'make check'");
	step_refused("name: a, kind: command, argv: [[a]]", "4:39: item 1 of 'argv' must be a string, not a list");
	step_refused("name: a, kind: command, argv: [x], tiemout_ms: 5",
		     "4:43: unknown key 'tiemout_ms' (did you mean 'timeout_ms'?)");
	step_refused("name: a, kind: command, argv: [x], paths: [y]",
		"4:43: a step of kind command has no key 'paths'");
	step_refused("name: a, kind: test, argv: [x]", "4:29: a step of kind test has no key 'argv'");
	step_refused("name: a, kind: command, argv: [x], env: {A=B: c}",
		     "4:49: the name of a variable holds neither '=' nor NUL");
	step_refused("name: a, kind: command, argv: [x], cwd: ''", "4:48: 'cwd' must be a folder, not ''");
	step_refused("name: a, kind: test}\n    - {name: a, kind: test",
		"5:14: a step named 'a' is already on line 4");
}

static void test_files(void)
{
	struct options o;
	struct config c;
	struct err e = { 0 };

	config_init(&c);
	options_init(&o);
	is_int(config_read(&c, &o, "/nowhere/spec-runner.yaml", false, &e), 0, "no file is no error");
	ok(!c.path, "and there is no configuration");
	is_int(config_read(&c, &o, "/nowhere/spec-runner.yaml", true, &e), -1, "one that was named must be there");
	is_str(e.msg, "reading '/nowhere/spec-runner.yaml': No such file or directory", "says so");
	is_int(config_read(&c, &o, "/tmp", true, &e), -1, "a folder is no file");
	is_str(e.msg, "reading '/tmp': Is a directory", "says so");
	chmod(path, 0);
	if (geteuid() != 0) {
		is_int(config_read(&c, &o, path, false, &e), -1, "an unreadable file is an error");
		is_int(e.kind, ERR_USAGE, "of usage");
	}
	chmod(path, 0600);
	ok(truncate(path, 2 * CONFIG_MAX_BYTES) == 0 && config_read(&c, &o, path, false, &e) < 0, "one too large");
	ok(strstr(e.msg, "larger than 1048576 bytes") != NULL, "says so: %s", e.msg);
	config_release(&c);
	options_release(&o);
}

int main(void)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	test_whole();
	test_damage();
	test_steps();
	test_files();
	unlink(path);
	return tap_done();
}
