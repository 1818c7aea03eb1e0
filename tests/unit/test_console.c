/* SPDX-License-Identifier: Apache-2.0 */
/* The lines below the cursor: whatever a command writes, in whatever pieces, at whatever time, the screen is the same
 * with them as without them once they are taken away. Simulated time, a terminal of our own. */
#include "base/clock.h"
#include "base/width.h"
#include "runner/ui/ci_groups.h"
#include "runner/ui/console.h"
#include "runner/ui/silence.h"
#include "runner/ui/status.h"
#include "tests/tap.h"
#include "tests/unit/screen.h"

#include <stdlib.h>

static uint64_t seed;

static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

struct sink {
	struct screen *screen;
	bool slow; /* takes a part, or nothing */
	struct str all;
};

static ssize_t sink_write(void *ctx, const char *p, size_t n)
{
	struct sink *k = ctx;

	if (k->slow && rnd(3) == 0)
		return 0;
	if (k->slow && n > 1 && rnd(2))
		n = 1 + rnd((unsigned)n);
	screen_write(k->screen, p, n);
	str_addn(&k->all, p, n);
	return (ssize_t)n;
}

/* --- one terminal, step by step --- */

struct bench {
	struct screen screen;
	struct sink sink;
	struct console c;
	int64_t now;
};

static void bench_init(struct bench *b, int rows, int cols)
{
	memset(b, 0, sizeof(*b));
	screen_init(&b->screen, rows, cols, false);
	b->sink.screen = &b->screen;
	b->now = 1000 * NS_PER_S;
	console_init(&b->c, sink_write, &b->sink, b->now, (unsigned)rows, (unsigned)cols, false);
}

static void bench_release(struct bench *b)
{
	console_release(&b->c);
	screen_release(&b->screen);
	str_release(&b->sink.all);
}

static bool bench_child(struct bench *b, const char *text)
{
	if (!console_before(&b->c))
		return false;
	screen_write(&b->screen, text, strlen(text));
	console_wrote(&b->c, text, strlen(text), b->now);
	return true;
}

static char status_a[] = "STATUS", status_b[] = "SECOND";
static char *const two_lines[] = { status_a, status_b };

/* True where something was drawn within `ms`. */
static bool bench_wait(struct bench *b, int ms)
{
	int64_t until = b->now + ms * NS_PER_MS;

	while (console_due(&b->c) <= until) {
		int64_t due = console_due(&b->c);

		b->now = due > b->now ? due : b->now;
		console_draw(&b->c, two_lines, 2, b->now);
	}
	b->now = until;
	return b->c.shown;
}

static void test_when_drawn(void)
{
	static const struct {
		const char *name, *text;
		bool drawn;
	} rows[] = {
		{ "a whole line", "line\r\n", true },
		{ "a prompt", "name? ", false },
		{ "a prompt after lines", "a\r\nb\r\nname? ", false },
		{ "a progress bar that returned", " 50 %\r", false },
		{ "a progress bar that erased its line", " 50 %\r\033[K", true },
		{ "a progress bar that erased its line, first", " 50 %\033[2K\r", true },
		{ "colours, closed", "\033[1;31mred\033[0m\r\n", true },
		{ "a colour left open: it is kept with the position", "\033[31mred\r\n", true },
		{ "a background left open", "\033[44mblue\r\n", false },
		{ "a background closed by 49", "\033[44mblue\033[49m\r\n", true },
		{ "256 colours that look like a background", "\033[38;5;44mx\r\n", true },
		{ "reverse left open", "\033[7mx\r\n", false },
		{ "the alternate screen", "\033[?1049hfull\r\n", false },
		{ "the alternate screen, left", "\033[?1049hfull\r\n\033[?1049l", true },
		{ "a hidden cursor", "\033[?25lspinner\r\n", false },
		{ "a cursor shown again", "\033[?25lspinner\r\n\033[?25h", true },
		{ "a scroll region", "\033[1;5r\r\n", false },
		{ "bracketed paste", "\033[?2004h\r\n", false },
		{ "the keypad of an application", "\033[?1h\033=\r\n", false },
		{ "a saved position", "\0337a\r\n", false },
		{ "lines above being rewritten", "a\r\nb\r\nc\r\n\033[3A\033[2Kx\r\n", false },
		{ "lines above rewritten, and back", "a\r\nb\r\nc\r\n\033[3A\033[2Kx\r\n\033[2Ky\r\n\033[2Kz\r\n", true },
		{ "an absolute position", "\033[5;1Hx\r\n", false },
		{ "a cleared screen", "a\r\n\033[H\033[2Jb\r\n", true },
		{ "a cleared screen, the other way round", "a\r\n\033[2J\033[Hb\r\n", true },
		{ "a question about the position", "\033[6n\r\n", false },
		{ "an unfinished sequence", "a\r\n\033[3", false },
		{ "an unfinished character", "a\r\n\xe4\xb8", false },
		{ "a title", "\033]0;a title\007a\r\n", true },
		{ "an unfinished title", "\033]0;a title", false },
		{ "a link, ended by ESC \\", "\033]8;;http://x\033\\a\r\n", true },
		{ "line drawing", "\033(0qqq\r\n", false },
		{ "line drawing, over", "\033(0qqq\033(B\r\n", true },
		{ "a bare line feed", "abc\n", false },
		{ "a line as wide as the window", "0123456789012345678901234567890123456789\r\n", true },
		{ "backspaces", "ab\b\b\r\n", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bench b;

		bench_init(&b, 10, 40);
		bench_child(&b, rows[i].text);
		is_int(bench_wait(&b, 3000), rows[i].drawn, "%s: %s", rows[i].name, rows[i].drawn ? "drawn" : "not drawn");
		bench_release(&b);
	}
}

static void test_times(void)
{
	struct bench b;
	int64_t drew;

	bench_init(&b, 10, 40);
	ok(!bench_wait(&b, 990), "nothing in the first second");
	ok(bench_wait(&b, 20), "then it is there");
	is_str(screen_line(&b.screen, 1), "STATUS", "below the cursor");
	is_str(screen_line(&b.screen, 2), "SECOND", "line by line");
	is_int(b.screen.at.line, 0, "the cursor stays");
	bench_child(&b, "out\r\n");
	is_str(screen_line(&b.screen, 1), "", "gone before a byte is written");
	is_str(screen_line(&b.screen, 0), "out", "which stands where it would");
	ok(!bench_wait(&b, 40), "not at once");
	ok(bench_wait(&b, 200), "at a quiet moment");
	drew = b.c.drew_ns;
	is_int((console_due(&b.c) - b.c.start_ns) % NS_PER_S, 0, "then once a second: when the age changes");
	ok(console_due(&b.c) - drew <= NS_PER_S, "a second at most");
	for (int i = 0; i < 100; i++) {
		bench_child(&b, "x\r\n");
		bench_wait(&b, 20);
	}
	ok(!b.c.shown, "never while output flows");
	bench_child(&b, "name? ");
	is_int(console_due(&b.c), TIME_NEVER, "behind a prompt nothing wakes up");
	b.c.name_is_open = true;
	ok(bench_wait(&b, 2000), "behind an open test's name it is drawn");
	is_int(b.screen.at.col, 6, "the cursor stays behind the name");
	bench_child(&b, "ok\r\n");
	bench_wait(&b, 2000);
	console_pause(&b.c);
	ok(!b.c.shown && console_due(&b.c) == TIME_NEVER, "paused: gone, no wake-ups");
	console_resume(&b.c, b.now);
	ok(bench_wait(&b, 2000), "resumed: there again");
	console_resize(&b.c, 10, 30);
	ok(!b.c.shown && console_due(&b.c) <= b.now + 200 * NS_PER_MS, "another size: drawn again soon");
	console_refuse(&b.c, b.now);
	is_int(console_due(&b.c), b.now + NS_PER_S, "refused: looked at again in a second");
	bench_release(&b);
}

/* --- any output --- */

static void add_token(struct str *out)
{
	static const char *const whole[] = {
		"ok 1 - a test\r\n", "\033[32mPASS\033[0m a\r\n", "\xe4\xb8\xad\xe6\x96\x87 wide\r\n", "x\r\n", "\r\n",
		" 10%\r 20%\r 30%\r", "\r\033[K", "\033[2K\r", "a\tb\r\n", "ab\b\bcd\r\n", "\033[41mtinted\033[0m\r\n",
		"\033[44mleft open", "\033[0m\r\n", "prompt> ", "\033[?25l", "\033[?25h", "\033]0;title\007",
		"\033[H\033[2J", "\033[2J\033[H", "1\r\n2\r\n3\r\n\033[3A\033[2Ka\r\n\033[2Kb\r\n\033[2Kc\r\n", "\033[2A\033[J",
		"\033[1Aup\r\n", "\0337saved\0338\r\n", "e\xcc\x81 joined\r\n", "\xf0\x9f\x98\x80 emoji\r\n", "\033[5Cright\r\n",
		"\033[10D", "\033[8G", "\033[1;31m", "\033[J", "\033[K",
		"\033[?1049h\033[Hfull screen\033[5;5Hx\033[?1049l", "\033[?1049h\033[2J\033[3;3Hhalf",
		"\033[?1049l", "\033[39m", "\033D", "abc\n",
	};
	unsigned i = rnd(sizeof(whole) / sizeof(*whole) + 2);

	if (i < sizeof(whole) / sizeof(*whole)) {
		str_add(out, whole[i]);
		return;
	}
	for (unsigned k = 0, n = rnd(130); k < n; k++) /* longer than the window is wide */
		str_add(out, rnd(9) ? "-" : "\xe7\x95\x8c");
	str_add(out, rnd(3) ? "\r\n" : "");
}

struct life {
	struct bench b;
	struct screen plain; /* without us */
	unsigned drawings, compared, differ;
};

static void life_draw(struct life *l)
{
	char *lines[CONSOLE_LINES_MAX];
	char text[CONSOLE_LINES_MAX][100];
	unsigned n = 1 + rnd(3), w = (unsigned)l->b.screen.cols - 1;

	for (unsigned i = 0; i < n; i++) {
		memset(text[i], 'S', rnd(2) ? w : rnd(w));
		text[i][w] = '\0';
		for (unsigned k = 0; k < w; k++)
			if (text[i][k] != 'S')
				text[i][k] = '\0';
		lines[i] = text[i];
	}
	console_draw(&l->b.c, lines, n, l->b.now);
	l->drawings += l->b.c.shown;
}

/* between: before the first byte of something; within it (home, then erase) the places may differ. */
static void life_write(struct life *l, const char *p, size_t n, bool between)
{
	for (int tries = 0; !console_before(&l->b.c); tries++)
		if (tries > 10000)
			abort();
	l->compared += between;
	l->differ += between && !screen_same(&l->b.screen, &l->plain);
	screen_write(&l->b.screen, p, n);
	screen_write(&l->plain, p, n);
	console_wrote(&l->b.c, p, n, l->b.now);
	l->b.c.name_is_open = rnd(8) == 0;
}

static bool life_run(uint64_t which, struct life *l)
{
	int rows = 16 + (int)(which % 20), cols = 20 + (int)(which % 70);
	struct str text = STR_INIT;

	seed = which * 0x9e3779b97f4a7c15u + 1;
	bench_init(&l->b, rows, cols);
	screen_init(&l->plain, rows, cols, false);
	l->b.sink.slow = rnd(2);
	l->drawings = l->compared = l->differ = 0;
	for (int i = 0; i < 120; i++) {
		add_token(&text);
		for (size_t at = 0; at < text.len;) {
			size_t n = 1 + rnd(40);

			n = rnd(3) && text.len - at > n ? n : text.len - at;
			life_write(l, text.data + at, n, at == 0);
			at += n;
			l->b.now += rnd(4) ? rnd(1500) * NS_PER_MS / 10 : 2 * NS_PER_S;
			while (console_due(&l->b.c) <= l->b.now) {
				int64_t due = console_due(&l->b.c);

				life_draw(l);
				if (console_due(&l->b.c) == due)
					break;
			}
		}
		str_reset(&text);
	}
	str_release(&text);
	console_pause(&l->b.c);
	for (int i = 0; i < 1000 && !console_before(&l->b.c); i++)
		;
	l->differ += !screen_same(&l->b.screen, &l->plain);
	screen_release(&l->plain);
	bench_release(&l->b);
	return l->differ == 0;
}

static void test_any_output(void)
{
	const char *wanted = getenv("CONSOLE_LIVES");
	uint64_t lives = wanted ? strtoull(wanted, NULL, 10) : 300;
	uint64_t bad = 0, drawings = 0, compared = 0;

	for (uint64_t i = 1; i <= lives; i++) {
		static struct life l;

		if (!life_run(i, &l) && bad++ < 3)
			printf("# life %llu: %u of %u moments differ\n", (unsigned long long)i, l.differ, l.compared);
		drawings += l.drawings;
		compared += l.compared;
	}
	is_int(bad, 0, "%llu outputs of any kind: the screen is the one without us", (unsigned long long)lives);
	ok(drawings > lives, "and it was drawn (%llu times, %llu moments compared)", (unsigned long long)drawings,
	   (unsigned long long)compared);
}

/* --- silence --- */

static void test_silence(void)
{
	struct silence s;
	struct str told = STR_INIT;

	silence_init(&s, true, 0);
	for (int64_t t = 0; t <= 2500 * NS_PER_S; t += NS_PER_S)
		if (silence_step(&s, t))
			str_addf(&told, " %lld", (long long)(t / NS_PER_S));
	is_str(str_cstr(&told), " 60 120 240 480 960 1440 1920 2400", "after 1, 2, 4, 8 minutes, then every 8");
	silence_output(&s, 2500 * NS_PER_S);
	ok(!silence_step(&s, 2559 * NS_PER_S) && silence_step(&s, 2560 * NS_PER_S), "output begins it anew");
	for (int64_t t = 0; t < 1000; t++) {
		silence_output(&s, (3000 + t * 59) * NS_PER_S);
		if (silence_step(&s, (3000 + t * 59 + 58) * NS_PER_S))
			break;
		if (t == 999)
			ok(true, "never while output flows");
	}
	silence_init(&s, true, 0);
	ok(silence_step(&s, 5000 * NS_PER_S) && !silence_step(&s, 5001 * NS_PER_S), "one line after a long stop");
	silence_init(&s, false, 0);
	ok(!silence_step(&s, 5000 * NS_PER_S) && s.due_ns == TIME_NEVER, "off: never");
	str_release(&told);
}

/* --- the words --- */

static const char *lines_of(const struct status_view *v, unsigned rows, unsigned cols, bool unicode)
{
	static struct str text;
	struct status_style style = { .rows = rows, .cols = cols, .unicode = unicode };
	struct strv lines = STRV_INIT;

	str_reset(&text);
	status_lines(v, &style, &lines);
	for (size_t i = 0; i < lines.n; i++)
		str_addf(&text, "%s%s", i ? "\n" : "", lines.v[i]);
	strv_release(&lines);
	return str_cstr(&text);
}

static void test_words(void)
{
	struct status_view v = { .now_ns = 100 * NS_PER_S, .start_ns = 37 * NS_PER_S, .total = -1,
				 .last_output_ns = TIME_NEVER, .processes = 3 };
	struct str age = STR_INIT;

	is_str(lines_of(&v, 24, 80, true), "spec-runner: 1m03s, 3 processes, no output yet", "nothing is known of tests");
	v.noun = "tests";
	v.done = 12;
	v.last_output_ns = 95 * NS_PER_S;
	is_str(lines_of(&v, 24, 80, true), "spec-runner: 1m03s, 12 tests done, last output 5s ago", "no plan");
	v.after = "t::last";
	is_str(lines_of(&v, 24, 80, true), "spec-runner: 1m03s, 12 tests done, last output 5s ago\n after  t::last",
	       "named at their end only");
	v.total = 40;
	v.failed = 1;
	v.running = 9;
	v.n_tests = 2;
	v.test[0] = (struct status_test){ "suite::one", 10 * NS_PER_S };
	v.test[1] = (struct status_test){ "bad\033[2J\nname\xff", 99 * NS_PER_S };
	is_str(lines_of(&v, 24, 80, true),
	       "spec-runner: 1m03s, 12/40 tests done, 1 failed, 9 running, last output 5s ago\n"
	       " 1m30s  suite::one\n    1s  bad?[2J?name\xef\xbf\xbd", "all of it; control characters shown safe");
	is_str(lines_of(&v, 24, 40, true), "spec-runner: 1m03s, 12/40 tests done\n 1m30s  suite::one\n"
	       "    1s  bad?[2J?name\xef\xbf\xbd", "a narrow window: the first things");
	is_str(lines_of(&v, 24, 20, true), "", "a very narrow one: nothing");
	is_str(lines_of(&v, 4, 80, true), "", "a very flat one: nothing");
	v.test[0].name = "tests/unit/test_long.py::TestClass::test_\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87";
	v.n_tests = 1;
	is_str(lines_of(&v, 24, 30, true),
	       "spec-runner: 1m03s\n 1m30s  \xe2\x80\xa6" "Class::test_\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87",
	       "the end of a long name is kept, wide characters counted");
	is_str(lines_of(&v, 24, 30, false), "spec-runner: 1m03s\n 1m30s  ...stClass::test_????",
	       "without Unicode: what cannot be shown is '?'");
	for (unsigned cols = 24; cols < 200; cols++) {
		struct status_style style = { .rows = 40, .cols = cols, .unicode = true };
		struct strv lines = STRV_INIT;
		bool wide = false;

		status_lines(&v, &style, &lines);
		for (size_t i = 0; i < lines.n; i++)
			wide |= width_text(lines.v[i], strlen(lines.v[i])) >= cols;
		if (wide || cols == 199)
			ok(!wide, "no line is as wide as the window (%u)", cols);
		strv_release(&lines);
	}
	status_age(&age, 7500 * NS_PER_S);
	is_str(str_cstr(&age), "2h05m", "hours");
	str_reset(&age);
	v.test[0].name = "t::x";
	status_sentence(&v, &age);
	is_str(str_cstr(&age), "12/40 tests done (1 failed); running: t::x since 1m30s and 6 more", "a sentence for a log");
	str_release(&age);
}

static void test_groups(void)
{
	static char *const teamcity[] = { "TEAMCITY_VERSION=2026.1", NULL };
	static char *const nested[] = { "GITHUB_ACTIONS=true", "SPEC_RUNNER_RUN_ID=run-1", NULL };
	static char *const empty[] = { "TEAMCITY_VERSION=", "GITHUB_ACTIONS=false", NULL };
	struct str out = STR_INIT;

	is_int(ci_provider_of(teamcity), CI_TEAMCITY, "TeamCity by its version");
	is_int(ci_provider_of(nested), CI_NONE, "below another spec-runner: none");
	is_int(ci_provider_of(empty), CI_NONE, "no value: none");
	ci_group_begin(&out, CI_TEAMCITY, "it's [a|b]\n", 1, 0);
	is_str(str_cstr(&out), "##teamcity[blockOpened name='it|'s |[a||b|]?']\n", "TeamCity's escapes, no line end");
	str_reset(&out);
	ci_group_begin(&out, CI_GITHUB, "a\n::error::b", 1, 0);
	is_str(str_cstr(&out), "::group::a?::error::b\n", "a name is one line");
	str_reset(&out);
	ci_group_begin(&out, CI_GITLAB, "a b/c", 7, 12 * NS_PER_S);
	is_str(str_cstr(&out), "section_start:12:spec_runner_7_a_b_c\r\033[0Ka b/c\n", "GitLab: a name of its own");
	str_reset(&out);
	ci_tail_lines(&out, "one\ntwo\n\033[31mred\033[0m\r\n 10%\r 20%\n::error::x\na##[error]y\n\n", 56, 5);
	is_str(str_cstr(&out), "spec-runner: | two\nspec-runner: | red\nspec-runner: |  20%\nspec-runner: | ::error::x\n"
	       "spec-runner: | a #[error]y\n", "the last lines: plain, and no commands");
	str_reset(&out);
	ci_tail_lines(&out, "", 0, 5);
	is_str(str_cstr(&out), "", "of nothing: nothing");
	str_release(&out);
}

static void test_widths(void)
{
	is_int(width_of('a'), 1, "a letter");
	is_int(width_of(0x4e2d), 2, "a Chinese one");
	is_int(width_of(0x301), 0, "an accent that joins");
	is_int(width_of(0x1f600), 2, "an emoji");
	is_int(width_of(0x7), 0, "a control character");
	is_int(width_text("a\xe4\xb8\xad\xff", 5), 4, "a text with an invalid byte");
	is_int(width_cut("\xe4\xb8\xad\xe6\x96\x87", 6, 3), 3, "no half of a wide one");
	is_int(width_cut_front("\xe4\xb8\xad\xe6\x96\x87" "a", 7, 3), 3, "from the front neither");
}

int main(void)
{
	test_widths();
	test_when_drawn();
	test_times();
	test_any_output();
	test_silence();
	test_words();
	test_groups();
	return tap_done();
}
