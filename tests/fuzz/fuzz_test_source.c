/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_test_source.c - source files and source maps that are none: a name or nothing, in bounded time. */
#include "profile/lang/loop_source.h"
#include "profile/lang/source_map.h"
#include "profile/lang/test_source.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *to_base64(const uint8_t *data, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *out = xmalloc(n * 2 + 80), *to = out + sprintf(out, "%s;base64,", SOURCE_MAP_URL);

	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)data[i] << 16 | (i + 1 < n ? (uint32_t)data[i + 1] << 8 : 0) | (i + 2 < n ? data[i + 2] : 0);

		for (int shift = 18; shift >= 0; shift -= 6)
			*to++ = digits[v >> shift & 63];
	}
	*to = '\0';
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source_place place;
	char *text, *url;

	if (size < 2 || size > 20000)
		return 0;
	text = xstrndup((const char *)data + 1, size - 1);
	free(test_source_javascript(text, data[0]));
	free(test_source_ruby(text, data[0]));
	free(loop_source(text, data[0]));
	url = to_base64(data + 1, size - 1);
	if (source_map_place(url, strlen(url), data[0], data[1], &place)) {
		BUG_ON(place.line < 0);
		free(place.file);
	}
	free(url);
	free(text);
	return 0;
}
