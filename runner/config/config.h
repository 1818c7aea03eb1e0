/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - spec-runner.yaml (contract 2 and 8): values of options, and the steps of
 * the gate. Every error names file:line:column and what is accepted. */
#ifndef RUNNER_CONFIG_CONFIG_H
#define RUNNER_CONFIG_CONFIG_H

#include "base/err.h"
#include "runner/config/options.h"
#include "base/str.h"

#include "base/yaml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_FILE_NAME "spec-runner.yaml"
#define CONFIG_FILE_NAME_OTHER "spec-runner.yml"
#define CONFIG_MAX_BYTES (1024 * 1024)

enum gate_kind { GATE_COMMAND, GATE_TEST, GATE_GOVERNANCE, GATE_KIND_COUNT };
extern const char *const gate_kind_text[]; /* command test governance NULL */

struct gate_step {
	char *name;                        /* unique in the gate */
	enum gate_kind kind;
	struct strv argv;                  /* command: at least one word */
	struct strv paths;                 /* test, governance: empty means the verb's default */
	struct strv check_prefix, exclude_check_prefix; /* governance */
	struct strv env;                   /* command: "NAME=value", on top of ours */
	char *cwd;                         /* command: as written (relative: from the root), or NULL */
	struct strv needs;                 /* steps that must have passed */
	int64_t timeout_ms;                /* 0 none */
	unsigned line, column;             /* of the step in config.path */
};

struct config {
	char *path;                        /* the file that was read, or NULL if there is none */
	bool has_gate;
	bool takes_server;                 /* set before reading: the file may be that of a model server (optimize,
		gateway) */
	struct gate_step *steps;
	size_t step_count;
	struct audit_action *actions;      /* audit.actions */
	size_t action_count;
};

/* config_audit.c: audit.actions, a list. */
int config_read_actions(struct config *c, const struct yaml_node *list, struct err *e);
void config_release_actions(struct config *c);

void config_init(struct config *c);
void config_release(struct config *c);

/* Reads the file at path; its option values go to o wherever o's source of that option
 * is lower than a file (options.h), its gate to c. A missing file is an error only where
 * `required`. ERR_USAGE for whatever the user wrote wrongly, an unreadable file included. */
int config_read(struct config *c, struct options *o, const char *path, bool required, struct err *e);

#endif
