/* notify.h - what a program says on $NOTIFY_SOCKET (sd_notify(3)). Pure parser of one
 * datagram: NAME=VALUE lines. Foreign bytes: any length, NULs, no final newline. */
#ifndef LIVENESS_NOTIFY_H
#define LIVENESS_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct notify {
	bool ready, watchdog, stopping, reloading;
	bool has_status;
	char status[256];       /* cut, control characters replaced */
	bool has_mainpid;
	int64_t mainpid;
	bool extend_usec;       /* EXTEND_TIMEOUT_USEC=, recorded only */
};

/* Is it progress (contract 6: WATCHDOG=1, STATUS=…)? READY=1 too. */
bool notify_parse(struct notify *n, const char *buf, size_t len);

#endif
