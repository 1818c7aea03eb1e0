/* SPDX-License-Identifier: Apache-2.0 */
/* hex.h - digits of hexadecimal numbers. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stdint.h>
#include <string.h>

/* 0 to 15, in either case; -1 if c is not a hexadecimal digit. */
static inline int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Like hex_digit, in lower case only, as our identifiers and those of W3C are written. */
static inline int hex_digit_lower(char c)
{
	return c >= 'A' && c <= 'F' ? -1 : hex_digit(c);
}

/* The number that the digits of this base (2 to 16) at the start of s[0..n) write, modulo 2^32; *used: how many they are. */
static inline uint32_t hex_digits(const char *s, size_t n, unsigned base, size_t *used)
{
	uint32_t v = 0;
	size_t i = 0;

	for (int d; i < n && (d = hex_digit(s[i])) >= 0 && (unsigned)d < base; i++)
		v = v * base + (unsigned)d;
	*used = i;
	return v;
}

/* Reads n bytes out of 2 n digits at s. 0, or -1 if one is not a digit (or the text ends early). */
static inline int hex_bytes(const char *s, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(s[2 * i]), low = high < 0 ? -1 : hex_digit(s[2 * i + 1]);

		if (low < 0)
			return -1;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

#endif
