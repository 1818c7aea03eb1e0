/* SPDX-License-Identifier: Apache-2.0 */
/* What a request asks for: targets, hosts, cookies, forms; and which row of the table of routes it is. */
#include "serve/route.h"
#include "tests/tap.h"

#include <string.h>

static const char *const bad[] = {
	"", "runs", "http://h/", "/..", "/runs/..", "/runs/%2e%2e", "/runs/%2E%2e/x", "/.", "/%2e", "/a%2fb", "/a%2Fb", "/a%00b",
	"/%", "/%1", "/%zz", "/a%", "/%ff", "/%c0%ae", "/#", "/a#b", "/runs/%ed%a0%80",
};
static const struct { const char *target; size_t n; const char *last; } good[] = {
	{ "/", 1, "" }, { "/a/b?c=d", 2, "b" }, { "/a//b", 3, "b" }, { "/a/%20%C3%A4%5c", 2, " \xc3\xa4\\" }, { "/a/...", 2, "..." },
	{ "/a/b%3Fc", 2, "b?c" }, { "/a/", 2, "" },
};

static void test_targets(void)
{
	struct url t;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ok(!url_parse(&t, bad[i], ""), "'%s' names nothing", bad[i]);
		url_release(&t);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		bool fine = url_parse(&t, good[i].target, "");

		ok(fine && t.n == good[i].n && strcmp(t.segment[t.n - 1], good[i].last) == 0, "'%s'", good[i].target);
		url_release(&t);
	}
	ok(url_parse(&t, "/x/runs", "/x") && t.n == 1 && strcmp(t.segment[0], "runs") == 0, "a prefix is dropped");
	url_release(&t);
	ok(url_parse(&t, "/xy", "/x") && strcmp(t.segment[0], "xy") == 0, "only a whole one");
	url_release(&t);
	ok(url_parse(&t, "/x?a=b", "/x") && t.n == 1 && !*t.segment[0], "the prefix alone is the first page");
	url_release(&t);
}

static void test_queries(void)
{
	struct url t;

	ok(url_parse(&t, "/a?b=c+d%2Fe&f&g=", "") && !t.bad_query && strcmp(params_get(&t.query, "b"), "c d/e") == 0 &&
	   *params_get(&t.query, "f") == 0 && *params_get(&t.query, "g") == 0 && !params_get(&t.query, "h"), "a query is read");
	url_release(&t);
	ok(url_parse(&t, "/a?b=c&b=d", "") && t.bad_query, "a name twice is refused");
	url_release(&t);
	ok(url_parse(&t, "/a?b=%00", "") && t.bad_query, "and a NUL");
	url_release(&t);
}

static void test_hosts(void)
{
	static const char *const ours[] = { "localhost", "LOCALHOST:80", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:80", "a.example",
					    "A.example:443", "localhost." };
	static const char *const others[] = { "", "evil", "127.0.0.1.evil", "localhost.evil", "127.0.0.1@evil", "[::1", "[::2]",
					      "localhost:x", "localhost:", "a.example.evil", "0.0.0.0", "127.1", "localhost:123456" };
	struct strv names = STRV_INIT;

	strv_add(&names, "a.example");
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		ok(host_is_ours(ours[i], &names), "'%s' is ours", ours[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ok(!host_is_ours(others[i], &names), "'%s' is not", others[i]);
	ok(!host_is_ours(NULL, &names), "nor is none at all");
	strv_release(&names);
}

static void test_cookies(void)
{
	char v[8];

	ok(cookie_get("a=1; b=22 ;c=3", "b", v, sizeof(v)) && strcmp(v, "22") == 0, "a cookie among others");
	ok(!cookie_get("ab=1", "b", v, sizeof(v)) && !cookie_get(NULL, "b", v, sizeof(v)), "of this name alone");
	ok(!cookie_get("b=12345678", "b", v, sizeof(v)), "one that is too long is none");
}

static const struct route *find(const char *method, const char *text, const char *arg[2], struct str *joined)
{
	struct url t;
	const struct route *found = NULL;
	static char kept[2][64];

	if (url_parse(&t, text, ""))
		for (size_t i = 0; i < route_count && !found; i++)
			if (strcmp(routes[i].method, method) == 0 && route_matches(&routes[i], &t, arg, joined))
				found = &routes[i];
	for (int i = 0; i < 2; i++) {
		if (found && arg[i]) {
			snprintf(kept[i], sizeof(kept[i]), "%s", arg[i]);
			arg[i] = kept[i];
		}
	}
	url_release(&t);
	return found;
}

static void test_routes(void)
{
	const char *arg[2];
	auto_str joined = STR_INIT;
	const struct route *r = find("GET", "/tests/a/b/c", arg, &joined);

	ok(r && strcmp(r->path, "/tests/{suite}/{case_id+}") == 0 && strcmp(arg[0], "a") == 0 && strcmp(arg[1], "b/c") == 0,
	   "the rest of a path is the name of a test");
	ok(!find("GET", "/runs/", arg, &joined) && !find("GET", "/runs/x/y", arg, &joined) && !find("PUT", "/runs", arg, &joined),
	   "nothing else is a route");
	for (size_t i = 0; i < route_count; i++)
		ok(routes[i].summary && routes[i].handle && (strcmp(routes[i].method, "GET") == 0) == !routes[i].form,
		   "%s %s is whole", routes[i].method, routes[i].path);
}

int main(void)
{
	auto_str url = STR_INIT;

	test_targets();
	test_queries();
	test_hosts();
	test_cookies();
	test_routes();
	url_add(&url, "a b/\xc3\xa4?", "/");
	is_str(str_cstr(&url), "a%20b/%C3%A4%3F", "parts of paths are encoded");
	return tap_done();
}
