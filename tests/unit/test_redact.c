/* SPDX-License-Identifier: Apache-2.0 */
/* No raw secret leaves (contract 7): forms, values in every encoding, shapes, tails, argv, env_profile. */
#include "trace/redact.h"

#include "base/clock.h"
#include "base/mem.h"
#include "tests/tap.h"

#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>

static struct err e;

static uint64_t rng_state = 88172645463325252u;
static uint64_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	return rng_state ^= rng_state << 17;
}

static struct redactor *make(char *const envp[])
{
	struct redactor *r = NULL;

	if (redactor_new(&r, envp, NULL, NULL, &e) < 0)
		printf("Bail out! %s\n", e.msg);
	return r;
}

static char *redacted(struct redactor *r, const char *s)
{
	struct str out = STR_INIT;

	redact_text(r, s, strlen(s), &out);
	return str_steal(&out);
}

/* ---- forms --------------------------------------------------------------------------------- */

static const struct { const char *in, *out;
} forms[] = {
	{ "nothing to see here", "nothing to see here" },
	{ "", "" },
	{ "--token abc --other x", "--token <redacted:token> --other x" },
	{ "--token=abc --other x", "--token=<redacted:token> --other x" },
	{ "-password abc x", "-password <redacted:password> x" },
	{ "--token --verbose x", "--token --verbose x" },
	{ "--api-key 'a b c' x", "--api-key '<redacted:key>' x" },
	{ "MY_SECRET=abc make", "MY_SECRET=<redacted:secret> make" },
	{ "MY_SECRET=\"a b\" make", "MY_SECRET=\"<redacted:secret>\" make" },
	{ "MY_SECRET=\"a b\"tail make", "MY_SECRET=<redacted:secret> make" },
	{ "docker run -e \"TOKEN=a b\" img", "docker run -e \"TOKEN=<redacted:token>\" img" },
	{ "sh -c 'TOKEN=abc' foo", "sh -c 'TOKEN=<redacted:token>' foo" },
	{ "Authorization: Bearer abc def", "Authorization: <redacted:authorization>" },
	{ "curl -H \"Authorization: Bearer abc\" http://x",
	  "curl -H \"Authorization: <redacted:authorization>\" http://x" },
	{ "> Cookie: a=b; c=d\r\n> Host: x", "> Cookie: <redacted:cookie>\r\n> Host: x" },
	{ "Set-Cookie: sid=1; path=/\nx", "Set-Cookie: <redacted:cookie>\nx" },
	{ "password: my long pass phrase\nuser: bob", "password: <redacted:password>\nuser: bob" },
	{ "- {password: abc, user: bob}", "- {password: <redacted:password>, user: bob}" },
	{ "a:\n  private_key: |\n    line1\n    line2\n  b: 1",
	  "a:\n  private_key: |\n    <redacted:private>\n  b: 1" },
	{ "secrets:\n  - abc\n  - def\nb: 1", "" },
	{ "{\"token\":\"ab\\\"c\",\"x\":1}", "{\"token\":\"<redacted:token>\",\"x\":1}" },
	{ "{\"token\": 12345, \"x\": 1}", "{\"token\": \"<redacted:token>\", \"x\": 1}" },
	{ "{\"token\": null, \"key\": true}", "{\"token\": null, \"key\": true}" },
	{ "{\"tokens\": [\"a\", \"b]\"], \"x\": 1}", "{\"tokens\": \"<redacted:token>\", \"x\": 1}" },
	{ "{\"credentials\": {\"u\": {\"p\": 1}}, \"x\": 1}",
	  "{\"credentials\": \"<redacted:credential>\", \"x\": 1}" },
	{ "{\\\"password\\\":\\\"a\\\\\\\"b\\\",\\\"x\\\":1}",
	  "{\\\"password\\\":\\\"<redacted:password>\\\",\\\"x\\\":1}" },
	{ "{\\\"password\\\":17,\\\"x\\\":1}", "{\\\"password\\\":\\\"<redacted:password>\\\",\\\"x\\\":1}" },
	{ "{'token': 'abc', 'x': 1}", "{'token': '<redacted:token>', 'x': 1}" },
	{ ":token => \"abc\", :x", ":token => \"<redacted:token>\", :x" },
	{ "https://h/p?token=abc&x=1#f", "https://h/p?token=<redacted:token>&x=1#f" },
	{ "https://h/p?x=1&api_key=abc", "https://h/p?x=1&api_key=<redacted:key>" },
	{ "r=https%3A%2F%2Fh%2F%3Ftoken%3Dabc%26x%3D1",
	  "r=https%3A%2F%2Fh%2F%3Ftoken%3D<redacted:token>%26x%3D1" },
	{ "https://u:p@host/x", "https://<redacted:userinfo>@host/x" },
	{ "https://onlytoken@host/x", "https://<redacted:userinfo>@host/x" },
	{ "postgres://u:p@ss/w@host:5432/db", "postgres://<redacted:userinfo>@host:5432/db" },
	{ "{\"u\":\"http:\\/\\/u:p@host\\/x\"}", "{\"u\":\"http:\\/\\/<redacted:userinfo>@host\\/x\"}" },
	{ "ssh://git@github.com/x https://h:80/@types/n", "ssh://git@github.com/x https://h:80/@types/n" },
	{ "<password>abc</password>", "<password><redacted:password></password>" },
	{ "assert token == 'abc'", "assert token == '<redacted:token>'" },
	/* what only looks like a name */
	{ "\"reason_token\":\"timeout.subprocess.wait\"", "\"reason_token\":\"timeout.subprocess.wait\"" },
	{ "reason_token=stall.runner.no_progress", "reason_token=stall.runner.no_progress" },
	{ "src/token.c:12:3: error: x", "src/token.c:12:3: error: x" },
	{ "src/a.c:load_key:42", "src/a.c:load_key:42" },
	{ "KeyError: 'x'", "KeyError: 'x'" },
	{ "std::token::parse() key::x", "std::token::parse() key::x" },
	{ "unknown key 'x' (did you mean 'y'?)", "unknown key 'x' (did you mean 'y'?)" },
	{ "the password is wrong", "the password is wrong" },
};

static void test_forms(void)
{
	char *envp[] = { NULL };
	struct redactor *r = make(envp);

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		auto_free char *once = redacted(r, forms[i].in);
		auto_free char *twice = redacted(r, once);

		if (strncmp(forms[i].in, "secrets:", 8) == 0) { /* list items are as deep as they are */
			ok(!strstr(once, "abc") && !strstr(once, "def") && strstr(once, "b: 1"),
			   "a YAML list is hidden");
		} else {
			is_str(once, forms[i].out, "form %zu", i);
		}
		is_str(twice, once, "form %zu: twice changes nothing", i);
	}
	redactor_free(r);
}

/* ---- values -------------------------------------------------------------------------------- */

static const char b64_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void base64(struct str *out, const unsigned char *p, size_t n, bool url, size_t wrap)
{
	size_t col = 0;

	for (size_t i = 0; i < n; i += 3) {
		unsigned v = p[i] << 16 | (i + 1 < n ? p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);

		for (int k = 0; k < 4; k++) {
			char c = b64_std[v >> (18 - 6 * k) & 63];

			if (k > (int)(n - i))
				c = '=';
			else if (url && (c == '+' || c == '/'))
				c = c == '+' ? '-' : '_';
			str_addc(out, c);
			if (wrap && ++col % wrap == 0)
				str_addc(out, '\n');
		}
	}
}

static void urlencode(struct str *out, const char *s, int how)
{
	for (; *s; s++) {
		bool plain = isalnum((unsigned char)*s) || strchr("-_.~", *s);

		if (how == 2 && rng() % 2) /* another encoder: everything it feels like */
			plain = !plain && *s != '%' && *s != '+';
		if (*s == ' ' && how == 1)
			str_addc(out, '+');
		else if (plain && how != 3)
			str_addc(out, *s);
		else
			str_addf(out, how == 0 || (how == 2 && rng() % 2) ? "%%%02x" : "%%%02X",
				 (unsigned char)*s);
	}
}

static void json_escape(struct str *out, const char *s, int how)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			str_addf(out, "\\%c", c);
		else if (c == '\n')
			str_add(out, "\\n");
		else if (c == '/' && how == 1)
			str_add(out, "\\/");
		else if (how == 2 && c < 0x80)
			str_addf(out, "\\u%04x", c);
		else if (how == 1 && (c == '<' || c == '&' || c == '\''))
			str_addf(out, "\\u%04X", c);
		else
			str_addc(out, *s);
	}
}

static void hex(struct str *out, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%02x", p[i]);
}

#define FORMS 16
static void encode(struct str *out, const char *v, int form)
{
	size_t n = strlen(v);
	auto_str padded = STR_INIT, one = STR_INIT;

	switch (form) {
	case 0: str_add(out, v); break;
	case 1: case 2: case 3: case 4: urlencode(out, v, form - 1); break;
	case 5: case 6: case 7: json_escape(out, v, form - 5); break;
	case 8: case 9: case 10: /* alignments, with neighbours */
		str_addn(&padded, "user:", (size_t)(form - 8) + 3);
		str_add(&padded, v);
		str_addn(&padded, "tail", rng() % 4);
		base64(out, (unsigned char *)padded.data, padded.len, rng() % 2, 0);
		break;
	case 11:
		base64(out, (const unsigned char *)v, n, false, 0);
		break;
	case 12:
		base64(out, (const unsigned char *)v, n, rng() % 2, 1 + rng() % 9);
		break;
	case 13: hex(out, (const unsigned char *)v, n); break;
	case 14: /* JSON in JSON */
		json_escape(&one, v, 0);
		json_escape(out, str_cstr(&one), 0);
		break;
	default: /* base64 within a URL */
		base64(&one, (const unsigned char *)v, n, false, 0);
		urlencode(out, str_cstr(&one), 1);
		break;
	}
}

static const char *const secrets[] = {
	"hunter2",
	"S3cr3t!pass",
	"a+b/c=d&e?f#g",
	"with space and \"quotes\"",
	"back\\slash\\n",
	"per%cent%20x",
	"p\xc3\xa4ssw\xc3\xb6rd-\xe2\x82\xac\xf0\x9f\x94\x91",
	"aaaaaa",
	"<xml>&amp;\"",
	"it's mine",
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	"~tilde_under-dash.dot",
	"line one of it\nline two of the secret value",
};
#define SECRETS (sizeof(secrets) / sizeof(secrets[0]))

/* Six bytes of the secret in a row, in any of the plain ways, must not be left. */
static bool leaks(const struct str *out, const char *v, const char *encoded)
{
	const char *text = str_cstr(out);
	size_t n = strlen(encoded);
	auto_str sha = STR_INIT;
	unsigned char digest[32];

	if (memmem(text, out->len, v, strlen(v)) || memmem(text, out->len, encoded, n))
		return true;
	for (size_t i = 0; i + 8 <= n; i++) /* no part of it either */
		if (memmem(text, out->len, encoded + i, 8) && !strstr("aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", encoded))
			return true;
	crypto_hash_sha256(digest, (const unsigned char *)v, strlen(v));
	hex(&sha, digest, sizeof(digest));
	return strstr(text, sha.data) != NULL;
}

static void test_values(void)
{
	char *envp[SECRETS + 3];
	struct redactor *r;
	size_t planted = 0;

	for (size_t i = 0; i < SECRETS; i++)
		envp[i] = xasprintf("V%zu_TOKEN=%s", i, secrets[i]);
	envp[SECRETS] = xstrdup("COLOR_KEY=true");
	envp[SECRETS + 1] = xstrdup("NOT_ME=plainvalue");
	envp[SECRETS + 2] = NULL;
	r = make(envp);
	for (size_t i = 0; i < SECRETS; i++)
		for (int form = 0; form < FORMS; form++) {
			bool leaked = false, stable = true, kept = true;

			for (int round = 0; round < 4; round++) {
				auto_str in = STR_INIT, out = STR_INIT, again = STR_INIT, enc = STR_INIT;
				size_t before = rng() % 200, after = rng() % 50;

				encode(&enc, secrets[i], form);
				for (size_t k = 0; k < before; k++)
					str_addc(&in, "xyz .,(\n"[rng() % 8]);
				str_add(&in, "|");
				str_addn(&in, enc.data, enc.len);
				str_add(&in, "| true plainvalue");
				for (size_t k = 0; k < after; k++)
					str_addc(&in, "xyz .,(\n"[rng() % 8]);
				redact_text(r, in.data, in.len, &out);
				redact_text(r, str_cstr(&out), out.len, &again);
				leaked |= leaks(&out, secrets[i], enc.data);
				stable &= again.len == out.len && memcmp(again.data, out.data, out.len) == 0;
				kept &= strstr(out.data, "true plainvalue") != NULL;
				if (leaked)
					printf("# left: %s\n# of: %s\n", out.data, enc.data);
			}
			planted++;
			ok(!leaked && stable && kept, "secret %zu in form %d: hidden, stable, the rest kept",
			   i, form);
		}
	ok(planted >= 200, "%zu secrets planted", planted);
	redactor_free(r);
	for (size_t i = 0; i < SECRETS + 2; i++)
		free(envp[i]);
}

static void test_lines_and_limits(void)
{
	char *envp[] = {
		"DEPLOY_KEY=-----BEGIN OPENSSH PRIVATE "
		"KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAA\nQyNTUxOQAAACDdummydummydummy\n-----END "
		"OPENSSH PRIVATE KEY-----\n",
		"SHORT_TOKEN=abc12",
		"PADDED_TOKEN=  spaced-value \n",
		"OTHER=whatever",
		NULL,
	};
	struct redactor *r = make(envp);
	auto_free char *a =
	    redacted(r, "1| b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAA\n2| QyNTUxOQAAACDdummydummydummy\n");
	auto_free char *b = redacted(r, "see abc12 and spaced-value, whatever");

	is_str(a, "1| <redacted:DEPLOY_KEY>\n2| <redacted:DEPLOY_KEY>\n", "a key printed line by line");
	is_str(b, "see abc12 and <redacted:PADDED_TOKEN>, whatever",
	       "five bytes are no secret, white space is not part of one");
	redactor_free(r);
}

/* ---- shapes -------------------------------------------------------------------------------- */

static void test_shapes(void)
{
	static const char *const all[] = {
		"ghp_abcdefghijklmnopqrstuvwxyz0123456789",
		"gho_abcdefghijklmnopqrstuvwxyz0123456789",
		"ghs_abcdefghijklmnopqrstuvwxyz0123456789",
		"ghu_abcdefghijklmnopqrstuvwxyz0123456789",
		"ghr_abcdefghijklmnopqrstuvwxyz0123456789",
		"github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz",
		"glpat-abcdefghij0123456789",
		"glptt-abcdefghij0123456789abcdef",
		"AKIAIOSFODNN7EXAMPLE",
		"ASIAIOSFODNN7EXAMPLE",
		"xoxb-123456789012-1234567890123-abcdefGHIJKL",
		"xoxp-1-2-3-abcdefabcdef",
		"npm_abcdefghijklmnopqrstuvwxyz0123456789",
		("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_"
		"XgL0n3I9PlFUP0THsR8U"),
		"-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\ndef=\n-----END RSA PRIVATE KEY-----",
		"-----BEGIN PRIVATE KEY-----\\nMIIEabc\\n-----END PRIVATE KEY-----",
		"AIzaSyA0123456789abcdefghijklmnopqrstuv",
		"sk_live_0123456789abcdefghij",
		"hooks.slack.com/services/T000/B000/XXXXXXXXXXXX",
	};
	char *envp[] = { NULL };
	struct redactor *r = make(envp);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		auto_free char *in = xasprintf("before %s after", all[i]);
		auto_free char *out = redacted(r, in);

		ok(!strstr(out, all[i] + 12) && str_starts(out, "before ") && str_ends(out, " after"),
		   "shape %.12s", all[i]);
		ok(redact_finds(r, NULL, in, strlen(in)) != NULL && !redact_finds(r, NULL, out, strlen(out)),
		   "shape %.12s is found, then not", all[i]);
	}
	{
		const char *plain = "npm_config_registry npm_lifecycle_event highs_and_lows_of_it eyJ. AKIA "
				    "-----BEGIN CERTIFICATE----- x";
		auto_free char *out = redacted(r, plain);

		is_str(out, plain, "no shapes");
	}
	redactor_free(r);
}

/* ---- argv, value, names -------------------------------------------------------------------- */

static void test_argv(void)
{
	static char *const argv[] = {
		"--profile-level",
		"debug",
		"--password",
		"hunter 2",
		"--api-key=a b c",
		"curl",
		"-H",
		"Authorization: Bearer a b",
		"env",
		"TOKEN=x y",
		"sh",
		"-c",
		"SECRET=abc make; echo \"done\"",
		"--private",
		"--verbose",
		"Cookie:",
		"a b",
		"last",
		NULL,
	};
	static const char *const want[] = {
		"--profile-level",
		"debug",
		"--password",
		"<redacted:password>",
		"--api-key=<redacted:key>",
		"curl",
		"-H",
		"Authorization: <redacted:authorization>",
		"env",
		"TOKEN=<redacted:token>",
		"sh",
		"-c",
		"SECRET=<redacted:secret> make; echo \"done\"",
		"--private",
		"--verbose",
		"Cookie:",
		"<redacted:cookie>",
		"last",
		NULL,
	};
	char *envp[] = { NULL };
	struct redactor *r = make(envp);
	struct strv out = STRV_INIT, again = STRV_INIT;
	auto_str v = STR_INIT;

	redact_argv(r, argv, &out);
	redact_argv(r, out.v, &again);
	for (size_t i = 0; want[i]; i++) {
		is_str(out.v[i], want[i], "argument %zu", i);
		is_str(again.v[i], want[i], "argument %zu again", i);
	}
	is_int(out.n, sizeof(want) / sizeof(want[0]) - 1, "as many arguments");
	redact_value(r, "api_token", "xyz", 3, &v);
	str_addc(&v, ' ');
	redact_value(r, "reason_token", "stall.runner.no_progress", 24, &v);
	str_addc(&v, ' ');
	redact_value(r, "comm", "cat", 3, &v);
	is_str(str_cstr(&v), "<redacted:api_token> stall.runner.no_progress cat", "values under a name");
	ok(redact_is_secret_name(r, "My_PASSWORD_2", 13) && !redact_is_secret_name(r, "reason_tokens", 13) &&
		   !redact_is_secret_name(r, "PATH", 4) && redact_is_secret_name(r, "SENTRY_DSN", 10),
	   "names");
	strv_release(&out);
	strv_release(&again);
	redactor_free(r);
}

static void test_user_rules(void)
{
	char *envp[] = { "MYVAR=abcd-efgh", "PW=zzzz", NULL };
	struct strv names = STRV_INIT, patterns = STRV_INIT;
	struct redactor *r = NULL;

	strv_add(&names, "MYVAR");
	strv_add(&names, "PW");
	strv_add(&patterns, "(?i)order-\\d+");
	strv_add(&patterns, "redacted|pattern");
	is_int(redactor_new(&r, envp, &names, &patterns, &e), 0, "names and patterns");
	{
		auto_free char *out =
		    redacted(r, "abcd-efgh MYVAR=x -DMYVAR=1 pw: 2 ORDER-1234 zzzz redacted order-x");
		auto_free char *again = redacted(r, out);

		is_str(out, "<redacted:MYVAR> MYVAR=<redacted:MYVAR> -DMYVAR=<redacted:MYVAR> pw: <redacted:PW>",
		       "--redact-env: its value and its name (a header's value runs to the end of the line)");
		is_str(again, out, "patterns that match markers change nothing");
	}
	{
		auto_free char *out = redacted(r, "ORDER-1234 zzzz redacted order-x");

		is_str(out, "<redacted:pattern> <redacted:PW> <redacted:pattern> order-x", "--redact-pattern");
	}
	redactor_free(r);
	strv_release(&patterns);
	strv_add(&patterns, "(a+)+$");
	is_int(redactor_new(&r, envp, NULL, &patterns, &e), 0, "a pattern that explodes");
	{
		auto_free char *out =
		    redacted(r, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");

		is_str(out, "<redacted:pattern-limit>", "a pattern at its limit hides everything");
	}
	redactor_free(r);
	strv_release(&patterns);
	strv_add(&patterns, "a(b");
	ok(redactor_new(&r, envp, NULL, &patterns, &e) < 0 && e.kind == ERR_USAGE && strstr(e.msg, "offset 3"),
	   "a bad pattern is refused: %s", e.msg);
	strv_release(&patterns);
	strv_release(&names);
}

/* ---- tails --------------------------------------------------------------------------------- */

static void test_tail(void)
{
	char *envp[] = { "T_TOKEN=abcdefghijklmnopqrstuvwxyz0123456789", NULL };
	const char *secret = envp[0] + 8;
	struct redactor *r = make(envp);
	bool leaked = false;
	auto_str one = STR_INIT;

	for (size_t keep = 1; keep < 160; keep++)
		for (int encoded = 0; encoded < 2; encoded++) {
			auto_str in = STR_INIT, out = STR_INIT;

			str_add(&in, "first line\nsecond ");
			if (encoded)
				base64(&in, (const unsigned char *)secret, strlen(secret), false, 0);
			else
				str_add(&in, secret);
			str_add(&in, " the end\nand password=pppp1234pppp more\nlast line\n");
			redact_tail(r, in.data, in.len, keep, &out);
			for (size_t i = 0; i + 5 <= 36; i++)
				leaked |= memmem(out.data, out.len, secret + i, 5) != NULL;
			leaked |= memmem(str_cstr(&out), out.len, "pppp", 4) ||
				  memmem(str_cstr(&out), out.len, "1234", 4);
		}
	ok(!leaked, "a secret before the cut of a tail, at every cut");
	leaked = false;
	for (size_t cut = 1; cut + 4 <= strlen(secret); cut++) { /* the buffer itself begins within it */
		auto_str in = STR_INIT, out = STR_INIT;

		str_addf(&in, "%s and more", secret + cut);
		redact_tail(r, in.data, in.len, 65536, &out);
		leaked |= !str_starts(str_cstr(&out), "<redacted:T_TOKEN>");
	}
	ok(!leaked, "a buffer that begins within a secret");
	redact_tail(r, "all of it\n", 10, 65536, &one);
	is_str(str_cstr(&one), "all of it\n", "a short stream is kept whole");
	str_reset(&one);
	redact_tail(r, "MIIEabc\nxyz=\n-----END RSA PRIVATE KEY-----\nafter", 48, 65536, &one);
	is_str(str_cstr(&one), "<redacted:pem>\nafter", "the end of a key whose beginning is cut");
	redactor_free(r);
}

/* ---- env_profile --------------------------------------------------------------------------- */

static void test_profile(void)
{
	char *envp[] = { "A=", "B_TOKEN=hunter2hunter2", "SPEC_RUNNER_REDACTION_KEY=comparable", "C=/home/x",
			 NULL };
	char *none[] = { "B_TOKEN=hunter2hunter2", NULL };
	auto_str a = STR_INIT, b = STR_INIT, c = STR_INIT, d = STR_INIT;
	unsigned char digest[64];
	auto_str sha = STR_INIT, b2 = STR_INIT;

	for (int i = 0; i < 4; i++) {
		struct redactor *r = make(i < 2 ? envp : none);

		redact_env_profile(r, i < 2 ? envp : none, i == 0 ? &a : i == 1 ? &b : i == 2 ? &c : &d);
		redactor_free(r);
	}
	is_str(a.data, b.data, "the same under SPEC_RUNNER_REDACTION_KEY");
	ok(strcmp(c.data, d.data) != 0, "another one without it");
	ok(strstr(a.data, "\"A\":{\"set\":true,\"length_bucket\":\"0\"") &&
	       strstr(a.data, "\"length_bucket\":\"8-15\""),
	   "length buckets");
	ok(strstr(a.data, "\"SPEC_RUNNER_REDACTION_KEY\":{\"set\":true,\"length_bucket\":\"8-15\"}"),
	   "no hash of the key");
	ok(!strstr(a.data, "hunter2") && !strstr(a.data, "/home/x") && !strstr(a.data, "comparable"), "no value");
	crypto_hash_sha256(digest, (const unsigned char *)"hunter2hunter2", 14);
	hex(&sha, digest, 32);
	sha.data[12] = '\0'; /* nor the beginning of a hash without a key */
	crypto_generichash(digest, 16, (const unsigned char *)"hunter2hunter2", 14, NULL, 0);
	hex(&b2, digest, 16);
	ok(!strstr(a.data, sha.data) && !strstr(c.data, sha.data) && !strstr(c.data, b2.data) &&
	       !strstr(a.data, b2.data),
	   "no unkeyed hash");
}

static void test_cost(void)
{
	enum { VARIABLES = 60, TEXT = 1 << 20 };
	char *envp[VARIABLES + 1];
	struct redactor *r;
	char *text = xmalloc(TEXT);
	auto_str out = STR_INIT;
	int64_t start, best_new = TIME_NEVER, best_text = TIME_NEVER;

	for (int i = 0; i < VARIABLES; i++)
		envp[i] = i % 12 ? xasprintf("SOME_VARIABLE_%d=/usr/lib/value/%d:/other", i, i)
				 : xasprintf("SERVICE_%d_TOKEN=value-%d-abcdefghijklmnop", i, i * 7919);
	envp[VARIABLES] = NULL;
	for (size_t i = 0; i < TEXT; i++)
		text[i] = "the quick brown fox jumps over a lazy dog 0123 [ok] test_name ... PASSED\n"
		    [rng() % 3 ? i % 73 : rng() % 73];
	for (int i = 0; i < 10; i++) {
		start = clock_mono_ns();
		r = make(envp);
		if (clock_mono_ns() - start < best_new)
			best_new = clock_mono_ns() - start;
		str_reset(&out);
		redact_text(r, "x", 1, &out);
		start = clock_mono_ns();
		redact_text(r, text, TEXT, &out);
		if (clock_mono_ns() - start < best_text)
			best_text = clock_mono_ns() - start;
		redactor_free(r);
	}
	printf("# redactor_new: %.1f us; %.0f MB/s\n", (double)best_new / 1e3, TEXT * 1e3 / (double)best_text);
	ok(best_new < 2000000, "a redactor is made in less than 2 ms (aim: 100 us)");
	ok(best_text < 1000000000, "1 MiB in less than a second (aim: 5 ms)");
	free(text);
	for (int i = 0; i < VARIABLES; i++)
		free(envp[i]);
}

int main(void)
{
	test_forms();
	test_values();
	test_lines_and_limits();
	test_shapes();
	test_argv();
	test_user_rules();
	test_tail();
	test_profile();
	test_cost();
	return tap_done();
}
