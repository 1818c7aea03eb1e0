/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_scriptmem.c - the memory of a Node, a Ruby, a PHP or a Perl that is none: objects, strings, frames, lines. The bytes are the target's
 * memory from the second page on, read through a descriptor, and a thread's stack at once. */
#include "profile/lang/perl.h"
#include "profile/lang/php.h"
#include "profile/lang/ruby.h"
#include "profile/lang/v8.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The whole of it is a heap. */
static void chains(struct v8 *v, size_t size)
{
	struct map_entry map = { .start = 0, .end = LANG_PAGE + (size & ~(size_t)7), .r = true, .w = true, .path = "" };
	struct snap_process p = { .maps = { .v = &map, .n = 1 } };
	struct v8_chain *c;
	size_t n = v8_chains(v, &p, INT64_MAX, &c);

	for (size_t i = 0; i < n; i++)
		v8_chain_release(&c[i]);
	free(c);
}

static void node(struct peek *peek, const uint8_t *data, size_t size)
{
	static const struct v8_layout layout = {
		.tagged_size = 8, .fp_function = -16, .fp_bytecode_array = -32, .fp_bytecode_offset = -40, .map_type = 12,
		.function_shared = 24, .function_context = 32, .shared_name = 16, .shared_script = 32, .script_name = 16, .script_source = 8,
		.script_ends = 56, .string_length = 12, .cons_first = 16, .cons_second = 24, .thin_actual = 16,
		.sliced_parent = 16, .sliced_offset = 24, .string_limit = 128, .representation_mask = 7, .encoding_mask = 8,
		.one_byte = 8, .cons = 1, .external = 2, .sliced = 3, .thin = 5, .type_shared = 200, .type_script = 201,
		.type_scope = 202, .type_bytecode = 203, .type_bytes = 204, .type_trusted_bytes = -1, .type_array = 205,
		.type_code = 206, .bytecode_data = 54, .code_inline = 64, .type_async = 208,
		.type_async_generator = 209, .type_promise = 210, .type_reaction = 211, .type_capability = 212,
	};
	struct v8_stack stack = { LANG_PAGE, data, size };
	struct snap_frame native[2] = { { .sp = LANG_PAGE } };
	struct v8_frame *frames = xcalloc(V8_FRAMES_MAX, sizeof(*frames));
	struct v8 *v = xcalloc(1, sizeof(*v));
	int32_t position;
	bool exact;
	size_t n;

	v->l = layout;
	lang_mem_init(&v->m, peek);
	free(v8_string(v, LANG_PAGE + 1, 1000));
	n = v8_frames(v, &stack, frames);
	BUG_ON(n > V8_FRAMES_MAX);
	native[1].sp = bytes_u64(data, size, 8);
	n = v8_frames_live(frames, n, &stack, native, 2, bytes_u64(data, size, 0), data[0] & 1);
	for (size_t i = 0; i < n; i++) {
		BUG_ON(!frames[i].function || frames[i].line < 0);
		v8_frame_release(&frames[i]);
	}
	chains(v, size);
	if (v8_position(data, size, data[0], &position, &exact))
		BUG_ON(position < 0);
	v8_release(v);
	free(frames);
	free(v);
}

static void ruby(struct peek *peek, const uint8_t *data, size_t size)
{
	for (unsigned version = 300; version <= 304; version++) {
		struct ruby_mem r = { .l = *ruby_layout_of(version), .ids = LANG_PAGE };
		struct ruby_frame f;

		lang_mem_init(&r.m, peek);
		free(ruby_string(&r, LANG_PAGE + 64));
		free(ruby_id(&r, data[1] * 997u));
		ruby_data(&r, LANG_PAGE + 8, "mutex");
		BUG_ON(ruby_line(&r, LANG_PAGE, data[2]) < 0);
		for (size_t at = 0; at + r.l.cfp_size <= size && at < 4096; at += r.l.cfp_size)
			if (ruby_frame_name(&r, data + at, &f)) {
				BUG_ON(!f.function || f.line < 0);
				free(f.function);
				free(f.file);
			}
		lang_mem_release(&r.m);
	}
}

static void php(struct peek *peek)
{
	struct script_stack *calls = xcalloc(1, sizeof(*calls));
	struct php_calls *read = xcalloc(1, sizeof(*read));
	struct lang_mem m;

	lang_mem_init(&m, peek);
	if (php_calls_read(&m, LANG_PAGE - 400, read)) {
		BUG_ON(!read->count || read->count > PHP_CALLS_MAX);
		php_calls_name(&m, read, calls);
		for (size_t i = 0; i < calls->count; i++)
			BUG_ON(!calls->v[i].function || calls->v[i].line < 0);
		script_stack_release(calls);
	}
	lang_mem_release(&m);
	free(calls);
	free(read);
}

static void perl(struct peek *peek)
{
	static const struct perl_places at = { LANG_PAGE, LANG_PAGE + 8, LANG_PAGE + 16 };
	struct script_stack *calls = xcalloc(1, sizeof(*calls));
	struct perl_calls *read = xcalloc(1, sizeof(*read));

	for (unsigned version = 28; version <= 36; version += 4) {
		struct perl_mem p = { .l = *perl_layout_of(version), .threads = version != 32 };

		lang_mem_init(&p.m, peek);
		if (perl_calls_read(&p, &at, read)) {
			BUG_ON(read->count > PERL_CONTEXTS_MAX);
			perl_calls_name(&p, read, calls);
			for (size_t i = 0; i < calls->count; i++)
				BUG_ON(!calls->v[i].function || calls->v[i].line < 0);
			script_stack_release(calls);
		}
		lang_mem_release(&p.m);
	}
	free(calls);
	free(read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peek peek;
	static int fd = -1;

	if (size < 80 || size > 1 << 16)
		return 0;
	if (fd < 0)
		fd = memfd_create("memory", MFD_CLOEXEC);
	if (ftruncate(fd, 0) || pwrite(fd, data, size, LANG_PAGE) != (ssize_t)size ||
	    ftruncate(fd, (off_t)((size + 2 * LANG_PAGE - 1) / LANG_PAGE * LANG_PAGE)))
		return 0;
	peek = (struct peek){ .pid = getpid(), .mem_fd = fd };
	node(&peek, data, size);
	ruby(&peek, data, size);
	php(&peek);
	perl(&peek);
	return 0;
}
