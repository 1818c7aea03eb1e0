/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cli/cli.h"

#include <pcre2.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

/* cli is not needed: `--version` alone comes here, too. */
int cmd_version(struct cli *cli)
{
	char pcre2[64] = "";
	struct err e = { 0 };

	if (cli && cli->operand_count) {
		err_set(&e, ERR_USAGE, "'version' takes no words");
		return cli_fail(&e);
	}
	pcre2_config(PCRE2_CONFIG_VERSION, pcre2);
	pcre2[strcspn(pcre2, " ")] = '\0';
	printf("spec-runner %s\n", SPEC_RUNNER_VERSION);
	printf("libyaml %s, pcre2 %s, libsodium %s\n", yaml_get_version_string(), pcre2, sodium_version_string());
	return cli_flush();
}
