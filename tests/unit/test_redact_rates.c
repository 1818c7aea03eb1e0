/* SPDX-License-Identifier: Apache-2.0 */
/* Both rates of docs/REDACTION.md: how many innocent lines are changed, how many planted secrets stay. */
#include "trace/redact.h"

#include "base/mem.h"
#include "tests/tap.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define INNOCENT "tests/fixtures/redact/innocent.txt"
#define PAGE "docs/REDACTION.md"
#define SECRETS 520

static struct err e;

static uint64_t rng_state = 88172645463325252u;
static uint64_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	return rng_state ^= rng_state << 17;
}

static char *slurp(const char *path)
{
	FILE *in = fopen(path, "r");
	auto_str text = STR_INIT;
	char buf[4096];
	size_t n;

	if (!in) {
		printf("Bail out! %s cannot be read\n", path);
		exit(1);
	}
	while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
		str_addn(&text, buf, n);
	fclose(in);
	return str_steal(&text);
}

/* ---- too much ------------------------------------------------------------------------------ */

static void test_innocent(struct str *table)
{
	char *none[] = { NULL };
	auto_free char *text = slurp(INNOCENT);
	struct redactor *r;
	size_t lines = 0, changed = 0, in_names = 0;

	redactor_new(&r, none, NULL, NULL, &e);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		auto_str out = STR_INIT, name = STR_INIT;

		lines++;
		redact_text(r, line, strlen(line), &out);
		redact_name(r, line, strlen(line), &name);
		if (strcmp(str_cstr(&out), line) != 0) {
			changed++;
			printf("# changed: %s\n#      to: %s\n", line, str_cstr(&out));
		}
		in_names += strcmp(str_cstr(&name), line) != 0;
	}
	redactor_free(r);
	ok(lines >= 300, "%zu innocent lines", lines);
	ok(changed * 100 <= lines, "%zu of them changed: at most one in a hundred", changed);
	is_int(in_names, 0, "none as a name of a test");
	str_addf(table, "| innocent lines | %zu | changed | %zu |\n", lines, changed);
}

static void test_names_stay_apart(void)
{
	static const char *const pairs[][2] = {
		{ "password: must be long", "password: must hold a digit" },
		{ "cache key: stable", "cache key: differs by user" },
		{ "token: Xq81kd92ls", "token: Yq81kd92lt" },
	};
	char *none[] = { NULL };
	struct redactor *r;

	redactor_new(&r, none, NULL, NULL, &e);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		auto_str a = STR_INIT, b = STR_INIT;

		redact_value(r, "case_id", pairs[i][0], strlen(pairs[i][0]), &a);
		redact_value(r, "case_id", pairs[i][1], strlen(pairs[i][1]), &b);
		ok(strcmp(a.data, pairs[i][0]) == 0 && strcmp(b.data, pairs[i][1]) == 0,
		   "two tests keep two names: %s", a.data);
	}
	redactor_free(r);
}

/* ---- too little: by value ------------------------------------------------------------------ */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void base(struct str *out, const char *v, size_t n, unsigned bits, size_t wrap)
{
	const char *digits = bits == 6 ? alphabet : "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	size_t chars = (n * 8 + bits - 1) / bits, start = out->len;

	for (size_t i = 0; i < chars; i++) {
		unsigned d = 0;

		for (size_t bit = i * bits; bit < (i + 1) * bits; bit++)
			d = d << 1 | (bit / 8 < n ? (unsigned char)v[bit / 8] >> (7 - bit % 8) & 1 : 0);
		if (wrap && i && i % wrap == 0)
			str_addc(out, '\n');
		str_addc(out, digits[d]);
	}
	while (!wrap && (out->len - start) % (bits == 6 ? 4 : 8))
		str_addc(out, '=');
}

static void each(struct str *out, const char *v, const char *fmt)
{
	for (; *v; v++)
		str_addf(out, fmt, (unsigned char)*v);
}

static void url(struct str *out, const char *v, const char *fmt)
{
	for (; *v; v++)
		if (isalnum((unsigned char)*v))
			str_addc(out, *v);
		else
			str_addf(out, fmt, (unsigned char)*v);
}

static void json(struct str *out, const char *v)
{
	for (; *v; v++) {
		if (*v == '"' || *v == '\\')
			str_addc(out, '\\');
		str_addc(out, *v);
	}
}

static void html(struct str *out, const char *v)
{
	for (; *v; v++)
		if (*v == '&')
			str_add(out, "&amp;");
		else if (*v == '<')
			str_add(out, "&lt;");
		else if (*v == '"')
			str_add(out, "&quot;");
		else
			str_addc(out, *v);
}

static void in_two(struct str *out, const char *v, const char *between)
{
	size_t n = strlen(v), at = 1 + rng() % (n - 1);

	str_addn(out, v, at);
	str_add(out, between);
	str_add(out, v + at);
}

static void hexdump(struct str *out, const char *v)
{
	auto_str text = STR_INIT;

	str_addf(&text, "GET /%s HTTP/1.1", v);
	for (size_t at = 0; at < text.len; at += 16) {
		str_addf(out, "%08zx ", at);
		for (size_t i = at; i < at + 16; i++)
			str_addf(out, i < text.len ? "%s%02x " : "%s   ", i % 8 ? "" : " ", (unsigned char)str_cstr(&text)[i < text.len ? i : 0]);
		str_add(out, " |");
		for (size_t i = at; i < at + 16 && i < text.len; i++)
			str_addc(out, isprint((unsigned char)text.data[i]) ? text.data[i] : '.');
		str_add(out, "|\n");
	}
}

static const char *const writings[] = {
	"raw", "URL-encoded, upper case", "URL-encoded, lower case", "URL-encoded, every byte", "JSON", "JSON, \\u",
	"JSON within JSON", "HTML", "HTML, numbers", "\\x of C and Python", "octal", "hexadecimal", "hexadecimal with colons",
	"hexadecimal with blanks", "hexadecimal with 0x", "hexdump -C", "base64", "base64, second alignment",
	"base64, third alignment", "base64 in lines", "base64, twice", "base32", "UTF-16", "a colour inside",
	"a line break inside", "quoted in two parts", "cut off at the end", "cut off at the start",
};
#define WRITINGS (sizeof(writings) / sizeof(writings[0]))

static void write_secret(struct str *out, const char *v, size_t how)
{
	auto_str one = STR_INIT;
	size_t n = strlen(v);

	switch (how) {
	case 1: url(out, v, "%%%02X"); break;
	case 2: url(out, v, "%%%02x"); break;
	case 3: each(out, v, "%%%02X"); break;
	case 4: json(out, v); break;
	case 5: each(out, v, "\\u%04x"); break;
	case 6: json(&one, v); json(out, one.data); break;
	case 7: html(out, v); break;
	case 8: each(out, v, "&#%u;"); break;
	case 9: each(out, v, "\\x%02x"); break;
	case 10: each(out, v, "\\%03o"); break;
	case 11: each(out, v, "%02x"); break;
	case 12: each(out, v, "%02x:"); break;
	case 13: each(out, v, "%02X "); break;
	case 14: each(out, v, "0x%02x, "); break;
	case 15: hexdump(out, v); break;
	case 16: case 17: case 18:
		str_addn(&one, "ab", how - 16);
		str_add(&one, v);
		base(out, one.data, one.len, 6, 0);
		break;
	case 19: base(out, v, n, 6, 7); break;
	case 20: base(&one, v, n, 6, 0); base(out, one.data, one.len, 6, 0); break;
	case 21: base(out, v, n, 5, 0); break;
	case 22:
		for (size_t i = 0; i < n; i++) {
			str_addc(out, v[i]);
			str_addc(out, '\0');
		}
		break;
	case 23: in_two(out, v, "\033[1;31m"); break;
	case 24: in_two(out, v, "\n"); break;
	case 25: in_two(out, v, "\" + \""); break;
	default: str_add(out, v); break;
	}
}

/* Is the secret there, or eight bytes of it, raw or in the writing? */
static bool is_left(const struct str *out, const char *v, const struct str *written)
{
	size_t n = strlen(v);

	for (size_t i = 0; i + 8 <= n; i++)
		if (memmem(str_cstr(out), out->len, v + i, 8))
			return true;
	for (size_t i = 0; written && i + 16 <= written->len; i++)
		if (memmem(str_cstr(out), out->len, written->data + i, 16))
			return true;
	return false;
}

static bool plant(struct redactor *r, const char *v, size_t how)
{
	auto_str text = STR_INIT, written = STR_INIT, out = STR_INIT;
	size_t before = rng() % 120, cut;

	write_secret(&written, v, how);
	for (size_t i = 0; how < WRITINGS - 1 && i < before; i++)
		str_addc(&text, "xyz .,(\n"[rng() % 8]);
	if (how == 15)
		str_addc(&text, '\n');
	else if (how < WRITINGS - 1)
		str_addc(&text, '|');
	cut = text.len;
	str_addn(&text, written.data, written.len);
	str_add(&text, "| and more");
	if (how == WRITINGS - 2) {
		text.len = cut + 6 + rng() % (written.len - 6);
		redact_cut(r, text.data, text.len, &out);
		return out.len >= 6 && memmem(out.data, out.len, v, 6);
	}
	if (how == WRITINGS - 1) {
		cut = 1 + rng() % (written.len - 8);
		redact_tail(r, text.data + cut, text.len - cut, 65536, &out);
	} else {
		redact_text(r, text.data, text.len, &out);
	}
	/* a dump shows what is beside the secret as well */
	if (is_left(&out, v, how == 15 ? NULL : &written)) {
		printf("# left of %s (%s): %s\n", v, writings[how], str_cstr(&out));
		return true;
	}
	return false;
}

static char *secret_make(size_t i)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=_-!@&<\"'. %";
	size_t n = 14 + rng() % 30, set = i % 3 ? 62 : sizeof(chars) - 1;
	char *v = xmalloc(n + 1);

	for (size_t k = 0; k < n; k++)
		v[k] = chars[rng() % (k == 0 || k + 1 == n ? 62 : set)];
	v[n] = '\0';
	return v;
}

static void test_planted(struct str *table)
{
	char *secrets[SECRETS], *envp[SECRETS + 1];
	struct redactor *r;
	size_t all = 0;

	for (size_t i = 0; i < SECRETS; i++) {
		secrets[i] = secret_make(i);
		envp[i] = xasprintf("S%zu_TOKEN=%s", i, secrets[i]);
	}
	envp[SECRETS] = NULL;
	redactor_new(&r, envp, NULL, NULL, &e);
	for (size_t how = 0; how < WRITINGS; how++) {
		size_t left = 0;

		for (size_t i = 0; i < SECRETS; i++)
			left += plant(r, secrets[i], how);
		is_int(left, 0, "%d secrets, %s: none left", SECRETS, writings[how]);
		all += left;
	}
	str_addf(table, "| planted secrets, known by value | %d × %zu writings | left | %zu |\n", SECRETS, WRITINGS, all);
	redactor_free(r);
	for (size_t i = 0; i < SECRETS; i++) {
		free(secrets[i]);
		free(envp[i]);
	}
}

/* ---- too little: by name ------------------------------------------------------------------- */

static const char *const forms[] = {
	"['--token', '%s']", "\"--token\", \"%s\"", "{\"api_token\": b\"%s\"}", "token:\n- %s", "token:\n  - %s",
	"{\"name\":\"DB_PASSWORD\",\"value\":\"%s\"}", "- name: DB_PASSWORD\n  value: %s", "<add key=\"DbPassword\" value=\"%s\"/>",
	"x=token%%22%%3A%%22%s%%22", "x=%%7B%%22token%%22%%3A%%22%s%%22%%7D", "&quot;token&quot;:&quot;%s&quot;",
	"MYSQL_PWD=%s mysql", "PASS=%s", "pass: %s", "pwd=%s", "auth: %s", "sig=%s", "machine h login u password %s",
	"localhost:5432:db:user:%s", "{\"auth\":\"%s\"}", "the password is %s", "password was %s.", "curl -u ci:%s https://h",
	"PGPASSWORD=%s psql", "client_secret=%s&grant_type=x", "x-api-key: %s", "X-Auth-Token: %s", "AccountKey=%s",
	"Server=db;User Id=sa;Password=%s;", "--password %s", "--password=%s", "DB_PASSWORD: %s", "-e SECRET=%s", "token = \"%s\"",
	"password => '%s'", "<token>%s</token>", "api key: %s", "Authorization: Basic %s", "authorization: token %s",
	"{\"Authorization\": [\"Bearer %s\"]}", "headers={'X-Api-Key': '%s'}", "Cookie: session=%s; a=b", "auth_token: %s",
	"oauth_token=%s", "\"private_key\": \"%s\"", "//registry.npmjs.org/:_authToken=%s", "redis://:%s@h:6379", "secret: \"%s\"",
	"SECRET_KEY_BASE=%s", "DJANGO_SECRET_KEY='%s'", "--encryption-key=%s", "{'token': ('%s',)}", "token -> %s",
	"setenv TOKEN %s", "$env:TOKEN = \"%s\"", "ENV TOKEN %s", "ARG PASSWORD=%s", "\"token\" : \"%s\"", "data-token=\"%s\"",
	"?sig=%s&se=2024", "AWS_SECRET_ACCESS_KEY=%s", "aws_session_token = %s", "wget --http-password=%s", "sshpass -p %s ssh h",
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

static void test_forms(struct str *table)
{
	char *none[] = { NULL };
	struct redactor *r;
	size_t left = 0;

	redactor_new(&r, none, NULL, NULL, &e);
	for (size_t i = 0; i < FORMS; i++) {
		size_t here = 0;

		for (int round = 0; round < 8; round++) {
			char v[17] = "k7";
			auto_free char *line = NULL;
			auto_str out = STR_INIT;

			for (size_t k = 2; k < 16; k++)
				v[k] = alphabet[rng() % 62];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			line = xasprintf(forms[i], v);
#pragma GCC diagnostic pop
			redact_text(r, line, strlen(line), &out);
			if (strstr(out.data, v + 8) || memmem(out.data, out.len, v, 8)) {
				printf("# left: %s\n", out.data);
				here++;
			}
		}
		is_int(here, 0, "known by its form: %s", forms[i]);
		left += here != 0;
	}
	str_addf(table, "| forms that name a secret | %zu | left | %zu |\n", FORMS, left);
	redactor_free(r);
}

/* ---- what teaches -------------------------------------------------------------------------- */

static void test_learn(void)
{
	char *none[] = { NULL }, *env[] = { "API_TOKEN=caseOwnValue77", "SSH_KEY_DIR=/home/ci/keys", "PWD=/work/x", NULL };
	char *argv[] = { "--password", "fromOurArgv12", "DB_SECRET=alsoFromArgv3", "--keyboard", "dvorak-layout-9", NULL };
	const char *text = "a caseOwnValue77 b fromOurArgv12 c alsoFromArgv3 d dvorak-layout-9 e /home/ci/keys /work/x";
	struct redactor *r;
	auto_str before = STR_INIT, out = STR_INIT;

	redactor_new(&r, none, NULL, NULL, &e);
	redact_text(r, text, strlen(text), &before);
	is_str(before.data, text, "nothing known yet");
	redactor_learn_env(r, env);
	redactor_learn_argv(r, argv);
	redact_text(r, text, strlen(text), &out);
	is_str(out.data, "a <redacted:API_TOKEN> b <redacted:--password> c <redacted:DB_SECRET> d dvorak-layout-9 e "
	       "/home/ci/keys /work/x", "an environment and arguments teach values, folders are none");
	redactor_free(r);
}

/* Linear in the number of values: twenty thousand of them cost a pass about what twenty do. */
static void test_many(void)
{
	enum { MANY = 20000, TEXT = 1 << 20 };
	char **envp = xcalloc(MANY + 1, sizeof(*envp));
	auto_str text = STR_INIT, out = STR_INIT;
	struct redactor *r;
	size_t found = 0;

	for (size_t i = 0; i < MANY; i++)
		envp[i] = xasprintf("S%zu_TOKEN=value-%zu-%08x", i, i * 7919, (unsigned)rng());
	redactor_new(&r, envp, NULL, NULL, &e);
	while (text.len < TEXT)
		str_addf(&text, "ok %zu - test_module::case_%u ... PASSED value-%u\n", text.len, (unsigned)rng() % 1000, (unsigned)rng() % 99);
	for (size_t i = 0; i < 100; i++)
		str_addf(&text, "%s\n", strchr(envp[i * 200], '=') + 1);
	redact_text(r, text.data, text.len, &out);
	for (size_t i = 0; i < 100; i++)
		found += strstr(out.data, strchr(envp[i * 200], '=') + 1) != NULL;
	is_int(found, 0, "twenty thousand values, known at once"); /* quadratic, this took minutes */
	redactor_free(r);
	for (size_t i = 0; i < MANY; i++)
		free(envp[i]);
	free(envp);
}

int main(void)
{
	auto_str table = STR_INIT;
	auto_free char *page = slurp(PAGE);

	test_innocent(&table);
	test_names_stay_apart();
	test_planted(&table);
	test_forms(&table);
	test_learn();
	test_many();
	ok(strstr(page, table.data) != NULL, PAGE " shows these rates");
	if (!strstr(page, table.data))
		printf("# %s", table.data);
	return tap_done();
}
