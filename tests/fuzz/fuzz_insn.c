/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_insn.c - the code of other people's programs, one instruction after the other. */
#include "profile/native/insn.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t at = 0; at < size;) {
		/* exactly as many bytes as promised: a look behind them is found */
		unsigned char *b = calloc(1, INSN_BYTES);
		struct insn i;
		size_t n = size - at < INSN_BYTES ? size - at : INSN_BYTES;
		bool known;

		if (!b)
			abort();
		memcpy(b, data + at, n);
		known = insn_decode(b, &i);
		free(b);
		if (known && (i.length == 0 || i.length > INSN_LONGEST))
			abort();
		at += known ? i.length : 1;
	}
	return 0;
}
