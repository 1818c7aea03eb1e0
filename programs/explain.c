/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner explain [--run-id ID|TRACE]: findings in words, by a model, out of their evidence alone. Never on by itself:
 * the section 'explain' of spec-runner.yaml, or --explain-base and --explain-model. What the evidence that a
 * sentence cites does not support is not kept (optimize/explain.h).
 *
 * Writes explanation.json and explanation.md beside the findings, what was asked and answered to raw/RUN_ID/, and a section
 * into report.html where there is one. Exit 0, also where no model answered; 2 usage or policy; 125 own failure. */
#include "base/clock.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/plain.h"
#include "base/path.h"
#include "optimize/agents.h"
#include "optimize/answer.h"
#include "optimize/explain.h"
#include "optimize/policy.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/config/libexec.h"
#include "runner/optimize/files.h"
#include "runner/optimize/gateway_call.h"
#include "trace/redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FINDINGS_MAX ((size_t)16 << 20)
#define ATTEMPTS 2

enum explain_status { EXPLAINED, PARTIAL, REJECTED, UNAVAILABLE };
static const char *const status_text[] = { "ok", "partial", "rejected", "unavailable" };

struct job {
	struct cli *cli;
	struct setup s;
	struct redactor *redactor;
	char *dir, *findings_path, *text, *run_id, *key;
	size_t text_len;
	struct json_reader *in;
	const struct json_value *findings;
	struct str body, answer;
	struct explanation x;
	enum explain_status status;
};

/* ---- what is explained ---- */

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? xstrndup(path, (size_t)(slash - path) + (slash == path)) : xstrdup(".");
}

static int find_folder(struct job *j, struct err *e)
{
	struct cli *cli = j->cli;
	auto_free char *artifacts = path_resolve(cli->root, cli->o.artifacts_dir), *trace = NULL;
	const char *id = cli->o.history.run_id;

	if (cli->operand_count > 1 || (id && cli->operand_count))
		return err_set(e, ERR_USAGE, "explain takes one trace, or --run-id RUN_ID");
	if (id && (strchr(id, '/') || id[0] == '.'))
		return err_set(e, ERR_USAGE, "--run-id: '%.60s' is not a run_id", id);
	if (id) {
		j->dir = xasprintf("%s/runs/%s", artifacts, id);
	} else {
		trace = cli->operand_count ? path_resolve(cli->root, cli->operands[0]) : program_newest_trace(cli);
		j->dir = folder_of(trace);
	}
	j->findings_path = path_join(j->dir, "findings.json");
	if (access(j->findings_path, R_OK) < 0 && id) { /* the newest run's are at the top */
		free(j->findings_path);
		free(j->dir);
		j->dir = xstrdup(artifacts);
		j->findings_path = path_join(artifacts, "findings.json");
	}
	return 0;
}

static int read_findings(struct job *j, struct err *e)
{
	const char *id = j->cli->o.history.run_id, *run;

	if (find_folder(j, e) < 0)
		return -1;
	if (file_read(j->findings_path, FINDINGS_MAX, &j->text, &j->text_len, e) < 0)
		return e->kind = ERR_USAGE, err_add(e, "explain: no findings");
	j->in = json_reader_text(j->text, j->text_len, j->findings_path);
	if (json_take(j->in, &j->findings, e) < 0)
		return e->kind = ERR_USAGE, -1;
	run = json_get_text(j->findings, "run_id");
	if (!run || strchr(run, '/') || run[0] == '.' || !json_get(j->findings, "findings"))
		return err_set(e, ERR_USAGE, "'%s' is not a findings.json", j->findings_path);
	if (id && strcmp(id, run) != 0)
		return err_set(e, ERR_USAGE, "--run-id: there are no findings of '%.60s'", id);
	j->run_id = xstrdup(run);
	return 0;
}

/* ---- whom to ask ---- */

static void take(char **to, const char *v)
{
	if (!v)
		return;
	free(*to);
	*to = xstrdup(v);
}

static int configure(struct job *j, struct err *e)
{
	struct cli *cli = j->cli;
	struct gateway_setup *g = &j->s.explain;
	struct gateway_url u;
	struct loop_env env;
	struct policy p;
	const char *key;

	if (loop_setup_read(&j->s, &cli->o, cli->root, cli->config.path, cli->envp, e) < 0)
		return -1;
	take(&g->api_base, cli->o.optimize.explain_base);
	take(&g->models[ROUTE_GENERAL], cli->o.optimize.explain_model);
	g->strict_hosts = true;
	if (!g->api_base || !g->models[ROUTE_GENERAL])
		return err_set(e, ERR_USAGE,
			"explain asks a model only where one is configured: 'explain: {api_base: URL, model: "
			       "NAME}' in spec-runner.yaml, or --explain-base URL --explain-model NAME");
	if (gateway_url_parse(g->api_base, &u, e) < 0)
		return -1;
	p = policy_judge(g, &u, g->models[ROUTE_GENERAL]);
	if (!p.allowed)
		return err_set(e, ERR_USAGE, "explain: '%s:%d' is blocked: %s (%s)", u.host, u.port, p.rule, p.key);
	if (loop_env_open(&env, &cli->o, cli->root, cli->envp, e) < 0)
		return -1;
	key = g->api_key_env ? loop_env_get(&env, g->api_key_env) : NULL;
	j->key = key ? xstrdup(key) : NULL;
	loop_env_release(&env);
	return redactor_new(&j->redactor, cli->envp, &cli->o.redact_env, &cli->o.redact_patterns, e);
}

/* ---- asking ---- */

static int make_body(struct job *j, struct err *e)
{
	struct agents *a = agents_new(e);

	if (!a)
		return -1;
	request_body(j->redactor, NULL, agents_find(a, "explain"), j->s.explain.models[ROUTE_GENERAL], j->text, j->text_len,
		     j->s.explain.max_tokens, &j->body);
	agents_free(a);
	return 0;
}

/* The gateway's process sees nothing of our environment but where libraries are. */
static void small_env(char *const envp[], struct strv *out)
{
	for (; *envp; envp++)
		if (str_starts(*envp, "PATH=") || str_starts(*envp, "LANG=") || str_starts(*envp, "SSL_CERT_"))
			strv_add(out, *envp);
	strv_add(out, "LC_ALL=C");
}

/* One request. 1: an answer that can be judged; 0: another one; -1 nobody answered. */
static int ask_once(struct job *j, const char *gateway, char *const envp[], struct err *e)
{
	struct call c = { .g = &j->s.explain, .endpoint = "/chat/completions", .model = j->s.explain.models[ROUTE_GENERAL],
			  .key = j->key, .body = str_cstr(&j->body), .body_len = j->body.len };
	struct call_reply r = { .outcome = CALL_RESET };
	struct completion said;
	int rc = gateway_call(gateway, envp, &c, &r, e);

	if (rc < 0)
		return -1;
	if (r.outcome != CALL_HTTP || r.http != 200) {
		cli_note("explain: no answer: %s (HTTP %lld)", r.error[0] ? r.error : call_outcome_text[r.outcome],
			 (long long)r.http);
		call_reply_release(&r);
		return -1;
	}
	str_reset(&j->answer);
	if (completion_read(&said, str_cstr(&r.body), r.body.len))
		redact_text(j->redactor, str_cstr(&said.text), said.text.len, &j->answer);
	else
		redact_text(j->redactor, str_cstr(&r.body), r.body.len, &j->answer);
	completion_release(&said);
	call_reply_release(&r);
	explain_release(&j->x);
	return explain_judge(&j->x, str_cstr(&j->answer), j->answer.len, j->findings);
}

static int write_raw(struct job *j, const char *name, const struct str *text, struct err *e)
{
	auto_free char *artifacts = path_resolve(j->cli->root, j->cli->o.artifacts_dir);
	auto_free char *path = xasprintf("%s/raw/%s/explain-%s.json", artifacts, j->run_id, name);

	return file_write(path, str_cstr(text), text->len, e);
}

static int write_request(struct job *j, struct err *e)
{
	auto_str out = STR_INIT;
	struct json w;

	json_init(&w, &out);
	json_object(&w, NULL);
	json_str(&w, "method", "POST");
	json_str(&w, "api_base", j->s.explain.api_base);
	json_str(&w, "endpoint", "/chat/completions");
	json_str(&w, "model", j->s.explain.models[ROUTE_GENERAL]);
	json_int(&w, "timeout_ms", j->s.explain.timeout_ms);
	json_uint(&w, "body_bytes", j->body.len);
	json_object_end(&w);
	json_finish(&w);
	str_addc(&out, '\n');
	return write_raw(j, "request", &out, e);
}

static int ask(struct job *j, struct err *e)
{
	auto_free char *gateway = libexec_find("gateway");
	struct strv env = STRV_INIT;
	int rc = 0;

	if (!gateway)
		return err_set(e, ERR_USAGE, "explain needs the gateway, which is not part of this build (libcurl)");
	if (make_body(j, e) < 0 || write_raw(j, "prompt", &j->body, e) < 0 || write_request(j, e) < 0)
		return -1;
	small_env(j->cli->envp, &env);
	for (int i = 0; i < ATTEMPTS && rc == 0; i++)
		rc = ask_once(j, gateway, env.v, e);
	strv_release(&env);
	if (rc < 0 && e->kind)
		return -1;
	j->status = rc < 0 ? UNAVAILABLE : rc == 0 || !j->x.kept ? REJECTED : j->x.kept == j->x.n ? EXPLAINED : PARTIAL;
	return rc < 0 ? 0 : write_raw(j, "response", &j->answer, e);
}

/* ---- what is written ---- */

static void put_json(const struct job *j, struct str *out)
{
	struct json w;

	json_init(&w, out);
	json_object(&w, NULL);
	json_int(&w, "version", 1);
	json_str(&w, "run_id", j->run_id);
	json_str(&w, "model", j->s.explain.models[ROUTE_GENERAL]);
	json_str(&w, "status", status_text[j->status]);
	json_array(&w, "sentences");
	for (size_t i = 0; i < j->x.n; i++) {
		const struct explained *s = &j->x.v[i];

		if (s->reason)
			continue;
		json_object(&w, NULL);
		json_str(&w, "text", s->text);
		json_array(&w, "evidence");
		for (size_t k = 0; k < s->evidence.n; k++)
			json_str(&w, NULL, s->evidence.v[k]);
		json_array_end(&w);
		json_object_end(&w);
	}
	json_array_end(&w);
	json_array(&w, "rejected");
	for (size_t i = 0; i < j->x.n; i++)
		if (j->x.v[i].reason) {
			json_object(&w, NULL);
			json_str(&w, "text", j->x.v[i].text);
			json_str(&w, "reason", j->x.v[i].reason);
			json_object_end(&w);
		}
	if (j->status == REJECTED && !j->x.n) {
		json_object(&w, NULL);
		json_strn(&w, "text", str_cstr(&j->answer), j->answer.len < 2000 ? j->answer.len : 2000);
		json_str(&w, "reason", "format");
		json_object_end(&w);
	}
	json_array_end(&w);
	json_object_end(&w);
	json_finish(&w);
	str_addc(out, '\n');
}

static void put_markdown(const struct job *j, struct str *out)
{
	str_addf(out, "# Explanation by %s, not evidence\n\n", j->s.explain.models[ROUTE_GENERAL]);
	for (size_t i = 0; i < j->x.n; i++) {
		const struct explained *s = &j->x.v[i];

		if (s->reason)
			continue;
		str_addf(out, "- %s (", s->text);
		for (size_t k = 0; k < s->evidence.n; k++)
			str_addf(out, "%s`%s`", k ? ", " : "", s->evidence.v[k]);
		str_add(out, ")\n");
	}
	if (!j->x.kept)
		str_addf(out, "No sentence was kept: %s.\n", status_text[j->status]);
}

#define HTML_BEGIN "<section id=\"explanation\">"
#define HTML_END "</section><!-- explanation -->"

/* A section before the end of the page, in place of an earlier one. */
static int add_to_page(const struct job *j, struct err *e)
{
	auto_free char *path = path_join(j->dir, "report.html"), *text = NULL;
	struct err ignored = { 0 };
	const char *old, *old_end, *end;
	auto_str out = STR_INIT;
	size_t n;

	if (!j->x.kept || file_read(path, (size_t)256 << 20, &text, &n, &ignored) < 0 || !(end = strstr(text, "</body>")))
		return 0;
	old = strstr(text, HTML_BEGIN);
	old_end = old ? strstr(old, HTML_END) : NULL;
	str_addn(&out, text, (size_t)((old_end ? old : end) - text));
	str_add(&out, HTML_BEGIN "<h2>Explanation by ");
	plain_html(&out, j->s.explain.models[ROUTE_GENERAL]);
	str_add(&out, ", not evidence</h2><ul>");
	for (size_t i = 0; i < j->x.n; i++)
		if (!j->x.v[i].reason) {
			str_add(&out, "<li>");
			plain_html(&out, j->x.v[i].text);
			str_add(&out, "</li>");
		}
	str_add(&out, "</ul>" HTML_END);
	str_add(&out, old_end ? old_end + strlen(HTML_END) : end);
	return file_write(path, str_cstr(&out), out.len, e);
}

static int write_all(struct job *j, struct err *e)
{
	auto_free char *artifacts = path_resolve(j->cli->root, j->cli->o.artifacts_dir);
	auto_free char *json = path_join(artifacts, "explanation.json"), *md = path_join(artifacts, "explanation.md");
	auto_str text = STR_INIT, words = STR_INIT;

	put_json(j, &text);
	put_markdown(j, &words);
	if (file_write(json, str_cstr(&text), text.len, e) < 0 || file_write(md, str_cstr(&words), words.len, e) < 0 ||
	    add_to_page(j, e) < 0)
		return -1;
	fputs(j->cli->o.json ? str_cstr(&text) : str_cstr(&words), stdout);
	return 0;
}

static int explain_body(struct cli *cli)
{
	static struct job j;
	struct err e = { 0 };
	int rc;

	j.cli = cli;
	rc = configure(&j, &e);
	if (rc == 0)
		rc = read_findings(&j, &e);
	if (rc == 0)
		rc = ask(&j, &e);
	if (rc == 0)
		rc = write_all(&j, &e);
	json_reader_free(j.in);
	redactor_free(j.redactor);
	setup_release(&j.s);
	explain_release(&j.x);
	return rc < 0 ? cli_fail(&e) : cli_flush();
}

int main(int argc, char **argv)
{
	return program_main("explain", argc, argv, explain_body);
}
