/* SPDX-License-Identifier: Apache-2.0 */
#include "liveness/notify.h"

#include "tests/tap.h"

static struct notify n;

static bool parse(const char *s) { return notify_parse(&n, s, strlen(s)); }

int main(void)
{
	char big[1000];

	ok(parse("WATCHDOG=1") && n.watchdog, "WATCHDOG=1 without a newline");
	ok(parse("READY=1\nSTATUS=ok\nMAINPID=4711\n") && n.ready, "several lines");
	is_str(n.status, "ok", "its status");
	ok(n.has_mainpid && n.mainpid == 4711, "its pid");
	ok(parse("STATUS=") && n.has_status && n.status[0] == '\0', "an empty status is one");
	ok(parse("STATUS=a\nSTATUS=b") && strcmp(n.status, "b") == 0, "the last one wins");
	ok(parse("STOPPING=1") && n.stopping, "stopping");
	ok(parse("RELOADING=1\nMONOTONIC_USEC=5") && n.reloading, "reloading");

	ok(!parse(""), "nothing is no progress");
	ok(!parse("\n\n\n"), "empty lines are none");
	ok(!parse("WATCHDOG=trigger") && !n.watchdog, "a trigger is a cry for help");
	ok(!parse("WATCHDOG=11") && !parse("WATCHDOG=1 ") && !parse(" WATCHDOG=1"), "near misses");
	ok(!parse("watchdog=1"), "names have their case");
	ok(!parse("MAINPID=1") && n.has_mainpid, "a pid is a fact, not progress");
	ok(!parse("EXTEND_TIMEOUT_USEC=5000000") && n.extend_usec, "nor is a wish for more time");
	parse("MAINPID=0");
	ok(!n.has_mainpid, "pid 0");
	parse("MAINPID=-1");
	ok(!n.has_mainpid, "a negative pid");
	parse("MAINPID=99999999999999999999");
	ok(!n.has_mainpid, "a pid out of range");
	parse("MAINPID=2147483648");
	ok(!n.has_mainpid, "a pid just out of range");

	parse("STATUS=a\tb\033[31mred\302\205x");
	is_str(n.status, "a?b?[31mred?x", "control characters are replaced");
	parse("STATUS=gr\303\274n \377\303");
	is_str(n.status, "gr\303\274n ??", "UTF-8 stays, other bytes do not");
	ok(notify_parse(&n, "STATUS=a\0b\nWATCHDOG=1", 21) && n.watchdog, "a NUL does not end it");
	is_str(n.status, "a?b", "and is replaced");
	memset(big, 'x', sizeof(big));
	memcpy(big, "STATUS=", 7);
	ok(notify_parse(&n, big, sizeof(big)), "a long status");
	is_int(strlen(n.status), sizeof(n.status) - 1, "is cut");
	for (size_t i = 8; i + 1 < sizeof(big); i += 2)
		memcpy(big + i, "\303\274", 2);
	notify_parse(&n, big, sizeof(big));
	is_int(strlen(n.status), sizeof(n.status) - 1, "between characters");
	memmove(big + 7, big + 8, sizeof(big) - 8);
	notify_parse(&n, big, sizeof(big) - 1);
	is_int(strlen(n.status), sizeof(n.status) - 2, "never inside of one");
	return tap_done();
}
