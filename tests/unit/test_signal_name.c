/* SPDX-License-Identifier: Apache-2.0 */
/* Our table of signal names against libc's own, where libc has one. */
#include "base/signal_name.h"
#include "tests/tap.h"

#include <signal.h>
#include <string.h>

int main(void)
{
	is_str(signal_abbrev(SIGTERM), "TERM", "TERM");
	is_str(signal_text(SIGKILL), "Killed", "Killed");
	ok(!signal_abbrev(0) && !signal_abbrev(-1) && !signal_abbrev(SIGRTMIN) && !signal_abbrev(1 << 30),
	       "numbers without a name have none");
	is_str(signal_text(-1), "Unknown signal", "and say so");
	for (int sig = 1; sig < 32; sig++) {
		ok(signal_abbrev(sig) != NULL, "signal %d has a name", sig);
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 32)
		is_str(signal_abbrev(sig), sigabbrev_np(sig), "that of libc");
		is_str(signal_text(sig), sigdescr_np(sig), "and its text");
#endif
#endif
	}
	return tap_done();
}
