/* SPDX-License-Identifier: Apache-2.0 */
/* ruby.h - threads of CRuby out of another process's memory, 3.0 to 3.4.
 *
 *   ruby_read.c  objects, names, lines, control frames
 *   ruby.c       the threads of a process: found, walked, merged; what they wait for */
#ifndef PROFILE_LANG_RUBY_H
#define PROFILE_LANG_RUBY_H

#include "profile/lang/memory.h"

#include <stdint.h>

struct ruby_layout {
	unsigned version; /* 301 is 3.1 */
	uint32_t cfp_size, insn_info, insn_count, insn_index, entry_size, string_embedded, running;
};
/* NULL where the version is not known. */
const struct ruby_layout *ruby_layout_of(unsigned version);

struct ruby_mem {
	struct lang_mem m;
	struct ruby_layout l;
	uint64_t ids;     /* the array of all method names; 0 unknown */
};

enum { RUBY_STRING = 5, RUBY_ARRAY = 7, RUBY_DATA = 12, RUBY_IMEMO = 26 };
/* An object's type; 0 where there is none. */
unsigned ruby_type(struct ruby_mem *r, uint64_t object);
/* Caller frees; NULL where it is no String. */
char *ruby_string(struct ruby_mem *r, uint64_t object);
/* Element i; 0 none. */
uint64_t ruby_element(struct ruby_mem *r, uint64_t array, uint64_t i);
/* Is it a wrapped C structure of that type ("mutex")? Its address then; 0. */
uint64_t ruby_data(struct ruby_mem *r, uint64_t object, const char *type);
/* Name of a method by its number; NULL. Caller frees. */
char *ruby_id(struct ruby_mem *r, uint64_t id);

/* One control frame, as it stands on the thread's own stack. */
struct ruby_frame {
	char *function, *file; /* file NULL: of a method in C */
	int line;
};
/* Names one of cfp_size bytes; false where it is no call. */
bool ruby_frame_name(struct ruby_mem *r, const unsigned char *cfp, struct ruby_frame *f);
/* Line of instruction `position` of an iseq's body; 0 unknown. */
int ruby_line(struct ruby_mem *r, uint64_t body, uint64_t position);

/* For samplers (sample/ruby.c): opened once a process, threads listed now and then, control frames copied while a thread
 * stands and named afterwards, for code stays where it is. */
struct ruby;
struct native;
struct ruby *ruby_sample_open(struct native *n);
void ruby_sample_free(struct ruby *ruby);
void ruby_sample_list(struct ruby *ruby);
size_t ruby_sample_copy(const struct ruby *ruby, uint64_t tid, unsigned char *out, size_t size);
size_t ruby_sample_frame_bytes(const struct ruby *ruby);
struct ruby_mem *ruby_sample_mem(struct ruby *ruby);

#endif
