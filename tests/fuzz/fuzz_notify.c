/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_notify.c - sd_notify datagrams are written by programs under test: any bytes. */
#include "liveness/notify.h"

#include "base/err.h"
#include "base/utf8.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct notify n, again;
	bool progress = notify_parse(&n, (const char *)data, size);
	size_t len = strnlen(n.status, sizeof(n.status));

	BUG_ON(len == sizeof(n.status));
	BUG_ON(len > 0 && !n.has_status);
	BUG_ON(len > 0 && !utf8_valid(n.status, len));
	for (size_t i = 0; i < len; i++)
		BUG_ON((unsigned char)n.status[i] < 0x20 || n.status[i] == 0x7f);
	BUG_ON(n.has_mainpid && n.mainpid <= 0);
	BUG_ON(progress != (n.ready || n.watchdog || n.stopping || n.reloading || n.has_status));
	BUG_ON(notify_parse(&again, (const char *)data, size) != progress || memcmp(&n, &again, sizeof(n)) != 0);
	return 0;
}
