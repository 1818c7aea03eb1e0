/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner doctor [--json]: what can be seen and done on this machine, and how to allow the rest. Exit 0. */
#include "base/json_write.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/doctor/doctor.h"

#include <stdio.h>
#include <unistd.h>

static void print_json(const struct doctor_answer *answers)
{
	auto_str text = STR_INIT;
	struct json j;

	json_init(&j, &text);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "spec_runner", SPEC_RUNNER_VERSION);
	json_int(&j, "uid", getuid());
	json_array(&j, "checks");
	for (size_t i = 0; i < doctor_check_count; i++) {
		json_line(&j);
		json_object(&j, NULL);
		json_str(&j, "name", doctor_checks[i].name);
		json_str(&j, "status", doctor_status_text[answers[i].status]);
		json_str(&j, "purpose", doctor_checks[i].purpose);
		json_str(&j, "detail", str_cstr(&answers[i].detail));
		json_str(&j, "how_to_allow", answers[i].how.len ? str_cstr(&answers[i].how) : NULL);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	puts(str_cstr(&text));
}

static void print_text(const struct doctor_answer *answers)
{
	size_t less = 0;

	for (size_t i = 0; i < doctor_check_count; i++) {
		const struct doctor_answer *a = &answers[i];

		printf("%-8s %-10s %s\n", doctor_status_text[a->status], doctor_checks[i].name, str_cstr(&a->detail));
		if (a->status == DOCTOR_OK && !a->how.len)
			continue;
		if (a->status != DOCTOR_OK)
			printf("%-19s needed for: %s\n", "", doctor_checks[i].purpose);
		if (a->how.len)
			printf("%-19s to allow: %s\n", "", str_cstr(&a->how));
		less += a->status != DOCTOR_OK;
	}
	if (less)
		printf("%zu of %zu checks are limited or missing; spec-runner works without them as said\n", less,
		       doctor_check_count);
	else
		puts("everything works here");
}

static int body(struct cli *cli)
{
	struct doctor_answer answers[64] = { 0 };
	struct err e = { 0 };
	int code;

	BUG_ON(doctor_check_count > sizeof(answers) / sizeof(answers[0]));
	if (cli->operand_count) {
		err_set(&e, ERR_USAGE, "doctor takes no arguments, not '%s'", cli->operands[0]);
		return cli_fail(&e);
	}
	for (size_t i = 0; i < doctor_check_count; i++)
		doctor_checks[i].run(&answers[i]);
	if (cli->o.json)
		print_json(answers);
	else
		print_text(answers);
	code = cli_flush();
	for (size_t i = 0; i < doctor_check_count; i++) {
		str_release(&answers[i].detail);
		str_release(&answers[i].how);
	}
	return code;
}

int main(int argc, char **argv)
{
	return program_main("doctor", argc, argv, body);
}
