/* SPDX-License-Identifier: Apache-2.0 */
/* script.c - where a shell stands in its script.
 *
 * Whoever waits for a child has started it from a line that names it: where just one line of the script has the child's
 * name and the most of its arguments, that is the place; where two are as good, nothing is said. A shell that tells its own
 * line (dash) is believed where that line names what it waits for: one of another file, or of what eval was given, does
 * not. */
#include "profile/lang/script.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	SCRIPT_BYTES = 256 * 1024, LINES_MAX = 20000, CONTINUED_MAX = 8, LOOP_BYTES = 160, WORDS_MAX = 24
};

struct script {
	char *path;   /* as it is to be shown */
	char *text;   /* its lines are ended by NUL */
	char **line;
	int lines;
};

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_shell(const struct snap_process *p)
{
	static const char *const shells[] = { "sh", "dash", "bash", "ash", "ksh", "mksh", "zsh" };
	const char *name = p->argv.n ? base_of(p->argv.v[0]) : "";

	name += *name == '-';
	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++)
		if (strcmp(name, shells[i]) == 0)
			return true;
	return false;
}

/* The first argument that is no option; NULL for -c, -s and a script on standard input. */
static const char *script_argument(const struct snap_process *p)
{
	for (size_t i = 1; i < p->argv.n; i++) {
		const char *a = p->argv.v[i];

		if (a[0] != '-' && a[0] != '+')
			return a;
		if (strcmp(a, "-o") == 0 || strcmp(a, "+o") == 0 || strcmp(a, "--rcfile") == 0)
			i++;
		else if (a[0] == '-' && a[1] != '-' && strpbrk(a, "cs"))
			return NULL;
	}
	return NULL;
}

static void script_release(struct script *s)
{
	free(s->path);
	free(s->text);
	free(s->line);
}

char *script_text(const struct snap_process *p, const char *name, size_t max)
{
	auto_free char *path = p->foreign_ns && *name == '/' ? xasprintf("/proc/%d/root%s", (int)p->pid, name) :
			       *name == '/' ? xstrdup(name) : xasprintf("/proc/%d/cwd/%s", (int)p->pid, name);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char *text;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 || (size_t)st.st_size > max)
		return NULL;
	text = xcalloc((size_t)st.st_size + 1, 1);
	n = read(fd, text, (size_t)st.st_size);
	if (n <= 0 || memchr(text, '\0', (size_t)n))
		mem_free_ptr(&text);
	return text;
}

static bool script_read(const struct snap_process *p, const char *name, struct script *s)
{
	s->text = script_text(p, name, SCRIPT_BYTES);
	if (!s->text)
		return false;
	s->path = *name != '/' && p->cwd ? path_join(p->cwd, name) : xstrdup(name);
	s->line = xcalloc(LINES_MAX, sizeof(*s->line));
	for (char *at = s->text; at && *at && s->lines < LINES_MAX;) {
		char *end = strchr(at, '\n');

		if (end)
			*end++ = '\0';
		while (*at == ' ' || *at == '\t')
			at++;
		s->line[s->lines++] = at;
		at = end;
	}
	return true;
}

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* Does the line have the word, with nothing that would make it part of another one? */
static bool has_word(const char *line, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = line; n && (at = strstr(at, word)); at++)
		if ((at == line || !is_word_byte(at[-1])) && !is_word_byte(at[n]))
			return true;
	return false;
}

static int line_score(const char *line, const struct snap_process *child)
{
	const char *name = base_of(child->argv.v[0]);
	int score = 1;

	bool named = has_word(line, name);

	/* what begins with #! is started by its interpreter, with its own name among the first words */
	for (size_t i = 1; i < child->argv.n && i <= 3; i++)
		named = named || (strchr(child->argv.v[i], '/') && has_word(line, base_of(child->argv.v[i])));
	if (line[0] == '#' || !named)
		return 0;
	for (size_t i = 1; i < child->argv.n && i < 16; i++)
		score += *child->argv.v[i] && strstr(line, child->argv.v[i]) != NULL;
	return score;
}

/* The only line that is best; -1 where there is none or more than one. */
static int line_of_child(const struct script *s, const struct snap_process *child)
{
	int best = 0, at = -1;

	for (int i = 0; child->argv.n && i < s->lines; i++) {
		int score = line_score(s->line[i], child);

		if (score > best) {
			best = score;
			at = i;
		} else if (score && score == best) {
			at = -1;
		}
	}
	return at;
}

static int line_of_read(const struct script *s)
{
	int at = -1;

	for (int i = 0; i < s->lines; i++)
		if (s->line[i][0] != '#' && has_word(s->line[i], "read")) {
			if (at >= 0)
				return -1;
			at = i;
		}
	return at;
}

static bool begins_word(const char *line, const char *word)
{
	size_t n = strlen(word);

	return strncmp(line, word, n) == 0 && !is_word_byte(line[n]);
}

/* The head of the loop around a line, or the line itself; -1 none. */
static int loop_of(const struct script *s, int at)
{
	int inner = 0;

	for (int i = at; i >= 0; i--) {
		const char *l = s->line[i];

		if (i != at && begins_word(l, "done"))
			inner++;
		if (!begins_word(l, "until") && !begins_word(l, "while") && !begins_word(l, "for"))
			continue;
		if (i != at && strstr(l, "done"))
			continue; /* all in one line */
		if (inner-- == 0)
			return i;
	}
	return -1;
}

static bool opens_block(const char *text)
{
	return str_ends(text, " do") || str_ends(text, "then") || str_ends(text, "else") || strcmp(text, "do") == 0 ||
	       str_ends(text, "; do") || str_ends(text, "{");
}

/* A loop in one line, from its head to its end: what it does again and again. */
static char *loop_words(const struct script *s, int head)
{
	struct str text = STR_INIT;
	int inner = 0;

	for (int i = head; i < s->lines && text.len < LOOP_BYTES; i++) {
		const char *l = s->line[i];

		if (*l == '#' || !*l)
			continue;
		str_addf(&text, "%s%s", !text.len ? "" : opens_block(str_cstr(&text)) ? " " : "; ", l);
		inner += begins_word(l, "until") || begins_word(l, "while") || begins_word(l, "for");
		if ((begins_word(l, "done") || has_word(l, "done")) && --inner <= 0)
			break;
	}
	if (text.len > LOOP_BYTES) {
		text.len = LOOP_BYTES;
		while (text.len && (text.data[text.len] & 0xc0) == 0x80)
			text.len--;
		text.data[text.len] = '\0';
		str_add(&text, "…");
	}
	return str_steal(&text);
}

static void frame_add(struct snap_thread *t, const struct script *s, int at, const char *function)
{
	struct snap_frame *f = thread_frame_add(t);

	if (!f)
		return;
	f->language = "shell";
	f->function = xstrdup(function);
	f->file = xstrdup(s->path);
	f->line = at + 1;
}

/* The youngest child that is no copy of the shell itself, such as of a pipeline: that one has children of its own. */
static const struct snap_process *child_of(const struct snapshot *s, const struct snap_process *p)
{
	const struct snap_process *best = NULL;

	for (size_t i = 0; i < s->process_count; i++) {
		const struct snap_process *c = &s->processes[i];

		if (c->stat.ppid == p->pid && c->alive && c->argv.n &&
		    (!best || c->stat.start_ticks > best->stat.start_ticks ||
		     (c->stat.start_ticks == best->stat.start_ticks && c->pid > best->pid)))
			best = c;
	}
	return best;
}

static bool is_copy(const struct snap_process *p, const struct snap_process *c)
{
	if (p->argv.n != c->argv.n)
		return false;
	for (size_t i = 0; i < p->argv.n; i++)
		if (strcmp(p->argv.v[i], c->argv.v[i]) != 0)
			return false;
	return true;
}

/* Text that is read while it runs, or that has lines of its own. */
static bool has_other_texts(const struct script *s)
{
	static const char *const words[] = { "eval", "source", "trap" };

	for (int i = 0; i < s->lines; i++) {
		if (strncmp(s->line[i], ". ", 2) == 0 || strstr(s->line[i], "; . ") || strstr(s->line[i], "&& . "))
			return true;
		for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++)
			if (s->line[i][0] != '#' && has_word(s->line[i], words[k]))
				return true;
	}
	return false;
}

/* What a bash has told of its own line, in this script; -1 nothing. */
static int line_of_frames(const struct snap_thread *t, const struct script *s)
{
	for (size_t i = 0; i < t->frame_count; i++)
		if (strcmp(t->frames[i].language, "shell") == 0)
			return t->frames[i].file && strcmp(base_of(t->frames[i].file), base_of(s->path)) == 0 &&
			       t->frames[i].line <= s->lines ? t->frames[i].line - 1 : -1;
	return -1;
}

/* A shell that has gone to another folder since still has its script open. */
static bool script_open(const struct snap_process *p, const char *name, struct script *s)
{
	static const int fds[] = { 10, 255, 11, 12 };

	if (script_read(p, name, s))
		return true;
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		auto_free char *link = xasprintf("/proc/%d/fd/%d", (int)p->pid, fds[i]);
		char path[4096];
		ssize_t n = readlink(link, path, sizeof(path) - 1);

		if (n <= 0 || *path != '/')
			continue;
		path[n] = '\0';
		if (strcmp(base_of(path), base_of(name)) == 0 && script_read(p, path, s))
			return true;
	}
	return false;
}

static bool goes_on(const char *line)
{
	size_t n = strlen(line);

	return n && (line[n - 1] == '\\' || line[n - 1] == '|' || line[n - 1] == '&');
}

/* Its command is what a variable or another command names. */
static bool is_named_elsewhere(const char *line)
{
	return line[0] == '$' || line[0] == '`' || (line[0] == '"' && line[1] == '$');
}

/* The line that the shell itself tells, or where that has nothing to do with what it waits for, `at`. A pipeline does not
 * say where it begins: the line is then that of a command before it. What eval is given begins with line 1 again. */
static int line_told(const struct script *s, int told, const struct snap_process *child, bool reads, int at)
{
	const char *builtin = reads ? "read" : "wait";
	int best = at >= 0 && child ? line_score(s->line[at], child) : 0;
	bool others, pipeline = best && strchr(s->line[at], '|');

	if (told <= 0 || told > s->lines)
		return at;
	others = has_other_texts(s);
	for (int i = told - 1; i < s->lines && i < told + CONTINUED_MAX; i++) {
		int score = child ? line_score(s->line[i], child) : 0;

		if (score && (score >= best || (!pipeline && !others)))
			return others && told == 1 ? at : i;
		if (!score && (begins_word(s->line[i], builtin) || (reads && has_word(s->line[i], builtin))))
			return i;
		if (!goes_on(s->line[i]))
			break;
	}
	return !others && (child ? !pipeline && is_named_elsewhere(s->line[told - 1]) : at < 0) ? told - 1 : at;
}

static void place_shell(struct snapshot *all, struct snap_process *p)
{
	struct snap_thread *t = p->thread_count ? &p->threads[0] : NULL;
	bool reads = t && t->syscall.nr == SYS_read;
	/* who opens a file waits for no child, whatever he has */
	const struct snap_process *child = t && t->syscall.nr == SYS_openat ? NULL : child_of(all, p);
	const char *name = is_shell(p) ? script_argument(p) : NULL;
	struct script s = { NULL, NULL, NULL, 0 };
	int at, loop;

	if (!name || !t || !p->alive || (child && is_copy(p, child)))
		return;
	if (script_open(p, name, &s)) {
		int framed = line_of_frames(t, &s);

		/* between two commands a shell may still tell its line */
		if (!child && !reads && !p->script_line && framed < 0) {
			script_release(&s);
			return;
		}
		at = child ? line_of_child(&s, child) : reads ? line_of_read(&s) : -1;
		at = framed >= 0 ? framed : line_told(&s, p->script_line, child, reads, at);
		loop = at >= 0 ? loop_of(&s, at) : -1;
		if (at >= 0 && framed < 0)
			frame_add(t, &s, at, child ? base_of(child->argv.v[0]) : reads ? "read" : "main");
		if (loop >= 0) {
			auto_free char *words = loop_words(&s, loop);

			frame_add(t, &s, loop, words);
		}
	}
	script_release(&s);
}

/* --- make: the recipe's line, and its target --- */

static bool is_make(const struct snap_process *p)
{
	const char *name = p->argv.n ? base_of(p->argv.v[0]) : "";

	return strcmp(name, "make") == 0 || strcmp(name, "gmake") == 0;
}

static bool makefile_read(const struct snap_process *p, struct script *s)
{
	static const char *const names[] = { "GNUmakefile", "makefile", "Makefile" };

	for (size_t i = 1; i < p->argv.n; i++) {
		const char *a = p->argv.v[i];

		if (strcmp(a, "-f") == 0 && i + 1 < p->argv.n)
			return script_read(p, p->argv.v[i + 1], s);
		if (strncmp(a, "-f", 2) == 0)
			return script_read(p, a + 2, s);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (script_read(p, names[i], s))
			return true;
	return false;
}

/* The words of the command that make runs itself, or gives to a shell. */
static size_t recipe_words(const struct snap_process *child, char *text, const char *word[WORDS_MAX])
{
	size_t n = 0;

	if (!is_shell(child) || child->argv.n != 3 || strcmp(child->argv.v[1], "-c") != 0) {
		for (size_t i = 0; i < child->argv.n && n < WORDS_MAX; i++)
			word[n++] = i ? child->argv.v[i] : base_of(child->argv.v[i]);
		return n;
	}
	for (char *w = strtok_r(text, " \t\n", &text); w && n < WORDS_MAX; w = strtok_r(NULL, " \t\n", &text))
		word[n++] = w;
	return n;
}

static bool is_indented(const struct script *s, int i)
{
	return s->line[i] > s->text && s->line[i][-1] == '\t';
}

/* The only line of a recipe that has the most of the words; -1 where there is none, or two. */
static int recipe_line(const struct script *s, const char *const word[], size_t n)
{
	size_t best = 0;
	int at = -1;

	for (int i = 0; n && i < s->lines; i++) {
		size_t score = 0;

		if (!is_indented(s, i) || !has_word(s->line[i], word[0]))
			continue;
		for (size_t k = 0; k < n; k++)
			score += *word[k] && strstr(s->line[i], word[k]);
		if (score > best) {
			best = score;
			at = i;
		} else if (score == best) {
			at = -1;
		}
	}
	return best * 2 >= n ? at : -1;
}

static void place_make(struct snapshot *all, struct snap_process *p)
{
	const struct snap_process *child = p->alive && p->thread_count && is_make(p) ? child_of(all, p) : NULL;
	auto_free char *text = child && child->argv.n == 3 ? xstrdup(child->argv.v[2]) : NULL;
	struct script s = { NULL, NULL, NULL, 0 };
	const char *word[WORDS_MAX];
	int at, rule;

	if (!child || is_make(child) || !makefile_read(p, &s))
		goto out;
	at = recipe_line(&s, word, recipe_words(child, text, word));
	rule = at;
	while (rule >= 0 && (is_indented(&s, rule) || !strchr(s.line[rule], ':')))
		rule--;
	if (rule >= 0) {
		auto_free char *target = xstrndup(s.line[rule], strcspn(s.line[rule], ": \t"));

		frame_add(&p->threads[0], &s, at, target);
	}
out:
	script_release(&s);
}

static bool has_frames_of(const struct snap_thread *t, const char *language)
{
	for (size_t i = 0; i < t->frame_count; i++)
		if (strcmp(t->frames[i].language, language) == 0)
			return true;
	return false;
}

/* Where the stack of an interpreter could not be read: the script is known, the line is not. */
static void place_interpreter(struct snap_process *p)
{
	static const struct { const char *program, *language; } known[] = {
		{ "perl", "perl" }, { "php", "php" }, { "tclsh", "tcl" }, { "lua", "lua" }, { "guile", "scheme" },
	};
	const char *base = p->argv.n ? base_of(p->argv.v[0]) : "", *name = NULL;
	struct snap_frame *f;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strncmp(base, known[i].program, strlen(known[i].program)) != 0 || !p->thread_count || !p->alive ||
		    has_frames_of(&p->threads[0], known[i].language))
			continue;
		for (size_t k = 1; k < p->argv.n && !name; k++) {
			const char *a = p->argv.v[k];

			if (strcmp(a, "-e") == 0 || strcmp(a, "-E") == 0 || strcmp(a, "-r") == 0)
				return;
			if (*a != '-')
				name = a;
		}
		f = name ? thread_frame_add(&p->threads[0]) : NULL;
		if (!f)
			return;
		f->language = known[i].language;
		f->function = xstrdup("main");
		f->file = *name != '/' && p->cwd ? path_join(p->cwd, name) : xstrdup(name);
	}
}

void script_places(struct snapshot *s)
{
	for (size_t i = 0; i < s->process_count; i++) {
		place_shell(s, &s->processes[i]);
		place_make(s, &s->processes[i]);
		place_interpreter(&s->processes[i]);
	}
}
