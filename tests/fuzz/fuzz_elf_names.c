/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_elf_names.c - names that other people's compilers wrote, and xz streams that they packed names into. */
#include "profile/native/resolve.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libiberty's Rust demangler does not free what it decoded of a damaged Punycode name: a few bytes, in a program that
 * lives for one look. */
const char *__lsan_default_suppressions(void)
{
	return "leak:print_ident\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);
	auto_free char *name = demangle(text);
	struct elf_file f;
	size_t n;

	BUG_ON(name && strlen(name) > 1027);
	if (size && data[0] != '_') {
		auto_free unsigned char *bytes = debug_data_unpack(data, size, &n);

		BUG_ON(bytes && n > (64 << 20) * 2);
		if (bytes && elf_file_from(&f, bytes, n) == 0)
			elf_file_close(&f);
	}
	return 0;
}
