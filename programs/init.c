/* SPDX-License-Identifier: Apache-2.0 */
/* init: writes a first spec-runner.yaml for the project found at the root (contract 1). Each kind of
 * project is a row: what gives it away, and the steps that run its tests. */
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/cases/glob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MAX_BYTES (1024 * 1024)

struct project {
	const char *root;
	char *make_target;     /* check or test, NULL none */
	bool configure;        /* it is there already: autoreconf has run */
	const char *python_dir, *python_path;
	bool npm_install, npm_lock;
	const char *npm;       /* npm, pnpm or bun: whose lock file is there */
	bool perl_lib;
	char *just_target;     /* as make_target */
	const char *bats_dir;
};

struct kind {
	const char *name;      /* of the step */
	const char *what;      /* for people */
	const char *program;
	bool generic;          /* only where no tool of a language speaks for the project */
	bool (*found)(struct project *p);
	void (*steps)(const struct project *p, struct str *out, const char *lead);
};

static bool has(const struct project *p, const char *name)
{
	auto_free char *path = path_join(p->root, name);

	return access(path, F_OK) == 0;
}

/* The text of a small file of the root, or NULL. Caller frees. */
static char *look(const struct project *p, const char *name)
{
	auto_free char *path = path_join(p->root, name);
	struct err e = { 0 };
	char *text;
	size_t n;

	return file_read(path, LOOK_MAX_BYTES, &text, &n, &e) == 0 ? text : NULL;
}

static bool holds(const struct project *p, const char *name, const char *needle)
{
	auto_free char *text = look(p, name);

	return text && strstr(text, needle);
}

struct search {
	const struct project *p;
	const char *needle;    /* NULL: any file will do */
};

static int stop_at_first(void *ctx, const char *path, const uint32_t *lists, size_t n)
{
	const struct search *s = ctx;

	(void)lists;
	(void)n;
	return !s->needle || holds(s->p, path, s->needle);
}

/* Is there a file of the glob that holds the words? */
static bool any_holds(const struct project *p, const char *glob, const char *needle)
{
	auto_free char *copy = xstrdup(glob);
	struct search search = { .p = p, .needle = needle };
	struct glob_set *set = glob_set_new();
	struct err e = { 0 };
	bool found = glob_set_add(set, &copy, 1, &e) >= 0 &&
		     glob_set_walk(set, p->root, stop_at_first, &search, &e) == 1;

	glob_set_free(set);
	return found;
}

static bool any_file(const struct project *p, const char *glob)
{
	return any_holds(p, glob, NULL);
}

static bool on_path(const char *program)
{
	const char *path = getenv("PATH");
	auto_free char *copy = xstrdup(path ? path : "/usr/local/bin:/usr/bin:/bin");
	char *save = NULL;

	for (char *dir = strtok_r(copy, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		auto_free char *full = path_join(dir, program);

		if (access(full, X_OK) == 0)
			return true;
	}
	return false;
}

/* more: further keys, each behind a comma, or "". */
static void step_with(struct str *out, const char *lead, const char *name, const char *argv, const char *more)
{
	str_addf(out, "%s    - {name: %s, kind: command, argv: [%s]%s}\n", lead, name, argv, more);
}

static void step(struct str *out, const char *lead, const char *name, const char *argv)
{
	step_with(out, lead, name, argv, "");
}

/* ---- the kinds ---- */

static bool is_cargo(struct project *p)
{
	return has(p, "Cargo.toml");
}

static void cargo_steps(const struct project *p, struct str *out, const char *lead)
{
	(void)p;
	step(out, lead, "cargo-test", "cargo, test");
}

static bool is_go(struct project *p)
{
	return has(p, "go.mod");
}

static void go_steps(const struct project *p, struct str *out, const char *lead)
{
	(void)p;
	step(out, lead, "go-test", "go, test, -v, ./..."); /* -v names each test when it begins */
}

static bool is_maven(struct project *p)
{
	return has(p, "pom.xml");
}

static void maven_steps(const struct project *p, struct str *out, const char *lead)
{
	(void)p;
	step(out, lead, "maven-test", "mvn, --batch-mode, test");
}

static bool is_npm(struct project *p)
{
	auto_free char *text = look(p, "package.json");

	/* what `npm init` leaves behind only fails */
	if (!text || !strstr(text, "\"test\"") || strstr(text, "no test specified"))
		return false;
	p->npm = has(p, "pnpm-lock.yaml") ? "pnpm" : has(p, "bun.lockb") || has(p, "bun.lock") ? "bun" : "npm";
	p->npm_lock = strcmp(p->npm, "npm") != 0 || has(p, "package-lock.json");
	p->npm_install = !has(p, "node_modules") &&
			 (strstr(text, "\"dependencies\"") || strstr(text, "\"devDependencies\""));
	return true;
}

static void npm_steps(const struct project *p, struct str *out, const char *lead)
{
	auto_free char *install = strcmp(p->npm, "npm") == 0 ? xstrdup(p->npm_lock ? "npm, ci" : "npm, install")
							     : xasprintf("%s, install, --frozen-lockfile", p->npm);
	auto_free char *test = strcmp(p->npm, "bun") == 0 ? xstrdup("bun, run, test") : xasprintf("%s, test", p->npm);
	auto_free char *name_install = xasprintf("%s-install", p->npm), *name_test = xasprintf("%s-test", p->npm);

	if (p->npm_install)
		step(out, lead, name_install, install);
	step(out, lead, name_test, test);
}

/* The target that runs the tests: a rule at the beginning of a line. NULL: none. */
static char *test_target(const char *makefile)
{
	static const char *const targets[] = { "check", "test" };
	auto_free char *lines = xasprintf("\n%s", makefile);

	for (size_t t = 0; t < sizeof(targets) / sizeof(targets[0]); t++)
		for (const char *at = lines; (at = strchr(at, '\n')); at++) {
			size_t n = strlen(targets[t]);

			if (strncmp(at + 1, targets[t], n) != 0)
				continue;
			n += strspn(at + 1 + n, " \t");
			if (at[1 + n] == ':' && at[2 + n] != '=')
				return xstrdup(targets[t]);
		}
	return NULL;
}

static bool is_gradle(struct project *p)
{
	return has(p, "build.gradle") || has(p, "build.gradle.kts");
}

static void gradle_steps(const struct project *p, struct str *out, const char *lead)
{
	step(out, lead, "gradle-test", has(p, "gradlew") ? "./gradlew, --no-daemon, test" : "gradle, --no-daemon, test");
}

static bool is_bazel(struct project *p)
{
	return has(p, "MODULE.bazel") || has(p, "WORKSPACE") || has(p, "WORKSPACE.bazel");
}

static void bazel_steps(const struct project *p, struct str *out, const char *lead)
{
	(void)p;
	step(out, lead, "bazel-test", "bazel, test, --test_output=errors, //...");
}

static bool is_dotnet(struct project *p)
{
	return any_file(p, "*.sln") || any_file(p, "*.csproj") || any_file(p, "*/*.csproj");
}

static void dotnet_steps(const struct project *p, struct str *out, const char *lead)
{
	(void)p;
	/* this logger names tests that passed, too */
	step(out, lead, "dotnet-test", "dotnet, test, --logger, 'console;verbosity=normal'");
}

static bool is_deno(struct project *p)
{
	return has(p, "deno.json") || has(p, "deno.jsonc");
}

static void deno_steps(const struct project *p, struct str *out, const char *lead)
{
	(void)p;
	step(out, lead, "deno-test", "deno, test");
}

/* Tests that bun itself runs: no script of package.json names them. */
static bool is_bun(struct project *p)
{
	return has(p, "bunfig.toml") && !is_npm(p);
}

static void bun_steps(const struct project *p, struct str *out, const char *lead)
{
	(void)p;
	step(out, lead, "bun-test", "bun, test");
}

static bool is_tox(struct project *p)
{
	return has(p, "tox.ini") || holds(p, "pyproject.toml", "[tool.tox");
}

static void tox_steps(const struct project *p, struct str *out, const char *lead)
{
	(void)p;
	step(out, lead, "tox", "tox");
}

static bool is_just(struct project *p)
{
	auto_free char *text = look(p, has(p, "justfile") ? "justfile" : "Justfile");

	p->just_target = text ? test_target(text) : NULL;
	return p->just_target != NULL;
}

static void just_steps(const struct project *p, struct str *out, const char *lead)
{
	auto_free char *argv = xasprintf("just, %s", p->just_target);

	step(out, lead, "just", argv);
}

static bool is_meson(struct project *p)
{
	return has(p, "meson.build");
}

static void meson_steps(const struct project *p, struct str *out, const char *lead)
{
	(void)p;
	step(out, lead, "meson-setup", "sh, -c, 'test -f build/build.ninja || meson setup build'");
	step(out, lead, "meson-test", "meson, test, -C, build, --print-errorlogs");
}

static bool is_cmake(struct project *p)
{
	return has(p, "CMakeLists.txt");
}

static void cmake_steps(const struct project *p, struct str *out, const char *lead)
{
	(void)p;
	step(out, lead, "cmake-configure", "cmake, -S, ., -B, build");
	step(out, lead, "cmake-build", "cmake, --build, build");
	step(out, lead, "ctest", "ctest, --test-dir, build, --output-on-failure");
}

/* Where the packages stand that the tests import, as long as they are not installed. */
static void find_python_path(struct project *p)
{
	p->python_path = any_file(p, "src/*/__init__.py") || any_file(p, "src/*.py") ? "src" :
			 any_file(p, "*/__init__.py") || any_file(p, "*.py") ? "." : NULL;
}

static bool is_pytest(struct project *p)
{
	find_python_path(p);
	if (on_path("pytest") && (holds(p, "tox.ini", "pytest") ||
				  any_holds(p, "{tests,test,src}/**/{test_*,*_test}.py", "import pytest")))
		return true;
	return has(p, "pytest.ini") || has(p, "conftest.py") || has(p, "tests/conftest.py") ||
	       has(p, "test/conftest.py") || holds(p, "pyproject.toml", "[tool.pytest") ||
	       holds(p, "pyproject.toml", "\"pytest") || holds(p, "setup.cfg", "[tool:pytest]") ||
	       holds(p, "tox.ini", "[pytest]");
}

static void pytest_steps(const struct project *p, struct str *out, const char *lead)
{
	auto_free char *env = p->python_path ? xasprintf(", env: {PYTHONPATH: %s}", p->python_path) : xstrdup("");

	/* the python3 of a virtual environment may be another than that of the pytest that is installed */
	step_with(out, lead, "pytest", on_path("pytest") ? "pytest, -v" : "python3, -m, pytest, -v", env);
}

static bool is_unittest(struct project *p)
{
	static const char *const dirs[] = { "tests", "test", "." };

	if (is_pytest(p))
		return false;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		auto_free char *glob = xasprintf("%s/test*.py", dirs[i]);

		if (!any_file(p, glob))
			continue;
		p->python_dir = dirs[i];
		return true;
	}
	return false;
}

static void unittest_steps(const struct project *p, struct str *out, const char *lead)
{
	auto_free char *argv = xasprintf("python3, -m, unittest, discover, -v, -s, %s, -t, .", p->python_dir);
	auto_free char *init = xasprintf("%s/__init__.py", p->python_dir);

	/* without a package the folder itself is the top */
	if (strcmp(p->python_dir, ".") != 0 && !has(p, init))
		argv[strlen(argv) - strlen(", -t, .")] = '\0';
	step_with(out, lead, "unittest", argv,
		  p->python_path && strcmp(p->python_path, "src") == 0 ? ", env: {PYTHONPATH: src}" : "");
}

static bool is_make(struct project *p)
{
	static const char *const files[] = { "GNUmakefile", "makefile", "Makefile" };
	bool found = false;

	for (size_t f = 0; f < 3; f++) {
		auto_free char *text = look(p, files[f]);

		if (!text)
			continue;
		mem_free_ptr(&p->make_target);
		p->make_target = test_target(text);
		found = true;
		/* as make does: the first of the three is the one, with what it includes */
		if (p->make_target || !strstr(text, "include"))
			break;
	}
	return found;
}

/* The Makefile is still to be made, by configure; where it is there already, make speaks for the project. */
static bool is_configure(struct project *p)
{
	auto_free char *text = look(p, "Makefile.in");
	bool automake = has(p, "Makefile.am");

	p->configure = has(p, "configure");
	if (has(p, "Makefile") || (!automake && !text) || (!p->configure && !has(p, "configure.ac")))
		return false;
	mem_free_ptr(&p->make_target);
	p->make_target = automake ? xstrdup("check") : text ? test_target(text) : NULL;
	return true;
}

static void make_steps(const struct project *p, struct str *out, const char *lead)
{
	auto_free char *argv = p->make_target ? xasprintf("make, %s", p->make_target) : xstrdup("make");

	step(out, lead, p->make_target ? argv + strlen("make, ") : "make", argv);
}

static void configure_steps(const struct project *p, struct str *out, const char *lead)
{
	if (!p->configure)
		step(out, lead, "autoreconf", "sh, -c, 'test -f configure || autoreconf -fi'");
	step(out, lead, "configure", "sh, -c, 'test -f Makefile || ./configure'");
	if (p->make_target)
		step(out, lead, "build", "make");
	make_steps(p, out, lead);
}

static bool is_bats(struct project *p)
{
	static const char *const dirs[] = { "test", "tests", "." };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		auto_free char *glob = xasprintf("%s/*.bats", dirs[i]);

		if (any_file(p, glob)) {
			p->bats_dir = dirs[i];
			return true;
		}
	}
	return false;
}

static void bats_steps(const struct project *p, struct str *out, const char *lead)
{
	auto_free char *argv = xasprintf("bats, --tap, %s", p->bats_dir);

	step(out, lead, "bats", argv);
}

static bool is_xs(struct project *p)
{
	return has(p, "Makefile.PL") && (any_file(p, "*.xs") || any_file(p, "{lib,src,xs}/**/*.xs"));
}

static void xs_steps(const struct project *p, struct str *out, const char *lead)
{
	(void)p;
	step(out, lead, "makefile-pl", "perl, Makefile.PL");
	step(out, lead, "perl-test", "make, test, TEST_VERBOSE=1");
}

static bool is_prove(struct project *p)
{
	p->perl_lib = has(p, "lib");
	return any_file(p, "t/**/*.t");
}

static void prove_steps(const struct project *p, struct str *out, const char *lead)
{
	step(out, lead, "prove", p->perl_lib ? "prove, -r, -l, -v, t" : "prove, -r, -v, t");
}

static const struct kind kinds[] = {
	{ "cargo", "a Rust crate (Cargo.toml)", "cargo", false, is_cargo, cargo_steps },
	{ "go", "a Go module (go.mod)", "go", false, is_go, go_steps },
	{ "maven", "a Maven project (pom.xml)", "mvn", false, is_maven, maven_steps },
	{ "gradle", "a Gradle project (build.gradle)", "java", false, is_gradle, gradle_steps },
	{ "dotnet", "a .NET project (*.sln, *.csproj)", "dotnet", false, is_dotnet, dotnet_steps },
	{ "bazel", "a Bazel workspace (MODULE.bazel)", "bazel", false, is_bazel, bazel_steps },
	{ "deno", "a Deno project (deno.json)", "deno", false, is_deno, deno_steps },
	{ "bun", "tests for bun (bunfig.toml)", "bun", false, is_bun, bun_steps },
	{ "npm", "a package with a test script (package.json)", "npm", false, is_npm, npm_steps },
	{ "meson", "a Meson project (meson.build)", "meson", false, is_meson, meson_steps },
	{ "cmake", "a CMake project (CMakeLists.txt)", "cmake", false, is_cmake, cmake_steps },
	{ "pytest", "Python tests for pytest", "python3", false, is_pytest, pytest_steps },
	{ "unittest", "Python tests for unittest", "python3", false, is_unittest, unittest_steps },
	{ "tox", "environments of tox (tox.ini)", "tox", true, is_tox, tox_steps },
	{ "just", "recipes of just (justfile)", "just", true, is_just, just_steps },
	{ "perl-xs", "a Perl module with parts in C (Makefile.PL)", "perl", false, is_xs, xs_steps },
	{ "configure", "a configure script that writes the Makefile", "make", true, is_configure, configure_steps },
	{ "make", "a Makefile", "make", true, is_make, make_steps },
	{ "bats", "tests for bats (*.bats)", "bats", true, is_bats, bats_steps },
	{ "prove", "Perl tests (t/*.t)", "prove", true, is_prove, prove_steps },
};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

/* Steps of what was found. Those that cannot or need not run stand there as comments. Returns how
 * many kinds run. */
static unsigned steps_write(struct project *p, struct str *out, struct str *told)
{
	unsigned running = 0;

	for (size_t i = 0; i < KIND_COUNT; i++) {
		const struct kind *k = &kinds[i];
		bool installed, runs;

		if (!k->found(p))
			continue;
		installed = on_path(k->program);
		runs = installed && !(k->generic && running);
		str_addf(out, "    # %s%s\n", k->what,
			 !installed ? ": its program is not on this machine's PATH; uncomment where it is"
			 : runs     ? ""
				    : ": uncomment it unless the steps above run these tests, too");
		k->steps(p, out, runs ? "" : "    #");
		str_addf(told, "%s%s%s", told->len ? ", " : "", k->name, runs ? "" : " (as a comment)");
		running += runs;
	}
	if (any_file(p, "specs/**/*.spec.yaml") || any_file(p, "specs/**/*.spec.md")) {
		str_add(out, "    # spec cases (specs/)\n    - {name: cases, kind: test, paths: [specs]}\n");
		str_addf(told, "%sspecs", told->len ? ", " : "");
		running++;
	}
	return running;
}

static void text_write(struct project *p, struct str *out, struct str *told)
{
	auto_str steps = STR_INIT;
	unsigned running = steps_write(p, &steps, told);

	str_add(out, "# spec-runner.yaml: what `spec-runner ci-gate-summary` runs, and how it is watched.\n"
		     "# Every key has a flag and an environment name, too: see `spec-runner help run`.\n"
		     "version: 1\n"
		     "\n"
		     "liveness:\n"
		     "  # basic: a stall is diagnosed and recorded; only hard_cap_ms ends a command: safe on day one.\n"
		     "  # strict: one without progress for stall_ms is ended, too: for when you know how long yours may\n"
		     "  # be silent.\n"
		     "  level: basic\n"
		     "  stall_ms: 30000\n"
		     "  hard_cap_ms: 1800000\n"
		     "\n"
		     "# run:\n"
		     "#   timeout_ms: 600000    # limit of the command of `spec-runner run`\n"
		     "\n"
		     "history:\n"
		     "  dir: .artifacts/history    # what runs are remembered in; carry it between CI jobs"
		     " (docs/HISTORY.md)\n"
		     "\n");
	if (!running)
		str_add(out, "# Nothing was found that runs here. Name your own commands, then remove the '#'.\n"
			     "# gate:\n"
			     "#   steps:\n"
			     "#     - {name: unit, kind: command, argv: [make, check], timeout_ms: 600000}\n");
	else
		str_add(out, "gate:\n"
			     "  fail_fast: true     # stop after the first step that fails\n"
			     "  steps:              # a step may have timeout_ms, env and cwd\n");
	str_add(out, str_cstr(&steps));
}

static int init_body(struct cli *cli)
{
	struct project p = { .root = cli->root };
	auto_free char *path = path_join(cli->root, "spec-runner.yaml");
	auto_close int fd = -1;
	auto_str text = STR_INIT;
	auto_str told = STR_INIT;
	struct err e = { 0 };

	if (cli->operand_count) {
		err_set(&e, ERR_USAGE, "init takes no operands; '%s' is one", cli->operands[0]);
		return cli_fail(&e);
	}
	text_write(&p, &text, &told);
	mem_free_ptr(&p.make_target);
	mem_free_ptr(&p.just_target);
	if (cli->o.init_stdout) {
		fwrite(str_cstr(&text), 1, text.len, stdout);
		return cli_flush();
	}
	fd = open(path, O_WRONLY | O_CREAT | (cli->o.init_force ? O_TRUNC : O_EXCL) | O_CLOEXEC, 0666);
	if (fd < 0 && errno == EEXIST)
		err_set(&e, ERR_USAGE, "'%s' already exists and was not changed (--force replaces it, --stdout prints)",
			path);
	else if (fd < 0 || fd_write_all(fd, str_cstr(&text), text.len) < 0)
		err_sys(&e, "writing '%s'", path);
	if (e.kind != ERR_NONE)
		return cli_fail(&e);
	if (told.len)
		cli_note("wrote %s: %s; run it with: spec-runner ci-gate-summary", path, str_cstr(&told));
	else
		cli_note("wrote %s: no tests were found that run here, so its gate is a comment", path);
	return 0;
}

int main(int argc, char **argv)
{
	return program_main("init", argc, argv, init_body);
}
