/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_completion.c - completion scripts from the tables of verbs and options. */
#include "base/mem.h"
#include "base/nearest.h"
#include "base/value.h"
#include "findings/report.h"
#include "findings/report/results.h"
#include "liveness/dialect.h"
#include "runner/cli/cli.h"
#include "runner/cli/verbs.h"

#include <stdio.h>
#include <string.h>

static const char *const signals[] = { "TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "ABRT", "KILL", NULL };
static const char *const shells[] = { "bash", "zsh", "fish", NULL };

static bool is_shown(const struct option_row *row)
{
	return verb_any_takes(row);
}

/* A flag that two verbs share is listed once. */
static bool is_first(size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(option_rows[i].flag, option_rows[at].flag) == 0 && is_shown(&option_rows[i]))
			return false;
	return is_shown(&option_rows[at]);
}

/* The values that an option takes, where they are words; for a flag that verbs share, those of all of them. */
static void option_words(const struct option_row *row, struct strv *words)
{
	struct dialect_set *set;
	struct err none;

	for (size_t i = 0; i < option_row_count; i++) {
		const char *const *word = strcmp(option_rows[i].flag, row->flag) == 0 ? option_rows[i].words : NULL;

		for (; word && *word; word++)
			if (!strv_has(words, *word))
				strv_add(words, *word);
	}
	if (strcmp(row->flag, "format") == 0) {
		for (const struct report_ops *f = report_formats; f->name; f++)
			strv_add(words, f->name);
		for (const struct results_format *f = results_formats; f->name; f++)
			if (!strv_has(words, f->name))
				strv_add(words, f->name);
	}
	if (strcmp(row->flag, "dialect") == 0 && dialect_set_new(&set, &none) == 0) {
		strv_add(words, "auto");
		strv_add(words, "none");
		dialect_set_names(set, words);
		dialect_set_free(set);
	}
	if (row->type == OPTION_SIGNAL)
		for (const char *const *s = signals; *s; s++)
			strv_add(words, *s);
	if (row->type == OPTION_TIME)
		strv_add(words, "auto");
}

/* Appends them, separated by blanks; false: there are none. */
static bool add_option_words(struct str *out, const struct option_row *row)
{
	struct strv words = STRV_INIT;
	bool any;

	option_words(row, &words);
	any = words.n > 0;
	for (size_t i = 0; i < words.n; i++)
		str_addf(out, "%s%s", i ? " " : "", words.v[i]);
	strv_release(&words);
	return any;
}

static void add_verb_names(struct str *out)
{
	bool any = false;

	for (size_t i = 0; i < verb_count; i++) {
		if (!verb_is_available(&verbs[i]))
			continue;
		str_addf(out, "%s%s", any ? " " : "", verbs[i].syntax.name);
		if (verbs[i].alias)
			str_addf(out, " %s", verbs[i].alias);
		any = true;
	}
}

static void add_flags(struct str *out, uint32_t verb)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (verb ? (option_rows[i].verbs & verb) != 0 : is_first(i))
			str_addf(out, "--%s ", option_rows[i].flag);
	str_add(out, "--help");
}

static void bash_values(struct str *out)
{
	auto_str words = STR_INIT;

	str_add(out, "\tcase $prev in\n");
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		if (!row->metavar || !is_first(i))
			continue;
		str_addf(out, "\t--%s) ", row->flag);
		words.len = 0;
		if (add_option_words(&words, row)) {
			str_addf(out, "COMPREPLY=($(compgen -W '%s' -- \"$cur\"))", str_cstr(&words));
		} else if (row->type == OPTION_PATH) {
			str_add(out, "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))");
		} else {
			str_add(out, "COMPREPLY=()");
		}
		str_add(out, "; return ;;\n");
	}
	str_add(out, "\tesac\n");
}

static void bash_script(struct str *out)
{
	auto_str with_value = STR_INIT;

	for (size_t i = 0; i < option_row_count; i++)
		if (option_rows[i].metavar && is_first(i))
			str_addf(&with_value, "%s--%s", with_value.len ? "|" : "", option_rows[i].flag);
	str_add(out, "# bash completion of spec-runner\n"
		     "_spec_runner() {\n"
		     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= i w flags\n"
		     "\tif [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then "
		     "prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
		     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		     "\t\tw=${COMP_WORDS[i]}\n"
		     "\t\tcase $w in\n");
	str_addf(out, "\t\t%s) [[ ${COMP_WORDS[i+1]} == = ]] && ((i++)); ((i++)) ;;\n", str_cstr(&with_value));
	str_add(out, "\t\t--) [[ $verb == run ]] && { _command_offset $((i + 1)); return; } ;;\n"
		     "\t\t-*|=) ;;\n"
		     "\t\t*) if [[ -z $verb ]]; then verb=$w\n"
		     "\t\t   elif [[ $verb == run ]]; then _command_offset $i; return; fi ;;\n"
		     "\t\tesac\n"
		     "\tdone\n");
	bash_values(out);
	str_add(out, "\tcase $verb in\n\t'') if [[ $cur != -* ]]; then COMPREPLY=($(compgen -W '");
	add_verb_names(out);
	str_add(out, "' -- \"$cur\")); return; fi\n\t\tflags='");
	add_flags(out, 0);
	str_add(out, " --version' ;;\n");
	for (size_t i = 0; i < verb_count; i++) {
		if (!verb_is_available(&verbs[i]))
			continue;
		str_addf(out, "\t%s%s%s) flags='", verbs[i].syntax.name, verbs[i].alias ? "|" : "",
			 verbs[i].alias ? verbs[i].alias : "");
		add_flags(out, verbs[i].syntax.bit);
		str_add(out, "' ;;\n");
	}
	str_add(out, "\tesac\n"
		     "\tif [[ $cur == -* ]]; then COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\")); return; fi\n"
		     "\tcase $verb in\n"
		     "\trun) COMPREPLY=($(compgen -c -- \"$cur\")) ;;\n\thelp) COMPREPLY=($(compgen -W '");
	add_verb_names(out);
	str_add(out, "' -- \"$cur\")) ;;\n"
		     "\tcompletion) COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$cur\")) ;;\n"
		     "\t*) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
		     "\tesac\n"
		     "}\n"
		     "complete -F _spec_runner spec-runner\n");
}

/* Help text inside '…[…]' of zsh's _arguments. */
static void zsh_text(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			str_add(out, "'\\''");
		else if (strchr("[]:\\", *text))
			str_addf(out, "\\%c", *text);
		else
			str_addc(out, *text);
	}
}

static void zsh_option(struct str *out, const struct option_row *row)
{
	auto_str words = STR_INIT;

	str_addf(out, "\t\t'%s--%s%s[", row->type == OPTION_LIST ? "*" : "", row->flag, row->metavar ? "=" : "");
	zsh_text(out, row->help);
	str_addc(out, ']');
	if (row->metavar) {
		str_addf(out, ":%s:", row->metavar);
		if (add_option_words(&words, row)) {
			str_addf(out, "(%s)", str_cstr(&words));
		} else if (row->type == OPTION_PATH) {
			str_add(out, "_files");
		}
	}
	str_add(out, "' \\\n");
}

static void zsh_script(struct str *out)
{
	str_add(out, "#compdef spec-runner\n"
		     "_spec_runner() {\n"
		     "\tlocal context state line\n"
		     "\tlocal -a verbs\n"
		     "\ttypeset -A opt_args\n"
		     "\tverbs=(\n");
	for (size_t i = 0; i < verb_count; i++) {
		if (!verb_is_available(&verbs[i]))
			continue;
		str_addf(out, "\t\t'%s:", verbs[i].syntax.name);
		zsh_text(out, verbs[i].summary);
		str_add(out, "'\n");
	}
	str_add(out, "\t)\n\t_arguments -S -C \\\n");
	for (size_t i = 0; i < option_row_count; i++)
		if (is_first(i))
			zsh_option(out, &option_rows[i]);
	str_add(out, "\t\t'(- *)--help[how to use it]' '(- *)--version[the version]' \\\n"
		     "\t\t'1:verb:->verb' '*::word:->word'\n"
		     "\tcase $state in\n"
		     "\tverb) _describe verb verbs ;;\n"
		     "\tword)\n"
		     "\t\tcase $line[1] in\n"
		     "\t\trun) _normal ;;\n"
		     "\t\thelp) _describe verb verbs ;;\n"
		     "\t\tcompletion) _values shell bash zsh fish ;;\n"
		     "\t\t*) _files ;;\n"
		     "\t\tesac ;;\n"
		     "\tesac\n"
		     "}\n"
		     "_spec_runner \"$@\"\n");
}

/* Text inside '…' of fish. */
static void fish_text(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			str_addc(out, '\\');
		str_addc(out, *text);
	}
}

static void fish_option(struct str *out, const struct option_row *row)
{
	auto_str words = STR_INIT;

	str_addf(out, "complete -c spec-runner -l %s ", row->flag);
	if (row->metavar)
		str_add(out, row->type == OPTION_PATH ? "-r -F " : "-x ");
	if (add_option_words(&words, row))
		str_addf(out, "-a '%s' ", str_cstr(&words));
	str_add(out, "-d '");
	fish_text(out, row->help);
	str_add(out, "'\n");
}

static void fish_script(struct str *out)
{
	auto_str names = STR_INIT;

	add_verb_names(&names);
	str_addf(out, "# fish completion of spec-runner\nset -l verbs %s\n", str_cstr(&names));
	for (size_t i = 0; i < verb_count; i++) {
		if (!verb_is_available(&verbs[i]))
			continue;
		str_addf(out,
			 "complete -c spec-runner -f -n \"not __fish_seen_subcommand_from $verbs\" -a %s -d '",
			 verbs[i].syntax.name);
		fish_text(out, verbs[i].summary);
		str_add(out, "'\n");
	}
	for (size_t i = 0; i < option_row_count; i++)
		if (is_first(i))
			fish_option(out, &option_rows[i]);
	str_add(out, "complete -c spec-runner -l help -d 'how to use it'\n"
		     "complete -c spec-runner -l version -d 'the version'\n"
		     "complete -c spec-runner -n '__fish_seen_subcommand_from run' -x -a "
		     "'(__fish_complete_subcommand --commandline)'\n"
		     "complete -c spec-runner -n '__fish_seen_subcommand_from help' -f -a \"$verbs\"\n"
		     "complete -c spec-runner -n '__fish_seen_subcommand_from completion' "
		     "-f -a 'bash zsh fish'\n");
}

int cmd_completion(struct cli *cli)
{
	static void (*const scripts[])(struct str *) = { bash_script, zsh_script, fish_script };
	const char *word = cli->operand_count == 1 ? cli->operands[0] : NULL;
	int shell = word ? value_word(word, shells) : -1;
	char quoted[VALUE_QUOTE_SIZE];
	auto_str out = STR_INIT;
	struct err e = { 0 };

	if (shell < 0) {
		err_set(&e, ERR_USAGE, "'completion' takes one shell, bash, zsh or fish%s%s", word ? ", not " : "",
			word ? value_quote(word, quoted) : "");
		return cli_fail(&e);
	}
	scripts[shell](&out);
	fwrite(str_cstr(&out), 1, out.len, stdout);
	return cli_flush();
}
