/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a YAML text: a tree whose places make sense, or one usage error. */
#include "base/yaml.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct yaml_node *n, uint32_t depth)
{
	static const char *const words[] = { "off", "basic", NULL };
	struct err e;
	const char *s;
	int64_t i;
	uint32_t count = 0;
	bool b;
	int w;
	char label[YAML_LABEL_SIZE];

	/* 64 lists or maps, and a scalar in the last one */
	if (depth > 65 || !n->line || !n->column)
		abort();
	yaml_label(n, label);
	if (yaml_as_int(n, -9, 9, &i, &e) < 0 && e.kind != ERR_USAGE)
		abort();
	yaml_as_bool(n, &b, &e);
	yaml_as_word(n, words, &w, &e);
	yaml_as_string(n, &s, &e);
	if (n->kind == YAML_MAP)
		yaml_check_keys(n, words, &e);
	yaml_each(item, n) {
		if (item->parent != n || item->index != count++ || (n->kind == YAML_MAP) != (item->key != NULL))
			abort();
		walk(item, depth + 1);
	}
	if (count != n->count)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct yaml_doc *doc = NULL;
	struct err e = { 0 };

	if (yaml_parse(&doc, "fuzz", (const char *)data, size, 1, NULL, &e) < 0) {
		if (e.kind != ERR_USAGE || !e.msg[0] || doc)
			abort();
		return 0;
	}
	walk(yaml_root(doc), 1);
	yaml_doc_free(doc);
	return 0;
}
