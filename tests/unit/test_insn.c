/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths of instructions, held against a disassembler's; and what they do to the stack pointer. */
#include "profile/native/insn.h"

#include "tests/tap.h"

#include <stdlib.h>

static struct insn of(const char *hex)
{
	unsigned char b[INSN_BYTES] = { 0 };
	struct insn i = { 0 };
	unsigned v;

	for (size_t n = 0; n < INSN_BYTES && sscanf(hex + 2 * n, "%2x", &v) == 1; n++)
		b[n] = (unsigned char)v;
	if (!insn_decode(b, &i))
		i.length = 0;
	return i;
}

static void test_effects(void)
{
	static const struct {
		const char *hex, *words;
		unsigned length;
		enum insn_effect effect;
		int reg;
		int64_t value;
	} rows[] = {
		{ "5d", "pop %rbp", 1, INSN_POP, 6, 0 },
		{ "415e", "pop %r14", 2, INSN_POP, 14, 0 },
		{ "5b", "pop %rbx", 1, INSN_POP, 3, 0 },
		{ "6a00", "push $0", 2, INSN_PUSH, -1, 0 },
		{ "4883c418", "add $24, %rsp", 4, INSN_ADD_SP, -1, 24 },
		{ "4881ec00010000", "sub $256, %rsp", 7, INSN_ADD_SP, -1, -256 },
		{ "488d642410", "lea 16(%rsp), %rsp", 5, INSN_ADD_SP, -1, 16 },
		{ "488d65d8", "lea -40(%rbp), %rsp", 4, INSN_SP_FROM_FP, -1, -40 },
		{ "488b6c2408", "mov 8(%rsp), %rbp", 5, INSN_LOAD, 6, 8 },
		{ "c9", "leave", 1, INSN_SP_FROM_FP, 6, 0 },
		{ "c3", "ret", 1, INSN_RETURN, -1, 0 },
		{ "e8fbffffff", "call", 5, INSN_CALL, -1, -5 },
		{ "ff1500000000", "call through a pointer", 6, INSN_CALL, -1, 0 },
		{ "ffe0", "jmp through a register", 2, INSN_END, -1, 0 },
		{ "ebfe", "jmp", 2, INSN_JUMP, -1, -2 },
		{ "0f8400010000", "je", 6, INSN_BRANCH, -1, 256 },
		{ "0f0b", "ud2", 2, INSN_END, -1, 0 },
		{ "f4", "hlt", 1, INSN_END, -1, 0 },
		{ "0f05", "syscall", 2, INSN_STEP, -1, 0 },
		{ "4885c0", "test %rax, %rax", 3, INSN_STEP, -1, 0 },
	};

	for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
		struct insn i = of(rows[n].hex);

		/* what is no part of the effect is not said */
		ok(i.length == rows[n].length && i.effect == rows[n].effect &&
			   (rows[n].effect == INSN_PUSH || i.reg == rows[n].reg) && i.value == rows[n].value,
		   "%s", rows[n].words);
	}
	ok(of("4883e4f0").length == 0, "and $-16, %%rsp: where the stack pointer then is, nobody knows");
	ok(of("c5f877").length == 0, "a vector instruction is not known");
	ok(of("66666666666666660f1f00").length == 0, "nor one with too many prefixes");
}

/* objdump: "  401000:\t48 83 ec 08 \tsub ..." */
static void test_lengths(void)
{
	FILE *f = popen("objdump -d -w -j .text /bin/sh 2>/dev/null", "r");
	char line[512];
	int seen = 0, unknown = 0, wrong = 0;

	while (f && fgets(line, sizeof(line), f)) {
		char *bytes = strchr(line, '\t'), *words = bytes ? strchr(bytes + 1, '\t') : NULL;
		unsigned char b[INSN_BYTES] = { 0 };
		unsigned n = 0, v;
		struct insn i;

		if (!words || strstr(words, "(bad)"))
			continue;
		*words = '\0';
		for (char *p = bytes + 1; n < INSN_BYTES && sscanf(p, "%2x", &v) == 1; p += 3)
			b[n++] = (unsigned char)v;
		seen++;
		if (!insn_decode(b, &i))
			unknown++;
		else if (i.length != n && wrong++ < 5)
			printf("# %s: %u and not %u bytes\n", words + 1, i.length, n);
	}
	if (f)
		pclose(f);
	if (!seen) {
		ok(true, "lengths # SKIP no objdump, or nothing of this processor");
		return;
	}
	printf("# %d instructions, %d of them not known\n", seen, unknown);
	is_int(wrong, 0, "every length is the disassembler's");
	ok(unknown * 50 < seen, "and nearly all are known");
}

int main(void)
{
	test_effects();
#if defined(__x86_64__)
	test_lengths();
#endif
	return tap_done();
}
