#include "base/str.h"
#include "runner/proc/context.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void say_line(struct context *c, const char *fmt, va_list ap)
{
	struct outlet *o = &c->outlet[STREAM_ERR];
	auto_str line = STR_INIT;
	/* a raw terminal does not return the carriage by itself */
	const char *eol = c->terminal.raw && c->terminal.is_tty[2] ? "\r\n" : "\n";
	char text[2048];
	size_t from;

	vsnprintf(text, sizeof(text), fmt, ap);
	if (o->mid_line || (c->terminal.merge && c->outlet[STREAM_OUT].mid_line))
		str_add(&line, eol);
	from = line.len;
	str_add(&line, "spec-runner: ");
	redact_text(c->redactor, text, strlen(text), &line);
	for (size_t i = from; i < line.len; i++)
		if ((unsigned char)line.data[i] < ' ')
			line.data[i] = ' ';
	str_add(&line, eol);
	/* Where the reader is slow the line is lost: liveness goes before talk, and the trace has it. */
	outlet_write(o, line.data, line.len);
	c->outlet[STREAM_OUT].mid_line = c->outlet[STREAM_OUT].mid_line && !c->terminal.merge;
}

void say(struct context *c, const char *fmt, ...)
{
	va_list ap;

	if (c->o->quiet)
		return;
	va_start(ap, fmt);
	say_line(c, fmt, ap);
	va_end(ap);
}

void say_always(struct context *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_line(c, fmt, ap);
	va_end(ap);
}
