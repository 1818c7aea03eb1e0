/* SPDX-License-Identifier: Apache-2.0 */
/* The case reader on any bytes: as YAML, and as Markdown where the first byte says so. Whatever it says,
 * it says one line with the file's name. */
#include "base/err.h"
#include "runner/cases/case_file.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool markdown = size && data[0] == '#';
	const char *name = markdown ? "f.spec.md" : "f.spec.yaml";
	struct case_set s;
	struct err e = { 0 };

	case_set_init(&s);
	if (case_set_read_text(&s, name, (const char *)data, size, &e) < 0) {
		BUG_ON(e.kind != ERR_USAGE);
		BUG_ON(!strstr(e.msg, name));
		BUG_ON(strchr(e.msg, '\n') != NULL);
	}
	case_set_release(&s);
	return 0;
}
