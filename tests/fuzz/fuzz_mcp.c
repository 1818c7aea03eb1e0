/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of an agent's client: whatever they hold, the answer is one line of JSON, or none. There is no store. */
#include "base/json_scan.h"
#include "mcp/mcp.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct history_settings settings = { .max_prompt_tokens = 8000 };
	static struct mcp m = { .read = { .dir = "/nonexistent/history" }, .settings = &settings, .root = "/nonexistent",
				.version = "0" };
	auto_str out = STR_INIT;
	auto_str line = STR_INIT;

	str_addn(&line, data, size);
	for (size_t i = 0; i < line.len; i++)
		if (line.data[i] == '\n')
			line.data[i] = ' ';
	mcp_answer(&m, str_cstr(&line), line.len, 0, &out);
	if (out.len && (out.data[out.len - 1] != '\n' || memchr(out.data, '\n', out.len - 1) ||
			!json_scan_value(out.data, out.len - 1)))
		abort();
	return 0;
}
