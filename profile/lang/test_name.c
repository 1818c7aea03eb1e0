/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/lang/test_name.h"

#include "profile/lang/script.h"
#include "profile/lang/test_source.h"

#include "base/clock.h"
#include "base/frame_home.h"
#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE_BYTES = 1 << 20 };

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *after_last(const char *s, char c)
{
	const char *at = strrchr(s, c);

	return at ? at + 1 : s;
}

/* "T.test_total" of test_cart.py: pytest and unittest find tests by that beginning. */
static char *python_test(const struct snap_frame *f)
{
	const char *last = after_last(f->function, '.');

	if (!str_starts(last, "test") || strchr(f->function, '<'))
		return NULL;
	return xasprintf("%s::%s", base_of(f->file), f->function);
}

/* "cart.TestTotal", "cart.(*Suite).TestTotal", "cart.TestTotal.func1": a function that `go test` finds. */
static char *go_test(const struct snap_frame *f)
{
	static const char *const kinds[] = { "Test", "Fuzz", "Benchmark", "Example" };
	const char *part = strrchr(f->function, '/');

	if (!strstr(f->file, "_test.go"))
		return NULL;
	part = strchr(part ? part : f->function, '.');
	for (; part; part = strchr(part, '.')) {
		part++;
		for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
			size_t n = strlen(kinds[i]);

			if (str_starts(part, kinds[i]) && !islower((unsigned char)part[n]))
				return xasprintf("%.*s", (int)strcspn(part, "."), part);
		}
	}
	return NULL;
}

/* GoogleTest makes a class of each: Cart_Total_Test::TestBody(). */
static char *google_test(const struct snap_frame *f)
{
	const char *end = strstr(f->function, "_Test::TestBody("), *begin = end, *mid;

	if (!end)
		return NULL;
	while (begin > f->function && (isalnum((unsigned char)begin[-1]) || begin[-1] == '_'))
		begin--;
	mid = memchr(begin, '_', (size_t)(end - begin));
	if (!mid)
		return NULL;
	return xasprintf("%.*s.%.*s", (int)(mid - begin), begin, (int)(end - mid - 1), mid + 1);
}

static char *method_test(const struct snap_frame *f)
{
	const char *method = strstr(f->function, "::") ? strstr(f->function, "::") + 2 : after_last(f->function, '#');

	return strncasecmp(method, "test", 4) == 0 && !strchr(method, '{') ? xstrdup(f->function) : NULL;
}

static char *by_source(const struct snap_process *p, const struct snap_frame *f, char *(*around)(const char *, int))
{
	auto_free char *text = script_text(p, f->file, SOURCE_BYTES);
	auto_free char *test = text && f->line ? around(text, f->line) : NULL;

	return test ? xasprintf("%s: %s", base_of(f->file), test) : NULL;
}

static char *frame_test(const struct snap_process *p, const struct snap_frame *f)
{
	const char *language = f->language ? f->language : "native", *dot;
	char *name;

	if (strcmp(language, "javascript") == 0)
		return by_source(p, f, test_source_javascript);
	if (strcmp(language, "ruby") == 0) {
		name = method_test(f);
		return name ? name : by_source(p, f, test_source_ruby);
	}
	if (strcmp(language, "python") == 0)
		return python_test(f);
	if (strcmp(language, "go") == 0)
		return go_test(f);
	if (strcmp(language, "php") == 0)
		return method_test(f);
	dot = strrchr(f->file, '.');
	if (strcmp(language, "perl") == 0)
		return dot && strcmp(dot, ".t") == 0 ? xstrdup(f->file) : NULL;
	return google_test(f);
}

static struct frame_words words_of(const struct snap_frame *f)
{
	return (struct frame_words){ .language = f->language, .function = f->function, .file = f->file,
				     .module = f->module, .line = f->line, .runtime = f->runtime };
}

/* Runners that call any function, whatever its name: it is the one that they call. */
static bool calls_tests(const struct snap_frame *f)
{
	static const struct { const char *language, *begins; } runners[] = {
		{ "java", "org.junit." }, { "java", "junit." }, { "java", "org.testng." },
		{ "native", "test::run_test" }, { "native", "test::__rust_begin_short_backtrace" } };

	for (size_t i = 0; f->function && i < sizeof(runners) / sizeof(*runners); i++)
		if (strcmp(f->language ? f->language : "native", runners[i].language) == 0 &&
		    str_starts(f->function, runners[i].begins))
			return true;
	return false;
}

/* "cart::tests::adds::{{closure}}" of the crate cart is the test tests::adds. */
static char *libtest_name(const char *function)
{
	const char *crate = strstr(function, "::"), *closure = strstr(function, "::{{closure}}");

	if (!crate)
		return NULL;
	return closure > crate ? xstrndup(crate + 2, (size_t)(closure - crate - 2)) : xstrdup(crate + 2);
}

static char *called_test(const struct snap_frame *frames, size_t n)
{
	size_t at = 0;

	while (at < n && !calls_tests(&frames[at]))
		at++;
	while (at < n && at-- > 0) {
		struct frame_words w = words_of(&frames[at]);

		if (w.function && w.file && frame_home(&w) == FRAME_PROGRAM)
			return strcmp(w.language, "java") == 0 ? xstrdup(w.function) : libtest_name(w.function);
	}
	return NULL;
}

/* The outermost frame that is a test counts: what it calls may look like one. */
static char *stack_test(const struct snap_process *p, const struct snap_frame *frames, size_t n)
{
	char *called = called_test(frames, n);

	if (called)
		return called;
	for (size_t i = n; i-- > 0;) {
		struct frame_words w = words_of(&frames[i]);
		char *name;

		if (!w.function || !w.file || frame_home(&w) != FRAME_PROGRAM)
			continue;
		name = frame_test(p, &frames[i]);
		if (name)
			return name;
	}
	return NULL;
}

void tests_name(struct snapshot *s, int64_t deadline_ns)
{
	for (size_t i = 0; i < s->process_count; i++) {
		struct snap_process *p = &s->processes[i];

		for (size_t k = 0; k < p->thread_count && clock_mono_ns() < deadline_ns; k++)
			if (!p->threads[k].test)
				p->threads[k].test = stack_test(p, p->threads[k].frames, p->threads[k].frame_count);
		for (size_t k = 0; k < p->task_count && clock_mono_ns() < deadline_ns; k++)
			if (!p->tasks[k].test)
				p->tasks[k].test = stack_test(p, p->tasks[k].frames, p->tasks[k].frame_count);
	}
}
