/* SPDX-License-Identifier: Apache-2.0 */
/* raw_call.h - system calls without libc. For code that runs in another process's memory (clone with CLONE_VM): that
 * process's thread-local memory, with errno in it, is shared as well, so that a libc function there would change the
 * errno of whoever started it. */
#ifndef BASE_RAW_CALL_H
#define BASE_RAW_CALL_H

#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

/* The result, or -errno. */
static inline long raw_call(long number, long a, long b, long c, long d)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
#endif
}

/* What a child of raw_clone() runs: it never returns. */
typedef void raw_child(void *);

/* clone3 whose child runs run(arg) on the stack that args names (16-byte aligned) and never returns from it.
 * In the parent: the child's pid, or -errno. glibc has such a function, but keeps it to itself. */
static inline long raw_clone(struct clone_args *args, raw_child *run, void *arg)
{
#if defined(__x86_64__)
	register void (*r8)(void *) __asm__("r8") = run;
	register void *r9 __asm__("r9") = arg;
	long result;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r9, %%rdi\n\t"
			 "call *%%r8\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(result)
			 : "0"((long)SYS_clone3), "D"(args), "S"(sizeof(*args)), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory", "cc");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = SYS_clone3;
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = sizeof(*args);
	register void (*x2)(void *) __asm__("x2") = run;
	register void *x3 __asm__("x3") = arg;

	__asm__ volatile("svc 0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, #0\n\t"
			 "mov x30, #0\n\t"
			 "mov x0, x3\n\t"
			 "blr x2\n\t"
			 "brk #1\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3)
			 : "memory", "cc");
	return x0;
#endif
}

#endif
