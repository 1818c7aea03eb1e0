/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "runner/proc/context.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* facts of other tools: flag > NO_COLOR > CLICOLOR_FORCE > FORCE_COLOR > TERM=dumb > isatty */
bool say_wants_color(int choice, bool is_tty)
{
	const char *no = getenv("NO_COLOR"), *force = getenv("CLICOLOR_FORCE"), *also = getenv("FORCE_COLOR");
	const char *term = getenv("TERM");

	if (choice != TRI_AUTO)
		return choice == TRI_ALWAYS;
	if (no && *no)
		return false;
	if ((force && *force && strcmp(force, "0") != 0) || (also && *also && strcmp(also, "0") != 0))
		return true;
	return is_tty && term && strcmp(term, "dumb") != 0;
}

#define SAY_MAX_BYTES 2048

/* Redacted, cut, and without anything that would speak to the terminal or to a CI system. */
static void say_clean(struct context *c, const char *text, struct str *line)
{
	auto_str clean = STR_INIT;

	redact_text(c->redactor, text, strlen(text), &clean);
	if (clean.len > SAY_MAX_BYTES) {
		clean.len = utf8_cut(clean.data, clean.len, SAY_MAX_BYTES);
		str_add(&clean, "\xe2\x80\xa6");
	}
	utf8_add_plain(line, str_cstr(&clean), clean.len);
}

static void say_line(struct context *c, const char *color, const char *fmt, va_list ap)
{
	struct outlet *o = &c->outlet[STREAM_ERR];
	auto_str line = STR_INIT;
	/* a raw terminal does not return the carriage by itself */
	const char *eol = c->terminal.raw && c->terminal.is_tty[2] ? "\r\n" : "\n";
	auto_free char *text = NULL;
	size_t at;

	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		return;
	}
	if (o->mid_line || (c->terminal.merge && c->outlet[STREAM_OUT].mid_line))
		str_add(&line, eol);
	str_add(&line, "spec-runner: ");
	at = line.len;
	say_clean(c, text, &line);
	if (c->color) {
		auto_str plain = STR_INIT;

		str_addn(&plain, line.data + at, line.len - at);
		line.len = at;
		str_addf(&line, "\033[%sm%s\033[0m", color, str_cstr(&plain));
	}
	str_add(&line, eol);
	/* Where the reader is slow the line is lost: liveness goes before talk, and the trace has it. */
	outlet_write(o, line.data, line.len);
	c->outlet[STREAM_OUT].mid_line = c->outlet[STREAM_OUT].mid_line && !c->terminal.merge;
}

void say_fresh(struct context *c)
{
	struct outlet *o = &c->outlet[STREAM_ERR];
	const char *eol = c->terminal.raw && c->terminal.is_tty[2] ? "\r\n" : "\n";

	if (!o->mid_line && !(c->terminal.merge && c->outlet[STREAM_OUT].mid_line))
		return;
	outlet_write(o, eol, strlen(eol));
	c->outlet[STREAM_OUT].mid_line = c->outlet[STREAM_OUT].mid_line && !c->terminal.merge;
}

void say(struct context *c, const char *fmt, ...)
{
	va_list ap;

	if (c->o->quiet)
		return;
	va_start(ap, fmt);
	say_line(c, "33", fmt, ap);
	va_end(ap);
}

void say_always(struct context *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_line(c, "31", fmt, ap);
	va_end(ap);
}

const char *say_comm(struct context *c, const char *comm)
{
	static char shown[128];
	auto_str text = STR_INIT;

	redact_text(c->redactor, comm, strlen(comm), &text);
	snprintf(shown, sizeof(shown), "%s", str_cstr(&text));
	return shown;
}
