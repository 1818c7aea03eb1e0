/* SPDX-License-Identifier: Apache-2.0 */
#include "history/ingest/fold.h"

#include "base/mem.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

/* COMM PID[/TID] …; … PERIOD EVENT: at the end; ADDR SYMBOL (MODULE). */
static const char *const patterns[] = {
	"^(\\S.+?)\\s+(\\d+)\\/*(\\d+)*\\s+", ":\\s*(\\d+)*\\s+(\\S+):\\s*$", "^\\s*(\\w+)\\s*(.+) \\((.*)\\)",
	"\\+0x[\\da-f]+$", "\\.\\(.*\\)\\.", "/tmp/perf-\\d+\\.map",
};
enum { EVENT_LINE, EVENT_TAIL, FRAME_LINE, OFFSET, GO_METHOD, JIT_MAP, PATTERNS };

struct fold {
	struct fold_options o;
	fold_stack *told;
	void *arg;
	pcre2_code *code[PATTERNS];
	pcre2_match_data *match;
	pcre2_match_context *limits;
	struct str name;        /* of the process in hand, "" none */
	char *event;            /* that counts */
	struct strv frames;     /* innermost first */
	double period;
};

struct fold *fold_new(const struct fold_options *o, fold_stack *stack, void *arg)
{
	struct fold *f = xcalloc(1, sizeof(*f));
	int code;
	PCRE2_SIZE at;

	f->o = *o;
	f->told = stack;
	f->arg = arg;
	f->event = o->event ? xstrdup(o->event) : NULL;
	for (int i = 0; i < PATTERNS; i++) {
		f->code[i] = pcre2_compile((PCRE2_SPTR)patterns[i], PCRE2_ZERO_TERMINATED, 0, &code, &at, NULL);
		BUG_ON(!f->code[i]);
	}
	f->match = pcre2_match_data_create(8, NULL);
	f->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(f->limits, 1000000);
	return f;
}

void fold_free(struct fold *f)
{
	if (!f)
		return;
	for (int i = 0; i < PATTERNS; i++)
		pcre2_code_free(f->code[i]);
	pcre2_match_data_free(f->match);
	pcre2_match_context_free(f->limits);
	str_release(&f->name);
	strv_release(&f->frames);
	free(f->event);
	free(f);
}

struct span {
	const char *p;
	size_t n;
};

static bool matches(struct fold *f, int which, const char *s, size_t n)
{
	return pcre2_match(f->code[which], (PCRE2_SPTR)s, n, 0, 0, f->match, f->limits) > 0;
}

static struct span group(struct fold *f, const char *s, uint32_t i)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(f->match);

	if (i >= pcre2_get_ovector_count(f->match) || at[2 * i] == PCRE2_UNSET)
		return (struct span){ NULL, 0 };
	return (struct span){ s + at[2 * i], at[2 * i + 1] - at[2 * i] };
}

/* Zero is nothing here, as an empty text is. */
static bool is_true(struct span s)
{
	return s.p && s.n && !(s.n == 1 && s.p[0] == '0');
}

static bool take_event(struct fold *f, const char *line, size_t n)
{
	struct span comm = group(f, line, 1), pid = group(f, line, 2), tid = group(f, line, 3), period = { NULL, 0 }, event;

	if (!is_true(tid)) {
		tid = pid;
		pid = (struct span){ "?", 1 };
	}
	if (matches(f, EVENT_TAIL, line, n)) {
		period = group(f, line, 1);
		event = group(f, line, 2);
		if (!f->event)
			f->event = xstrndup(event.p, event.n);
		else if (strlen(f->event) != event.n || memcmp(f->event, event.p, event.n) != 0)
			return true;
	}
	f->period = is_true(period) ? strtod(period.p, NULL) : 1;
	str_reset(&f->name);
	str_addn(&f->name, comm.p, comm.n);
	if (f->o.pid || f->o.tid)
		str_addf(&f->name, "-%.*s", (int)pid.n, pid.p);
	if (f->o.tid)
		str_addf(&f->name, "/%.*s", (int)tid.n, tid.p);
	for (size_t i = 0; i < f->name.len; i++)
		if (f->name.data[i] == ' ')
			f->name.data[i] = '_';
	return true;
}

/* From the first parenthesis on it is arguments, unless that is an anonymous namespace's. */
static void cut_arguments(struct str *func)
{
	static const char anonymous[] = "(anonymous namespace)";
	char *p = func->data;

	while (p && (p = strchr(p, '(')) && strncmp(p, anonymous, sizeof(anonymous) - 1) == 0)
		p++;
	if (!p)
		return;
	func->len = (size_t)(p - func->data);
	*p = '\0';
}

static void drop_quotes(struct str *func)
{
	size_t k = 0;

	for (size_t i = 0; i < func->len; i++)
		if (func->data[i] != '"' && func->data[i] != '\'')
			func->data[k++] = func->data[i];
	func->len = k;
	if (func->data)
		func->data[k] = '\0';
}

static void unknown_name(const struct fold *f, struct span pc, struct span module, struct str *func)
{
	const char *name = "unknown";
	size_t n = 7;

	if (!(module.n == 9 && memcmp(module.p, "[unknown]", 9) == 0)) {
		const char *slash = memrchr(module.p, '/', module.n);

		name = slash ? slash + 1 : module.p;
		n = module.n - (size_t)(name - module.p);
	}
	str_reset(func);
	str_addf(func, "[%.*s", (int)n, name);
	if (f->o.addrs)
		str_addf(func, " <%.*s>", (int)pc.n, pc.p);
	str_addc(func, ']');
}

static bool ends_with(const struct str *s, const char *tail)
{
	return s->len && strstr(s->data, tail);
}

static bool is_kernel(struct span module)
{
	bool vmlinux = module.n >= 7 && memcmp(module.p + module.n - 7, "vmlinux", 7) == 0;

	return (vmlinux || (module.n && module.p[0] == '[')) && !memmem(module.p, module.n, "unknown", 7);
}

static void annotate(struct fold *f, struct span module, bool inlined, struct str *func)
{
	if (inlined) {
		if (!ends_with(func, "_[i]"))
			str_add(func, "_[i]");
	} else if (f->o.kernel && is_kernel(module)) {
		str_add(func, "_[k]");
	} else if (f->o.jit && matches(f, JIT_MAP, module.p, module.n) && !ends_with(func, "_[j]")) {
		str_add(func, "_[j]");
	}
}

static void tidy(struct fold *f, struct str *func)
{
	for (size_t i = 0; i < func->len; i++)
		if (func->data[i] == ';')
			func->data[i] = ':';
	if (!matches(f, GO_METHOD, str_cstr(func), func->len))
		cut_arguments(func);
	drop_quotes(func);
	if (str_starts(str_cstr(&f->name), "java") && func->len && func->data[0] == 'L' && strchr(func->data, '/')) {
		memmove(func->data, func->data + 1, func->len);
		func->len--;
	}
}

/* Names of one address, those that were inlined behind the one that they are in. */
static void take_names(struct fold *f, struct span raw, struct span pc, struct span module)
{
	struct strv names = STRV_INIT;
	size_t at = 0, last = raw.n;

	while (last >= 2 && memcmp(raw.p + last - 2, "->", 2) == 0)
		last -= 2; /* empty names at the end do not count */
	while (at <= last && raw.n) {
		const char *arrow = memmem(raw.p + at, last - at, "->", 2);
		size_t n = arrow ? (size_t)(arrow - raw.p) - at : last - at;
		auto_str func = STR_INIT;

		str_addn(&func, raw.p + at, n);
		if (n == 9 && memcmp(raw.p + at, "[unknown]", 9) == 0)
			unknown_name(f, pc, module, &func);
		tidy(f, &func);
		annotate(f, module, names.n > 0, &func);
		strv_add(&names, str_cstr(&func));
		at += n + 2;
	}
	for (size_t i = names.n; i-- > 0;)
		strv_add(&f->frames, names.v[i]);
	strv_release(&names);
}

static void take_frame(struct fold *f, const char *line)
{
	struct span pc = group(f, line, 1), raw = group(f, line, 2), module = group(f, line, 3);

	if (matches(f, OFFSET, raw.p, raw.n))
		raw.n = (size_t)(group(f, raw.p, 0).p - raw.p);
	if (!raw.n || raw.p[0] != '(')
		take_names(f, raw, pc, module);
}

static void end_stack(struct fold *f)
{
	auto_str stack = STR_INIT;

	if (!f->name.len || strcmp(f->name.data, "0") == 0)
		return;
	str_addn(&stack, f->name.data, f->name.len);
	for (size_t i = f->frames.n; i-- > 0;)
		str_addf(&stack, ";%s", f->frames.v[i]);
	f->told(f->arg, str_cstr(&stack), stack.len, f->period);
	strv_release(&f->frames);
	str_reset(&f->name);
}

bool fold_line(struct fold *f, const char *line, size_t n)
{
	if (n && line[0] == '#')
		return true;
	if (!n) {
		end_stack(f);
		return true;
	}
	if (matches(f, EVENT_LINE, line, n))
		return take_event(f, line, n);
	if (!matches(f, FRAME_LINE, line, n))
		return false;
	if (f->name.len)
		take_frame(f, line);
	return true;
}

bool fold_is_event(const char *line, size_t n)
{
	static const struct fold_options plain;
	struct fold *f = fold_new(&plain, NULL, NULL);
	bool is = matches(f, EVENT_LINE, line, n) && matches(f, EVENT_TAIL, line, n);

	fold_free(f);
	return is;
}

static bool is_number(const char *p, size_t n)
{
	size_t digits = 0, dots = 0;

	for (size_t i = 0; i < n; i++) {
		digits += p[i] >= '0' && p[i] <= '9';
		dots += p[i] == '.';
	}
	return digits && dots <= 1 && digits + dots == n;
}

bool folded_line(const char *line, size_t n, size_t *stack_n, double *weight)
{
	const char *space = memrchr(line, ' ', n), *before;
	char number[40];
	size_t len;

	if (!space || space == line)
		return false;
	len = n - (size_t)(space + 1 - line);
	if (len >= sizeof(number) || !is_number(space + 1, len))
		return false;
	before = memrchr(line, ' ', (size_t)(space - line));
	if (before && is_number(before + 1, (size_t)(space - before - 1)))
		return false; /* two numbers: a difference of two profiles */
	memcpy(number, space + 1, len);
	number[len] = '\0';
	*weight = strtod(number, NULL);
	*stack_n = (size_t)(space - line);
	return true;
}
