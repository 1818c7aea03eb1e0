/* SPDX-License-Identifier: Apache-2.0 */
/* embed.h - a file of the source tree inside the program, byte for byte. Paths are relative to
 * the root of the tree (where make runs). The object depends on the file only through
 * make's rules: a file that embeds another is listed there, or includes it in a file of its own.
 *
 *   EMBED(run_trace_schema, "schemas/run_trace_v1.yaml");
 *   … run_trace_schema, EMBED_SIZE(run_trace_schema) …
 */
#ifndef BASE_EMBED_H
#define BASE_EMBED_H

#include <stddef.h>
#include <stdint.h>

#define EMBED(name, path)                                                                       \
	__asm__(".pushsection .rodata\n"                                                        \
		".balign 8\n"                                                                   \
		".globl " #name "\n" #name ":\n"                                                \
		".incbin \"" path "\"\n"                                                        \
		".globl " #name "_end\n" #name "_end:\n"                                        \
		".byte 0\n"                                                                     \
		".popsection\n");                                                               \
	extern const char name[], name##_end[]

/* Bytes of it. */
#define EMBED_SIZE(name) ((size_t)((uintptr_t)name##_end - (uintptr_t)name))

#endif
