/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_proc_files.c - links of descriptors, tables of sockets, /proc/locks, socket addresses. */
#include "profile/proc/fdtable.h"
#include "profile/waits/waits.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct sock_info s = { .proto = "" };
	struct sqlite_lock q;
	struct lock_wait l;
	char addr[200];
	uint64_t ino;

	fd_kind_parse(text, &ino);
	for (uint64_t i = 100; i < 104; i++) {
		sock_table_parse(text, strlen(text), i & 1, i, &s);
		BUG_ON(strnlen(s.local, sizeof(s.local)) == sizeof(s.local));
		sock_peer_parse(text, strlen(text), i & 1, &s);
		unix_table_parse(text, strlen(text), i, &s);
		BUG_ON(strnlen(s.local, sizeof(s.local)) == sizeof(s.local));
		if (sqlite_lock_parse(text, strlen(text), i, 0, &q))
			BUG_ON(q.holder <= 0);
		if (lock_wait_parse(text, strlen(text), (pid_t)i, 0, &l))
			BUG_ON(strnlen(l.text, sizeof(l.text)) == sizeof(l.text));
	}
	sock_addr_text(data, size, addr, sizeof(addr));
	free(text);
	return 0;
}
