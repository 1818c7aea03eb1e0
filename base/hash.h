/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - the one hash of bytes for tables and checksums: not for what an attacker may choose, and not to be kept
 * beyond this build. Every step can be undone, so that two inputs of one size that differ within one word of eight bytes
 * never have the same hash. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_MULTIPLIER UINT64_C(0xff51afd7ed558ccd)

static inline uint64_t hash_step(uint64_t h, uint64_t word)
{
	h = (h ^ word) * HASH_MULTIPLIER;
	return h ^ h >> 32;
}

static inline uint64_t hash_word(const unsigned char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* seed: of the caller's choice, or the hash of what comes before. */
static inline uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t n)
{
	const unsigned char *p = bytes, *end = p + n;
	uint64_t h = hash_step(seed, n), last = 0;

	if (n >= 32) { /* a processor does four chains in the time of one */
		uint64_t a = h, b = ~h, c = h + HASH_MULTIPLIER, d = h - HASH_MULTIPLIER;

		for (; end - p >= 32; p += 32) {
			a = hash_step(a, hash_word(p));
			b = hash_step(b, hash_word(p + 8));
			c = hash_step(c, hash_word(p + 16));
			d = hash_step(d, hash_word(p + 24));
		}
		h = hash_step(hash_step(hash_step(a, b), c), d);
	}
	for (; end - p >= 8; p += 8)
		h = hash_step(h, hash_word(p));
	if (p < end && n >= 8)
		last = hash_word(end - 8); /* some of it a second time */
	else
		while (p < end)
			last = last << 8 | *p++;
	h = hash_step(h, last);
	return (h ^ h >> 29) * UINT64_C(0xc4ceb9fe1a85ec53);
}

#endif
