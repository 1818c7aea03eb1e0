/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/journal_fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
	_Atomic uintptr_t at;
	_Atomic size_t bytes;
} watched[FAULT_SLOTS];
static uintptr_t page;
static atomic_bool faulted;

/* mmap is a plain system call: it may be made here. */
static bool fault_mend(uintptr_t addr)
{
	for (int i = 0; i < FAULT_SLOTS; i++) {
		uintptr_t at = atomic_load(&watched[i].at), from = addr & ~(page - 1);
		size_t bytes = atomic_load(&watched[i].bytes);
		void *got;

		if (addr < at || addr >= at + bytes)
			continue;
		atomic_store(&faulted, true);
		got = mmap((void *)from, at + bytes - from, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			   -1, 0);
		return got != MAP_FAILED;
	}
	return false;
}

static void fault_handler(int sig, siginfo_t *si, void *context)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };

	(void)context;
	if (si->si_code > 0 && fault_mend((uintptr_t)si->si_addr))
		return;
	/* not ours: the same again, with its default end */
	sigaction(sig, &dfl, NULL);
	if (si->si_code <= 0)
		raise(sig);
}

void journal_fault_install(void)
{
	struct sigaction act = { .sa_sigaction = fault_handler, .sa_flags = SA_SIGINFO };

	page = (uintptr_t)sysconf(_SC_PAGESIZE);
	sigaction(SIGBUS, &act, NULL);
}

void journal_fault_watch(enum journal_fault_slot slot, void *at, size_t bytes)
{
	atomic_store(&watched[slot].bytes, 0);
	atomic_store(&watched[slot].at, (uintptr_t)at);
	atomic_store(&watched[slot].bytes, bytes);
}

void journal_fault_forget(const void *at)
{
	for (int i = 0; i < FAULT_SLOTS; i++)
		if (at && atomic_load(&watched[i].at) == (uintptr_t)at)
			atomic_store(&watched[i].bytes, 0);
}

bool journal_faulted(void)
{
	return atomic_load(&faulted);
}
