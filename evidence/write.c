/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/write.h"

#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"

static void print_value(struct json *j, enum fact_col c, const struct fact_value *v)
{
	const char *name = fact_columns[c].name;

	switch (fact_columns[c].type) {
	case FACT_TEXT: json_str(j, name, v->s); break;
	case FACT_INT: json_int(j, name, v->i); break;
	case FACT_NUM: json_fixed(j, name, v->n, 3); break;
	case FACT_BOOL: json_bool(j, name, v->b); break;
	}
}

static void print_row(struct json *j, const struct fact_row *r)
{
	json_line(j);
	json_object(j, NULL);
	json_str(j, "fact", fact_kinds[r->kind].name);
	if (r->file && *r->file) {
		auto_free char *from = xasprintf("%s#%s", r->file, r->at ? r->at : "");

		json_str(j, "from", from);
	}
	for (enum fact_col c = fact_first(r->kind); c < fact_end(r->kind); c++) {
		const struct fact_value *v = fact_get(r, c);

		if (v->known)
			print_value(j, c, v);
	}
	json_object_end(j);
}

void evidence_print(const struct facts *f, struct str *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_array(&j, "facts");
	for (int k = 0; k < FACT_KIND_COUNT; k++)
		for (size_t i = 0; i < f->table[k].n; i++)
			print_row(&j, f->table[k].rows[i]);
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}

int evidence_write(struct facts *f, const char *dir, const char *name, struct err *e)
{
	auto_free char *path = xasprintf("%s/facts-%s.json", dir, name);
	auto_str text = STR_INIT;

	facts_sort(f);
	evidence_print(f, &text);
	if (file_write(path, str_cstr(&text), text.len, e) < 0)
		return err_add(e, "writing evidence");
	return 0;
}
