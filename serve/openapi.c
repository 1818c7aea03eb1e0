/* SPDX-License-Identifier: Apache-2.0 */
/* openapi.c - OpenAPI 3.1 of the API, written from the table of routes; shapes of answers stand in openapi_parts.json. */
#include "base/embed.h"
#include "serve/route.h"

#include <string.h>

EMBED(openapi_parts, "serve/openapi_parts.json");

static const struct { int status; const char *text;
} refusals[] = {
	{ 400, "The words of the request are wrong" },
	{ 401, "No token, or a wrong one" },
	{ 404, "There is no such thing" },
	{ 405, "Not with this method" },
	{ 421, "The Host is not one of ours" },
	{ 503, "The store cannot be read" },
};
static const struct { int status; const char *text; } body_refusals[] = {
	{ 413, "The body is larger than 1 MiB" }, { 415, "The body is of another media type" },
};

/* "/tests/{suite}/{case_id+}" -> "/tests/{suite}/{case_id}" */
static void path_template(const char *path, struct str *out)
{
	for (; *path; path++)
		if (*path != '+' || path[1] != '}')
			str_addc(out, *path);
}

static void text_schema(struct json *j, const char *name)
{
	static const struct { const char *name, *pattern; } patterns[] = {
		{ "run_id", "^run-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$" },
		{ "artifact_id", "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" },
	};

	json_object(j, "schema");
	json_str(j, "type", strcmp(name, "limit") == 0 ? "integer" : "string");
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (strcmp(name, patterns[i].name) == 0)
			json_str(j, "pattern", patterns[i].pattern);
	json_object_end(j);
}

static void parameter(struct json *j, const char *name, size_t n, const char *where)
{
	auto_str text = STR_INIT;

	str_addn(&text, name, n);
	json_object(j, NULL);
	json_str(j, "name", str_cstr(&text));
	json_str(j, "in", where);
	if (strcmp(where, "path") == 0)
		json_bool(j, "required", true);
	text_schema(j, str_cstr(&text));
	json_object_end(j);
}

static void parameters(struct json *j, const struct route *r)
{
	json_array(j, "parameters");
	for (const char *p = strchr(r->path, '{'); p; p = strchr(p + 1, '{'))
		parameter(j, p + 1, strcspn(p + 1, "+}"), "path");
	for (const char *p = r->query; *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		parameter(j, p, n, "query");
		p += n;
	}
	json_array_end(j);
}

static void content(struct json *j, const char *media, const char *schema)
{
	auto_str ref = STR_INIT;

	json_object(j, "content");
	json_object(j, media);
	json_object(j, "schema");
	if (schema) {
		str_addf(&ref, "#/components/schemas/%s", schema);
		json_str(j, "$ref", str_cstr(&ref));
	}
	json_object_end(j);
	json_object_end(j);
	json_object_end(j);
}

static void response(struct json *j, int status, const char *text, const char *media, const char *schema)
{
	auto_str key = STR_INIT;

	str_add_i64(&key, status);
	json_object(j, str_cstr(&key));
	json_str(j, "description", text);
	content(j, media, schema);
	json_object_end(j);
}

static void responses(struct json *j, const struct route *r)
{
	static const char *const media[] = {
		[ROUTE_API] = "application/json", [ROUTE_BYTES] = "*/*", [ROUTE_PAGE] = "text/html"
	};

	json_object(j, "responses");
	response(j, r->status, r->summary, media[r->kind], r->schema);
	if (r->kind == ROUTE_BYTES || (r->form && r->status == 202))
		response(j, 403, r->form ? "Without --allow-optimize" : "A binary file", "application/json", "Error");
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (!r->open || refusals[i].status != 401)
			response(j, refusals[i].status, refusals[i].text, "application/json", "Error");
	for (size_t i = 0; r->form && i < sizeof(body_refusals) / sizeof(body_refusals[0]); i++)
		response(j, body_refusals[i].status, body_refusals[i].text, "application/json", "Error");
	json_object_end(j);
}

static void operation(struct json *j, const struct route *r)
{
	json_object(j, strcmp(r->method, "GET") == 0 ? "get" : "post");
	json_str(j, "summary", r->summary);
	parameters(j, r);
	if (r->form) {
		json_object(j, "requestBody");
		json_bool(j, "required", true);
		content(j, "application/json", r->body_schema);
		json_object_end(j);
	}
	responses(j, r);
	if (r->open) {
		json_array(j, "security");
		json_array_end(j);
	}
	json_object_end(j);
}

/* All methods of a path stand in one object, at its first row. */
static void paths(struct json *j)
{
	json_object(j, "paths");
	for (size_t i = 0; i < route_count; i++) {
		auto_str path = STR_INIT;
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen = seen || strcmp(routes[k].path, routes[i].path) == 0;
		if (seen || routes[i].kind == ROUTE_PAGE)
			continue;
		path_template(routes[i].path, &path);
		json_object(j, str_cstr(&path));
		for (size_t k = i; k < route_count; k++)
			if (strcmp(routes[k].path, routes[i].path) == 0)
				operation(j, &routes[k]);
		json_object_end(j);
	}
	json_object_end(j);
}

int api_openapi(struct call *c, struct err *e)
{
	static const char security[] = "[{\"bearer\":[]}]";
	static const char schemes[] = "\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"}}";
	auto_str parts = STR_INIT;
	size_t n = EMBED_SIZE(openapi_parts);
	struct json j;

	(void)e;
	json_init(&j, &c->a->body);
	json_object(&j, NULL);
	json_str(&j, "openapi", "3.1.0");
	json_object(&j, "info");
	json_str(&j, "title", "spec-runner history");
	json_str(&j, "version", c->sv->version);
	json_object_end(&j);
	if (*c->sv->prefix) {
		json_array(&j, "servers");
		json_object(&j, NULL);
		json_str(&j, "url", c->sv->prefix);
		json_object_end(&j);
		json_array_end(&j);
	}
	json_raw(&j, "security", security, sizeof(security) - 1);
	paths(&j);
	/* the parts are one object: its members and ours make the components */
	while (n && openapi_parts[n - 1] != '}')
		n--;
	str_addn(&parts, openapi_parts, n - 1);
	str_addf(&parts, ",%s}", schemes);
	json_raw(&j, "components", str_cstr(&parts), parts.len);
	json_object_end(&j);
	json_finish(&j);
	str_addc(&c->a->body, '\n');
	return 0;
}
