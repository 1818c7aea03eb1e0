/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/optimize/ask.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "optimize/answer.h"
#include "optimize/policy.h"
#include "runner/optimize/child.h"
#include "runner/optimize/gateway_call.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ERROR_MAX ((size_t)65536) /* of an answer that is no use, so much is kept */

/* ---- policy ---- */

void ask_hosts(const struct setup *s, struct strv *out)
{
	struct gateway_url u;
	struct err ignored = { 0 };
	char own[256];

	if (!s->hide_hosts)
		return;
	if (s->gateway.api_base && gateway_url_parse(s->gateway.api_base, &u, &ignored) == 0 && strcmp(u.host,
		"localhost") != 0)
		strv_add(out, u.host);
	for (size_t i = 0; i < s->gateway.internal_hosts.n; i++)
		if (!strpbrk(s->gateway.internal_hosts.v[i], "*/"))
			strv_add(out, s->gateway.internal_hosts.v[i]);
	if (gethostname(own, sizeof(own)) == 0 && strlen(own) > 3 && strcmp(own, "localhost") != 0)
		strv_add(out, own);
}

bool ask_allowed(const struct loop *l, struct str *why)
{
	const struct gateway_setup *g = &l->setup.gateway;
	struct gateway_url u, via;
	struct err e = { 0 };

	if (gateway_url_parse(g->api_base, &u, &e) < 0) {
		str_addf(why, "%s (gateway.api_base)", e.msg);
		return false;
	}
	for (int i = 0; i < ROUTE_COUNT; i++) {
		struct policy p = g->models[i] ? policy_judge(g, &u, g->models[i]) : (struct policy){ .allowed = true };

		if (!p.allowed) {
			str_addf(why, "%s: %s (model %s); to allow it: %s", u.host, p.rule, g->models[i], p.key);
			return false;
		}
	}
	if (g->proxy && (gateway_url_parse(g->proxy, &via, &e) < 0 || !policy_judge(g, &via, NULL).allowed)) {
		str_addf(why, "proxy %s is not allowed (gateway.proxy)", via.host);
		return false;
	}
	return true;
}

int ask_note_blocked(struct loop *l, struct err *e)
{
	const struct gateway_setup *g = &l->setup.gateway;

	return store_run(l->s, e, "INSERT INTO agent_messages (run_id, iteration, agent_name, model_id, node, status) VALUES"
			 " (?, ?, ?, ?, ?, ?)", "titttt", l->st.run_id, l->st.iteration, "safety",
			 g->models[ROUTE_CODING_FAST], optimize_node_text[l->st.node], "blocked");
}

/* ---- one attempt ---- */

struct asking {
	struct loop *l;
	const char *agent, *model, *endpoint;
	int64_t attempt;             /* from 1 */
	char id[ARTIFACT_ID_SIZE];   /* of its prompt, and of the request */
	struct str body;
	struct call_reply reply;
	struct str text;             /* of a usable answer, redacted: the message, or the numbers of an embedding */
};

static void asking_release(struct asking *a)
{
	str_release(&a->body);
	str_release(&a->text);
	call_reply_release(&a->reply);
}

/* The same attempt of the same question has the same id, whoever asks it. */
static void make_id(struct asking *a)
{
	auto_free char *words = xasprintf("%s %" PRId64 " %d %s %" PRId64, a->l->st.run_id, a->l->st.iteration,
		a->l->st.node,
					  a->agent, a->attempt);

	uuid_of(words, strlen(words), a->id);
}

static int64_t tokens_of(int64_t said, size_t bytes)
{
	return said >= 0 ? said : (int64_t)((bytes + 3) / 4);
}

static int read_budget(struct loop *l, struct err *e)
{
	return store_one_int(l->s, &l->st.used.tokens, 0, e, "SELECT COALESCE(SUM(COALESCE(prompt_tokens, 0) +"
			     " COALESCE(output_tokens, 0)), 0) FROM agent_messages WHERE run_id = ?", "t",
			     l->st.run_id) < 0 ||
	       store_one_int(l->s, &l->st.used.requests, 0, e, "SELECT COUNT(*) FROM agent_messages WHERE run_id = ?"
			     " AND COALESCE(status, '') <> 'blocked'", "t", l->st.run_id) < 0 ? -1 : 0;
}

/* Before the first byte goes out: the exact body, and a row without a status. */
static int record_request(struct asking *a, struct err *e)
{
	struct loop *l = a->l;
	struct artifact art;
	int rc;

	if (artifact_put(store_dir(l->s), "prompt", str_cstr(&a->body), a->body.len, &art, e) < 0 || store_begin(l->s,
		e) < 0)
		return -1;
	snprintf(art.id, sizeof(art.id), "%s", a->id);
	rc = artifact_row(l->s, l->st.run_id, &art, "{}", e);
	if (rc == 0)
		rc = store_run(l->s, e,
			"INSERT INTO agent_messages (run_id, iteration, agent_name, model_id, prompt_artifact_id,"
			       " node) VALUES (?, ?, ?, ?, ?, ?)", "titttt", l->st.run_id, l->st.iteration, a->agent,
			       a->model,
			       a->id, optimize_node_text[l->st.node]);
	if (rc < 0) {
		store_rollback(l->s);
		return -1;
	}
	return store_commit(l->s, e);
}

/* Before it is used: the answer, redacted, and how it went. Not the JSON around a message: its own keys hold such words. */
static int record_reply(struct asking *a, const char *status, const struct completion *c, int64_t ms, struct err *e)
{
	struct loop *l = a->l;
	bool spent = a->reply.outcome == CALL_HTTP && a->reply.http == 200;
	struct strv hosts = STRV_INIT;
	auto_str clean = STR_INIT;
	struct artifact art;
	int rc;

	ask_hosts(&l->setup, &hosts);
	if (strcmp(a->endpoint, "/embeddings") == 0 && strcmp(status, "ok") == 0)
		str_addn(&clean, str_cstr(&a->reply.body), a->reply.body.len);
	else if (strcmp(status, "ok") == 0)
		request_clean(l->redactor, &hosts, str_cstr(&c->text), c->text.len, &clean);
	else
		request_clean(l->redactor, &hosts, str_cstr(&a->reply.body), a->reply.body.len < ERROR_MAX ?
			      a->reply.body.len : ERROR_MAX, &clean);
	strv_release(&hosts);
	if (artifact_put(store_dir(l->s), "output", str_cstr(&clean), clean.len, &art, e) < 0 || store_begin(l->s, e) < 0)
		return -1;
	uuid_of(a->id, strlen(a->id), art.id);
	rc = artifact_row(l->s, l->st.run_id, &art, "{}", e);
	if (rc == 0)
		rc = store_run(l->s, e,
			"UPDATE agent_messages SET output_artifact_id = ?, prompt_tokens = ?, output_tokens = ?,"
			       " duration_ms = ?, status = ? WHERE run_id = ? AND prompt_artifact_id = ?", "tiirttt", art.id,
			       spent ? tokens_of(c->prompt_tokens, a->body.len) : (int64_t)0,
			       spent ? tokens_of(c->output_tokens, a->reply.body.len) : (int64_t)0, (double)ms, status,
			       l->st.run_id, a->id);
	if (rc < 0) {
		store_rollback(l->s);
		return -1;
	}
	str_reset(&a->text);
	str_addn(&a->text, str_cstr(&clean), clean.len);
	return store_commit(l->s, e);
}

/* What is known of this attempt: 0 nothing; 1 it is in flight (its body is taken again); 2 it has a status. */
static int known(struct asking *a, char **status, struct err *e)
{
	struct loop *l = a->l;
	char *path = NULL, *text = NULL;
	size_t n;
	int rc = store_one_text(l->s, status, e,
				"SELECT status FROM agent_messages WHERE run_id = ? AND prompt_artifact_id = ?", "tt",
				l->st.run_id, a->id);

	if (rc <= 0)
		return rc;
	rc = store_one_text(l->s, &path, e, *status ?
		"SELECT r.path FROM artifacts r JOIN agent_messages m ON r.artifact_id ="
			    " m.output_artifact_id WHERE m.prompt_artifact_id = ?" :
			    "SELECT path FROM artifacts WHERE artifact_id = ?", "t", a->id);
	if (rc == 1 && (rc = artifact_read(store_dir(l->s), path, &text, &n, e)) == 0) {
		struct str *to = *status ? &a->text : &a->body;

		str_reset(to);
		str_addn(to, text, n);
		rc = *status ? 2 : 1;
	}
	free(path);
	free(text);
	return rc;
}

static int send_it(struct asking *a, struct err *e)
{
	struct loop *l = a->l;
	struct call c = { .g = &l->setup.gateway, .endpoint = a->endpoint, .model = a->model, .key = l->api_key,
			  .request_id = a->id, .body = str_cstr(&a->body), .body_len = a->body.len };

	return gateway_call(l->gateway, l->env.v, &c, &a->reply, e);
}

/* ---- attempts ---- */

typedef bool usable_fn(const struct call_reply *r, struct completion *c);

static bool usable_completion(const struct call_reply *r, struct completion *c)
{
	return completion_read(c, str_cstr(&r->body), r->body.len);
}

static bool usable_embedding(const struct call_reply *r, struct completion *c)
{
	float *v;
	size_t dim;
	bool good = answer_embedding(str_cstr(&r->body), r->body.len, &v, &dim);

	*c = (struct completion){ .prompt_tokens = -1, .output_tokens = 0 };
	free(v);
	return good;
}

/* One attempt: 1 answered, 0 not (again: it may be tried once more), -1. */
static int attempt(struct asking *a, usable_fn *usable, bool *again, enum ask_outcome *outcome, struct err *e)
{
	struct completion c = { .prompt_tokens = -1, .output_tokens = -1 };
	auto_free char *status = NULL;
	int64_t from = clock_mono_ns();
	char word[16];
	bool good;
	int rc;

	make_id(a);
	rc = known(a, &status, e);
	if (rc < 0)
		return -1;
	if (rc == 2) { /* before we were killed */
		*again = strcmp(status, "ok") != 0 && strcmp(status, "timeout") != 0 && strcmp(status, "too_large") != 0;
		return strcmp(status, "ok") == 0;
	}
	if (rc == 0 && record_request(a, e) < 0)
		return -1;
	if (send_it(a, e) < 0)
		return -1;
	if (child_interrupted)
		return err_set(e, ERR_FAILURE, "interrupted");
	good = usable(&a->reply, &c);
	call_reply_status(&a->reply, !good, word);
	*again = call_reply_may_retry(&a->reply, !good);
	rc = record_reply(a, word, &c, (clock_mono_ns() - from) / NS_PER_MS, e);
	completion_release(&c);
	if (rc < 0 || read_budget(a->l, e) < 0)
		return -1;
	if (a->reply.outcome == CALL_BLOCKED)
		*outcome = ASK_BLOCKED;
	if (strcmp(word, "ok") != 0)
		a->l->say("optimize: %s: attempt %" PRId64 ": %s%s%s", a->agent, a->attempt, word, a->reply.error[0] ?
			": " : "",
			  a->reply.error);
	return strcmp(word, "ok") == 0;
}

static int ask_all(struct asking *a, usable_fn *usable, enum ask_outcome *outcome, struct err *e)
{
	struct loop *l = a->l;
	bool again = true;
	int rc = 0;

	*outcome = ASK_UNANSWERED;
	if (read_budget(l, e) < 0)
		return -1;
	for (a->attempt = 1; again && a->attempt <= l->setup.gateway.attempts; a->attempt++) {
		struct optimize_result unused = { 0 };

		if (!loop_may_go_on(l, &unused) || optimize_budget_gone(&l->st, &l->limits, true)) {
			*outcome = ASK_BUDGET;
			return 0;
		}
		if (a->attempt > 1 && !gateway_wait(call_reply_delay_ms(&a->reply, a->attempt - 1)))
			return err_set(e, ERR_FAILURE, "interrupted");
		rc = attempt(a, usable, &again, outcome, e);
		if (rc != 0)
			break;
	}
	if (rc == 1)
		*outcome = ASK_ANSWERED;
	free(l->tokens_note);
	l->tokens_note = xasprintf("{\"tokens\":%" PRId64 ",\"requests\":%" PRId64 "}", l->st.used.tokens,
				   l->st.used.requests);
	return rc < 0 ? -1 : 0;
}

int ask(struct loop *l, const char *agent, const struct str *user, enum ask_outcome *outcome, struct str *text,
	struct err *e)
{
	struct agents *agents = agents_new(e);
	const struct agent *g = agents ? agents_find(agents, agent) : NULL;
	const struct gateway_setup *s = &l->setup.gateway;
	struct asking a = { .l = l, .agent = agent, .endpoint = "/chat/completions" };
	struct strv hosts = STRV_INIT;
	int rc;

	if (!g)
		return -1;
	/* a route that is not configured takes the coder's model */
	a.model = s->models[g->route] ? s->models[g->route] : s->models[ROUTE_CODING_FAST];
	ask_hosts(&l->setup, &hosts);
	request_body(l->redactor, &hosts, g, a.model, str_cstr(user), user->len, 0, &a.body);
	strv_release(&hosts);
	agents_free(agents);
	rc = ask_all(&a, usable_completion, outcome, e);
	if (rc == 0 && *outcome == ASK_ANSWERED)
		str_addn(text, str_cstr(&a.text), a.text.len);
	snprintf(optimize_round(&l->st)->model, sizeof(optimize_round(&l->st)->model), "%s", a.model);
	asking_release(&a);
	return rc;
}

int ask_embedding(struct loop *l, const char *agent, const struct str *input, enum ask_outcome *outcome, float **v,
		  size_t *dim, struct err *e)
{
	struct asking a = { .l = l, .agent = agent, .endpoint = "/embeddings",
			    .model = l->setup.gateway.models[ROUTE_EMBEDDINGS] };
	struct strv hosts = STRV_INIT;
	int rc;

	*v = NULL;
	ask_hosts(&l->setup, &hosts);
	request_embedding(l->redactor, &hosts, a.model, str_cstr(input), input->len, &a.body);
	strv_release(&hosts);
	rc = ask_all(&a, usable_embedding, outcome, e);
	if (rc == 0 && *outcome == ASK_ANSWERED && !answer_embedding(str_cstr(&a.text), a.text.len, v, dim))
		*outcome = ASK_UNANSWERED;
	asking_release(&a);
	return rc;
}
