/* SPDX-License-Identifier: Apache-2.0 */
/* clean.c - the reports of a run in which nothing was found, without a child process: a passing
 * command would feel its start. */
#include "findings/report.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/utf8.h"
#include "evidence/words.h"

#include <string.h>

static int write_one(const char *dir, const char *name, const struct str *text, struct err *e)
{
	auto_free char *path = path_join(dir, name);

	return file_write(path, str_cstr(text), text->len, e);
}

/* The head takes the way that the trace's own values take in gather_trace.c, redactor included. */
static int clean_head(struct facts *f, struct report_head *h, const char *run_id, const char *command,
		      char *const *argv, const char *status, int exit_code, struct err *e)
{
	auto_str args = STR_INIT;
	struct fact_row *run;

	if (facts_init(f, e) < 0)
		return -1;
	for (size_t i = 0; argv && argv[i]; i++) {
		auto_str word = STR_INIT;

		utf8_add_clean(&word, argv[i], strlen(argv[i]));
		words_add(&args, str_cstr(&word));
	}
	run = fact_add(f, FACT_RUN, "", "");
	fact_set_text(f, run, FC_RUN_run_id, run_id);
	fact_set_text(f, run, FC_RUN_command, command);
	fact_set_text(f, run, FC_RUN_args, str_cstr(&args));
	fact_set_text(f, run, FC_RUN_status, status);
	fact_set_int(run, FC_RUN_exit_code, exit_code);
	report_head_read(h, f);
	return 0;
}

int findings_write_clean(const char *dir, const char *run_id, const char *command, char *const *argv,
			 const char *status, int exit_code, const char *note, struct err *e)
{
	struct findings none = { 0 };
	struct report r = { .findings = &none };
	auto_free char *numbers = NULL;
	auto_str out = STR_INIT;
	struct facts f;
	int rc = -1;

	if (clean_head(&f, &r.head, run_id, command, argv, status, exit_code, e) < 0)
		return -1;
	report_json(&r, &out);
	numbers = report_numbers_read(dir);
	r.numbers = numbers;
	if (write_one(dir, "findings.json", &out, e) == 0) {
		str_reset(&out);
		report_markdown(&r, &out);
		if (note) {
			str_add(&out, "\nNothing was looked for: ");
			report_add_text(&out, note);
			str_add(&out, ". `spec-runner report` makes up for it.\n");
		}
		rc = write_one(dir, "report.md", &out, e);
	}
	facts_release(&f);
	return rc;
}
