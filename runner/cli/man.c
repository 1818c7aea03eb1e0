/* SPDX-License-Identifier: Apache-2.0 */
/* man.c - spec-runner(1), from the tables of verbs and options and the few paragraphs that stand
 * in no table. */
#include "runner/cli/help.h"

#include <string.h>

static const char head[] =
	".TH SPEC\\-RUNNER 1 \"\" \"spec\\-runner " SPEC_RUNNER_VERSION "\" \"User Commands\"\n"
	".SH NAME\n"
	"spec\\-runner \\- run commands, end what hangs, and say why\n"
	".SH SYNOPSIS\n"
	".B spec\\-runner\n"
	"[\\fIOPTIONS\\fR] \\fIVERB\\fR [\\fIOPTIONS\\fR] [\\fIARGS\\fR]\n"
	".SH DESCRIPTION\n"
	"Runs a command with its own streams and exit status, and watches it.\n"
	"If it makes no progress or outlives a limit, every process that it has started is diagnosed, then "
	"ended.\n"
	"A trace records what happened, with every secret removed.\n"
	".PP\n"
	"Options may be given on either side of the verb; after\n"
	".B run\n"
	"they end at \\fB\\-\\-\\fR or at the first word that is not an option.\n"
	"Flags override the environment, which overrides\n"
	".IR spec\\-runner.yaml ,\n"
	"which overrides the defaults.\n"
	"A bad value in any of them is an error.\n";

static const char tail[] =
	".SH EXIT STATUS\n"
	".TP\n.I the command's own\nif the command of\n.B run\nended by itself; 128 + N if signal N "
	"killed it\n"
	".TP\n.B 2\nusage error, or a bad value in the environment or a file\n"
	".TP\n.B 124\na limit or, at level strict, a stall ended the command\n"
	".TP\n.B 125\nspec\\-runner itself failed\n"
	".TP\n.B 126\nthe command cannot be executed\n"
	".TP\n.B 127\nthe command was not found\n"
	".TP\n.B 128 + N\nspec\\-runner was ended by SIGINT, SIGTERM or SIGHUP\n"
	".PP\n"
	".B verify\nand\n.B recover\nreturn 0 or 1.\n"
	".SH ENVIRONMENT\n"
	"The options above name their variables.\n"
	"Booleans are 1, true, yes, on or 0, false, no, off.\n"
	"Lists hold one value per line, or values separated by commas if there is one line (patterns: lines "
	"only).\n"
	"An empty variable counts as unset if a text is expected, and is an error otherwise.\n"
	".TP\n.B SPEC_RUNNER_RUN_ID\nset for the command: the run that it belongs to.\n"
	"A spec\\-runner that finds it set writes below\n.IR .artifacts/nested/ .\n"
	".TP\n.B SPEC_RUNNER_GATES\nset for the steps of a gate: the files of the gates that they belong to.\n"
	"A step that would run one of them again fails.\n"
	".TP\n.B SPEC_RUNNER_REDACTION_KEY\nkey of the hashes in env_profile, if runs must be comparable\n"
	".TP\n.B SPEC_RUNNER_HISTORY_DSN, SPEC_RUNNER_HISTORY_READ_DSN\na PostgreSQL database (libpq words or a "
	"URL) for the history, and the one for reading verbs; from the environment alone\n"
	".TP\n.B SPEC_RUNNER_API_TOKEN\nthe token of \\fBserve\\fR, at least 16 bytes; from the environment alone, or"
	" by \\fB\\-\\-token\\-file\\fR\n"
	".TP\n.B TRACEPARENT\nread, and passed on to every command\n"
	".TP\n.B NO_COLOR\nno colours, unless \\fB\\-\\-color\\fR asks for them\n"
	".SH FILES\n"
	".TP\n.I spec\\-runner.yaml\n"
	"configuration, at the root: the nearest folder upwards that holds it or\n.IR .git .\n"
	".TP\n.I .artifacts/run\\-trace.json\nthe trace of the latest run\n"
	".TP\n.I .artifacts/run\\-trace\\-summary.md\nits summary for people\n"
	".TP\n.I .artifacts/RUN_ID.journal\nrecords of a run in progress\n"
	".TP\n.I .artifacts/raw/, .artifacts/nested/, .artifacts/recovered/\n"
	"raw evidence; nested runs; runs whose supervisor died\n"
	".SH EXAMPLES\n"
	".TP\nEnd a test run that prints nothing for a minute:\n"
	".B spec\\-runner \\-\\-liveness\\-level strict \\-\\-liveness\\-stall\\-ms 60000 run \\-\\- make check\n"
	".TP\nLimit a command and keep a detailed trace:\n"
	".B spec\\-runner run \\-\\-timeout\\-ms 600000 \\-\\-profile\\-level detailed \\-\\- ./tests.sh\n"
	".TP\nSeal the trace that a killed supervisor left:\n"
	".B spec\\-runner recover\n"
	".SH SEE ALSO\n"
	".BR timeout (1),\n"
	".BR prove (1)\n";

/* Text that troff must not read as a request or a hyphen. */
static void add_text(struct str *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		str_add(out, "\\&");
	for (; *text; text++) {
		if (*text == '-')
			str_add(out, "\\-");
		else if (*text == '\\')
			str_add(out, "\\e");
		else
			str_addc(out, *text);
	}
}

static void add_verbs(struct str *out)
{
	str_add(out, ".SH VERBS\n");
	for (size_t i = 0; i < verb_count; i++) {
		const struct verb *v = &verbs[i];

		if (!verb_is_available(v))
			continue;
		str_addf(out, ".TP\n.B %s%s", v->syntax.name, *v->operands ? " \\fI" : "");
		add_text(out, v->operands);
		str_addf(out, "%s\n", *v->operands ? "\\fR" : "");
		add_text(out, v->summary);
		str_add(out, ".\n");
		if (v->details) {
			add_text(out, v->details);
			str_addc(out, '\n');
		}
	}
}

static void add_option(struct str *out, const struct option_row *row)
{
	auto_str facts = STR_INIT, takers = STR_INIT;

	str_add(out, ".TP\n.B \\-\\-");
	add_text(out, row->flag);
	if (row->metavar)
		str_addf(out, " \\fI%s\\fR", row->metavar);
	str_addc(out, '\n');
	add_text(out, row->help);
	str_add(out, ".\n");
	help_facts(&facts, row);
	help_takers(&takers, row);
	str_add(out, "[");
	add_text(out, str_cstr(&facts));
	str_add(out, facts.len ? "; verbs: " : "verbs: ");
	add_text(out, str_cstr(&takers));
	str_add(out, "]\n");
}

void man_page(struct str *out)
{
	str_add(out, head);
	add_verbs(out);
	str_add(out, ".SH OPTIONS\n");
	for (int group = 0; group < GROUP_COUNT; group++) {
		bool titled = false;

		for (size_t i = 0; i < option_row_count; i++) {
			const struct option_row *row = &option_rows[i];

			if ((int)row->group != group || !verb_any_takes(row))
				continue;
			if (!titled)
				str_addf(out, ".SS %s\n", option_group_text[group]);
			titled = true;
			add_option(out, row);
		}
	}
	str_add(out, tail);
}
