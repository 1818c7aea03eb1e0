/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cli/help.h"

#include "base/mem.h"
#include "profile/sample/collectors.h"
#include "base/nearest.h"
#include "base/value.h"
#include "runner/cli/cli.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS 80

void help_wrap(struct str *out, unsigned indent, const char *text)
{
	size_t at = 0;

	while (*(text += strspn(text, " "))) {
		size_t n = strcspn(text, " ");

		if (at && at + 1 + n > COLUMNS) {
			str_addc(out, '\n');
			at = 0;
		}
		if (!at)
			str_addf(out, "%*s", (int)indent, "");
		else
			str_addc(out, ' ');
		at = (at ? at + 1 : indent) + n;
		str_addn(out, text, n);
		text += n;
	}
	if (at)
		str_addc(out, '\n');
}

static void add_fact(struct str *out, const char *lead, const char *fact)
{
	str_addf(out, "%s%s%s", out->len ? "; " : "", lead, fact);
}

void help_facts(struct str *out, const struct option_row *row)
{
	auto_str words = STR_INIT;

	if (row->words) {
		value_words(&words, row->words);
		add_fact(out, "", str_cstr(&words));
	}
	if (row->type == OPTION_LIST)
		add_fact(out, "", "may be repeated");
	if (row->fallback && row->metavar)
		add_fact(out, "default ", row->fallback);
	else if (row->type == OPTION_BOOL && strcmp(row->fallback, "true") == 0)
		add_fact(out, "", "on by default");
	if (row->env)
		add_fact(out, "", row->env);
	if (row->key)
		add_fact(out, "", row->key);
}

void help_takers(struct str *out, const struct option_row *row)
{
	for (size_t i = 0; i < verb_count; i++)
		if ((verbs[i].syntax.bit & row->verbs) && verb_is_available(&verbs[i]))
			str_addf(out, "%s%s", out->len ? ", " : "", verbs[i].syntax.name);
}

static void add_option(struct str *out, const struct option_row *row)
{
	auto_str facts = STR_INIT, line = STR_INIT;

	str_addf(out, "  --%s%s%s\n", row->flag, row->metavar ? " " : "", row->metavar ? row->metavar : "");
	help_wrap(out, 6, row->help);
	help_facts(&facts, row);
	if (!facts.len)
		return;
	str_addf(&line, "[%s]", str_cstr(&facts));
	help_wrap(out, 6, str_cstr(&line));
}

static void add_options(struct str *out, const struct verb *v)
{
	for (int group = 0; group < GROUP_COUNT; group++) {
		bool titled = false;

		for (size_t i = 0; i < option_row_count; i++) {
			const struct option_row *row = &option_rows[i];

			if ((int)row->group != group || !(row->verbs & v->syntax.bit))
				continue;
			if (!titled)
				str_addf(out, "\n%s:\n", option_group_text[group]);
			titled = true;
			add_option(out, row);
		}
	}
}

static int print(const struct str *text)
{
	fwrite(str_cstr(text), 1, text->len, stdout);
	return cli_flush();
}

int help_verb(const struct verb *v)
{
	auto_str out = STR_INIT, summary = STR_INIT;
	bool values = v->syntax.reads_values;

	str_addf(&out, "Usage: spec-runner %s%s%s%s\n\n", v->syntax.name, values ? " [OPTIONS]" : "",
		 *v->operands ? " " : "", v->operands);
	str_addf(&summary, "%c%s.", v->summary[0] - 'a' + 'A', v->summary + 1);
	help_wrap(&out, 0, str_cstr(&summary));
	if (v->details) {
		str_addc(&out, '\n');
		help_wrap(&out, 0, v->details);
	}
	add_options(&out, v);
	if (values) {
		str_addc(&out, '\n');
		help_wrap(&out, 0,
			  "In brackets: the environment variable and the key of spec-runner.yaml for the same "
			  "value. Flags override the environment, which overrides the file.");
	}
	return print(&out);
}

int help_all(void)
{
	auto_str out = STR_INIT;

	str_add(&out, "Usage: spec-runner [OPTIONS] VERB [OPTIONS] [ARGS]\n\n");
	help_wrap(&out, 0, "Runs a command, watches it, ends its whole process tree if it hangs, and says why. The "
			   "trace of the run records what happened, with every secret removed.");
	str_add(&out, "\nVerbs:\n");
	for (size_t i = 0; i < verb_count; i++)
		if (verb_is_available(&verbs[i]))
			str_addf(&out, "  %-16s %s%s%s%s\n", verbs[i].syntax.name, verbs[i].summary,
				 verbs[i].alias ? " (short: " : "", verbs[i].alias ? verbs[i].alias : "",
				 verbs[i].alias ? ")" : "");
	str_add(&out, "\nExamples:\n"
		      "  spec-runner run -- make check\n"
		      "  spec-runner run --timeout-ms 600000 --profile-level detailed -- ./tests.sh\n"
		      "  spec-runner --liveness-level strict run -- python3 -m pytest -v\n\n");
	help_wrap(&out, 0, "'spec-runner help VERB' lists the options of a verb. Exit status: that of the "
			   "command; 124 if a limit ended it, 125 if spec-runner itself failed, 126 and "
			   "127 if the command cannot be run or is not found, 2 for a usage error.");
	return print(&out);
}

int help_man(void)
{
	auto_str out = STR_INIT;

	man_page(&out);
	return print(&out);
}

static int help_collectors(void)
{
	for (const struct collector_row *r = collector_rows; r->name; r++)
		printf("%-9s %-7s needs %-15s %s\n", r->name, r->category, r->needs, r->help);
	return cli_flush();
}

int cmd_help(struct cli *cli)
{
	const char *word = cli->operand_count ? cli->operands[0] : NULL;
	const struct verb *v = word ? verb_find(word) : NULL;
	char quoted[VALUE_QUOTE_SIZE], hint[NEAREST_HINT_SIZE];
	struct err e = { 0 };
	struct nearest n;

	if (cli->operand_count > 1) {
		err_set(&e, ERR_USAGE, "'help' takes one verb, not %d words", cli->operand_count);
		return cli_fail(&e);
	}
	if (cli->o.man)
		return help_man();
	if (!word)
		return help_all();
	if (v)
		return help_verb(v);
	if (strcmp(word, "collectors") == 0)
		return help_collectors();
	nearest_init(&n, word);
	for (size_t i = 0; i < verb_count; i++)
		nearest_offer(&n, verbs[i].syntax.name);
	err_set(&e, ERR_USAGE, "unknown verb %s%s; 'spec-runner help' lists them", value_quote(word, quoted),
		nearest_hint(n.best, hint));
	return cli_fail(&e);
}
