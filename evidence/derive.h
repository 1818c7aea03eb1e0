/* SPDX-License-Identifier: Apache-2.0 */
/* derive.h - shared by gather_derive.c and derive_chain.c: the rows, sorted to be found. */
#ifndef EVIDENCE_DERIVE_H
#define EVIDENCE_DERIVE_H

#include "evidence/gather.h"

struct derive {
	struct facts *f;
	struct fact_row **proc;   /* sorted by pid */
	size_t n_proc;
	struct fact_row **thread; /* sorted by pid, tid */
	size_t n_thread;
	bool roots_given;
	const char *arch;
};

struct fact_row *derive_process(const struct derive *d, int64_t pid);
/* Index of the thread, of the main thread where tid is not positive; -1 where it was not seen. */
int64_t derive_thread(const struct derive *d, int64_t pid, int64_t tid);
static inline bool derive_is_alive(const struct fact_row *p)
{
	const char *state = fact_text(p, FC_PROCESS_state);

	return *state && *state != 'Z' && *state != 'X';
}

/* Marks the roots where no snapshot did, ranks them, and gives each thread on a way to one its chain from the command. */
void derive_chains(struct derive *d);

#endif
