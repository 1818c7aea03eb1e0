/* SPDX-License-Identifier: Apache-2.0 */
/* setup.h - what the user configured for the optimise loop and the gateway: sections adapters, optimize, gateway and
 * explain of a YAML file, and the file of a model server. Every error is ERR_USAGE with file:line:column. */
#ifndef OPTIMIZE_SETUP_H
#define OPTIMIZE_SETUP_H

#include "base/err.h"
#include "base/str.h"
#include "base/yaml.h"
#include "optimize/step.h"

#include <stdbool.h>
#include <stdint.h>

/* The value of a variable, NULL: it is not set. */
typedef const char *setup_env(void *ctx, const char *name);

enum adapter_role { ROLE_BUILD, ROLE_TEST, ROLE_WORKLOAD, ROLE_PROFILER, ROLE_COUNT };
extern const char *const adapter_role_text[];
enum adapter_kind { ADAPTER_ABSENT, ADAPTER_COMMAND, ADAPTER_GATE, ADAPTER_SAMPLES, ADAPTER_NONE, ADAPTER_DUMMY };
extern const char *const adapter_kind_text[];

struct adapter_metric {
	char *name, *pattern, *pointer; /* of stdout: a regular expression with one group, or a place in its JSON */
	bool lower, primary, guard;
};
struct adapter_artifact { char *path, *kind; };

struct adapter {
	enum adapter_kind kind;
	struct strv argv;
	char *dir, *dialect;       /* dir: of a dummy, as written */
	int64_t timeout_ms, samples, warmup;
	struct adapter_metric *metrics;
	size_t n_metrics;
	struct adapter_artifact *artifacts;
	size_t n_artifacts;
};

enum optimize_base { BASE_BEST, BASE_BASELINE };
enum optimize_sandbox { SANDBOX_AUTO, SANDBOX_REQUIRE, SANDBOX_OFF };

struct loop_setup {
	struct optimize_limits limits;
	int goal, base, sandbox;   /* their enums */
	double alpha, min_effect;
	int64_t top, max_files, max_lines, max_bytes;
	struct strv paths, deny, env;
	bool paths_given;
};

enum gateway_route { ROUTE_CODING_FAST, ROUTE_REASONING_STRONG, ROUTE_GENERAL, ROUTE_EMBEDDINGS, ROUTE_COUNT };
extern const char *const gateway_route_text[];

struct gateway_setup {
	bool given;
	char *api_base, *api_key_env, *api_key, *proxy; /* api_key: literal, or ${NAME} already looked up */
	char *models[ROUTE_COUNT];
	struct strv internal_hosts, allow_hosts, allow_models;
	bool allow_external;
	int64_t timeout_ms, attempts, max_response_bytes, max_tokens;
	bool strict_hosts;         /* explain: loopback alone is internal, allow_hosts hold host:port */
};

struct setup {
	struct adapter adapter[ROLE_COUNT];
	struct loop_setup loop;
	struct gateway_setup gateway, explain;
	bool has_adapters;
	struct strv redact_env, redact_patterns;
	bool hide_hosts;           /* redact.hosts: internal host names, too */
	struct strv files;         /* that were read, as given */
};

void setup_init(struct setup *s);
void setup_release(struct setup *s);

/* Reads a file into s; what it says comes on top of what is there. getenv_: for ${NAME}. only_ours: any section that is
 * not of this wing is passed over (spec-runner.yaml), else it is an error. */
int setup_read(struct setup *s, const char *path, bool only_ours, setup_env *env, void *ctx, struct err *e);
/* Which adapters must be there, and what must be said of them. dry_run: none may run a command. */
int setup_check(const struct setup *s, bool dry_run, struct err *e);

/* The primary metric of the workload; NULL where the adapter names none. */
const struct adapter_metric *adapter_primary(const struct adapter *a);

/* setup_gateway.c: the sections gateway and explain, and a model server's file. */
int setup_read_gateway(struct gateway_setup *g, const struct yaml_node *map, setup_env *env, void *ctx, struct err *e);
int setup_read_explain(struct gateway_setup *g, const struct yaml_node *map, struct err *e);
int setup_read_server(struct gateway_setup *g, const struct yaml_node *root, setup_env *env, void *ctx, struct err *e);
void gateway_setup_init(struct gateway_setup *g);
void gateway_setup_release(struct gateway_setup *g);

#endif
