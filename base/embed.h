/* embed.h - a file as part of the program: EMBED(name, "path/from/the/root") defines the bytes
 * name[0] … name_end[0] (read-only, a NUL behind the end). The assembler reads the file, so
 * nothing is generated; the object must be made again when the file changes. Use at file scope. */
#ifndef BASE_EMBED_H
#define BASE_EMBED_H

#define EMBED(name, path)                                                                       \
	__asm__(".pushsection .rodata." #name ",\"a\"\n"                                        \
		".balign 16\n"                                                                  \
		#name ":\n"                                                                     \
		".incbin \"" path "\"\n"                                                        \
		#name "_end:\n"                                                                 \
		".byte 0\n"                                                                     \
		".popsection\n");                                                               \
	extern const char name[] __attribute__((visibility("hidden")));                         \
	extern const char name##_end[] __attribute__((visibility("hidden")))

#endif
