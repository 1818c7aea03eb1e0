/* SPDX-License-Identifier: Apache-2.0 */
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
	char status[256];       /* UTF-8, cut between characters; control characters and bytes that
				 * are not UTF-8 are replaced by '?'; NUL-terminated */
	bool has_mainpid;
	int64_t mainpid;        /* > 0; a claim of the sender, never acted on */
	bool extend_usec;       /* EXTEND_TIMEOUT_USEC=, recorded only */
};

/* Fills n from one datagram; the last of several equal names wins, unknown ones are skipped. Is it
 * progress? READY=1, RELOADING=1, STOPPING=1, WATCHDOG=1 and STATUS= are (contract 6 names the last two; a
 * program that changes its state has moved). WATCHDOG=trigger is a cry for help, so it is not. */
bool notify_parse(struct notify *n, const char *buf, size_t len);

#endif
