/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_maps.c - /proc/PID/maps: a path in it may hold anything. */
#include "profile/proc/maps.h"

#include "base/err.h"
#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1);
	struct maps m;

	memcpy(text, data, size);
	text[size] = '\0';
	maps_parse(&m, text, size);
	for (size_t i = 0; i < m.n; i++) {
		BUG_ON(m.v[i].start >= m.v[i].end);
		BUG_ON(i && m.v[i].start < m.v[i - 1].end);
		BUG_ON(m.v[i].path < m.text || m.v[i].path + strlen(m.v[i].path) > m.text + size);
		BUG_ON(maps_find(&m, m.v[i].start) != &m.v[i] || maps_find(&m, m.v[i].end - 1) != &m.v[i]);
	}
	maps_release(&m);
	return 0;
}
