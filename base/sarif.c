/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sarif.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

void sarif_begin(struct json *j, const char *tool)
{
	json_object(j, NULL);
	json_str(j, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	json_str(j, "version", "2.1.0");
	json_array(j, "runs");
	json_object(j, NULL);
	json_object(j, "tool");
	json_object(j, "driver");
	json_str(j, "name", tool);
	json_str(j, "version", SPEC_RUNNER_VERSION);
	json_array(j, "rules");
}

void sarif_results(struct json *j, const char *id)
{
	json_array_end(j);
	json_object_end(j);
	json_object_end(j);
	if (id) {
		json_object(j, "automationDetails");
		json_str(j, "id", id);
		json_object_end(j);
	}
	json_array(j, "results");
}

void sarif_end(struct json *j)
{
	json_array_end(j);
	json_object_end(j);
	json_array_end(j);
	json_object_end(j);
}

void sarif_text(struct json *j, const char *key, const char *text)
{
	json_object(j, key);
	json_str(j, "text", text);
	json_object_end(j);
}

/* A file name as a URI reference: what RFC 3986 does not allow is escaped. */
static char *uri_of(const char *file)
{
	auto_str out = STR_INIT;

	if (*file == '/')
		str_add(&out, "file://");
	for (; *file; file++) {
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/+@", *file))
			str_addc(&out, *file);
		else
			str_addf(&out, "%%%02X", (unsigned char)*file);
	}
	return str_steal(&out);
}

void sarif_place(struct json *j, const char *file, const char *base, int64_t line)
{
	auto_free char *uri = uri_of(file);

	json_object(j, "physicalLocation");
	json_object(j, "artifactLocation");
	json_str(j, "uri", uri);
	if (base)
		json_str(j, "uriBaseId", base);
	json_object_end(j);
	if (line > 0) {
		json_object(j, "region");
		json_int(j, "startLine", line);
		json_object_end(j);
	}
	json_object_end(j);
}
