/* SPDX-License-Identifier: Apache-2.0 */
/* What a model or a server says is anybody's bytes: as a diff, an answer, a reply of the gateway, an address, sentences. A
 * diff that is accepted is read as the same when it is written anew. */
#include "base/json_read.h"
#include "base/mem.h"
#include "optimize/answer.h"
#include "optimize/call.h"
#include "optimize/explain.h"
#include "optimize/patch.h"
#include "optimize/policy.h"

#include <stdlib.h>
#include <string.h>

static void read_diff(const char *text, size_t n)
{
	struct strv paths = STRV_INIT, none = STRV_INIT;
	struct patch_rules r = { .paths = &paths, .deny = &none, .max_files = 10, .max_lines = 1000, .max_bytes = 100000 };
	auto_str once = STR_INIT, twice = STR_INIT, detail = STR_INIT;
	struct patch p;
	bool allowed;

	strv_add(&paths, "**");
	patch_read(&p, text, n);
	allowed = !patch_judge(&p, &r, &detail);
	patch_write(&p, &once);
	patch_release(&p);
	if (allowed) {
		patch_read(&p, str_cstr(&once), once.len);
		patch_write(&p, &twice);
		if (p.error[0] || once.len != twice.len || memcmp(str_cstr(&once), str_cstr(&twice), once.len) != 0)
			abort();
		patch_release(&p);
	}
	strv_release(&paths);
}

static void read_answers(const char *text, size_t n)
{
	static const char findings[] = "{\"findings\":[{\"finding_id\":\"f\",\"evidence\":{\"a\":{\"value\":1,\"unit\":\"s\"}}}]}";
	struct json_reader *in = json_reader_text(findings, sizeof(findings) - 1, "findings");
	const struct json_value *v;
	struct err e = { 0 };
	struct completion c;
	struct decision d;
	struct explanation x;
	struct call_reply r;
	auto_str diff = STR_INIT;
	float *vector;
	size_t dim;

	completion_read(&c, text, n);
	completion_release(&c);
	answer_diff(text, n, &diff);
	if (answer_decision(text, n, &d))
		decision_release(&d);
	answer_embedding(text, n, &vector, &dim);
	free(vector);
	if (call_reply_read(&r, text, n, &e) == 0)
		call_reply_release(&r);
	if (json_take(in, &v, &e) == 0) {
		explain_judge(&x, text, n, v);
		explain_release(&x);
	}
	json_reader_free(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);
	struct gateway_setup g;
	struct gateway_url u;
	struct err e = { 0 };

	read_diff((const char *)data, size);
	read_answers((const char *)data, size);
	gateway_setup_init(&g);
	if (gateway_url_parse(text, &u, &e) == 0)
		policy_judge(&g, &u, "A");
	gateway_setup_release(&g);
	return 0;
}
