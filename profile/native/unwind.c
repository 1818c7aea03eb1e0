/* SPDX-License-Identifier: Apache-2.0 */
/* unwind.c - libdw over a copy. Its callbacks get registers and stack from the copy; only what is not in
 * there (code below a signal's own stack, a vdso) is read from the process. */
#include "profile/native/resolve.h"

#include "base/mem.h"

#include <elfutils/version.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Index of the instruction pointer among DWARF registers, -1 where it is none of them. */
#if defined(__x86_64__)
#define SNAP_REG_PC 16
#else
#define SNAP_REG_PC (-1)
#endif

/* Signals within signals that are followed. */
enum { RESUMES_MAX = 16 };

static int cb_find_elf(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base, char **file_name, Elf **elfp)
{
	struct module *m = *userdata;

	(void)mod;
	(void)name;
	(void)base;
	*file_name = NULL;
	*elfp = NULL;
	if (!m || !m->image || !image_ready(m->image))
		return -1;
	if (m->image->copy || m->image->elf.head.e_machine == EM_AARCH64) { /* changed by eh_frame_sign.c */
		*elfp = elf_memory((char *)(uintptr_t)m->image->elf.bytes, m->image->elf.size);
		return -1;
	}
	*file_name = strdup(m->image->path);
	return fcntl(m->image->fd, F_DUPFD_CLOEXEC, 3);
}

/* Asked for only where a function has no entry in .eh_frame: its file may have been compiled without, and be described in a
 * debug file's .debug_frame. */
static int cb_find_debuginfo(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base, const char *file,
			     const char *link, GElf_Word crc, char **out)
{
	struct module *m = *userdata;
	struct elf_file *debug;

	(void)mod;
	(void)name;
	(void)base;
	(void)file;
	(void)link;
	(void)crc;
	*out = NULL;
	if (!m || !m->image || !image_ready(m->image))
		return -1;
	debug = image_debug(m->image);
	if (!debug || !elf_file_has_section(debug, ".debug_frame"))
		return -1;
	return fcntl(m->image->debug_fd, F_DUPFD_CLOEXEC, 3);
}

static pid_t cb_next_thread(Dwfl *dwfl, void *arg, void **thread)
{
	struct native *n = arg;

	(void)dwfl;
	if (*thread || !n->current)
		return 0;
	*thread = n;
	return n->current->tid;
}

static bool cb_get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread)
{
	struct native *n = arg;

	(void)dwfl;
	if (!n->current || n->current->tid != tid)
		return false;
	*thread = n;
	return true;
}

static bool word_read(struct native *n, uint64_t addr, uint64_t *v)
{
	const struct snap_thread *t = n->current;

	if (t->stack_size >= sizeof(*v) && addr >= t->stack_base && addr - t->stack_base <= t->stack_size - sizeof(*v)) {
		memcpy(v, t->stack + (addr - t->stack_base), sizeof(*v));
		return true;
	}
	return peek_u64(&n->p->peek, addr, v);
}

/* The description of pc in its file's table; NULL none. Free it. */
static Dwarf_Frame *frame_described(Dwfl *dwfl, Dwarf_Addr pc)
{
	Dwarf_Addr bias;
	Dwfl_Module *mod = dwfl_addrmodule(dwfl, pc);
	Dwarf_CFI *cfi = mod ? dwfl_module_eh_cfi(mod, &bias) : NULL;
	Dwarf_Frame *frame;

	return cfi && dwarf_cfi_addrframe(cfi, pc - bias, &frame) == 0 ? frame : NULL;
}

#if defined(__aarch64__)
/* A return address may carry its signature in the bits that no address uses (pointer authentication). */
static uint64_t signature_strip(struct native *n, uint64_t v)
{
	uint64_t bare = v & UINT64_C(0x0000ffffffffffff);
	const struct map_entry *map = bare == v ? NULL : maps_find(&n->p->maps, bare);

	return map && map->x ? bare : v;
}

/* mov x8, #139; svc #0: rt_sigreturn, where a handler returns to. */
#define TRAMPOLINE UINT64_C(0xd4000001d2801168)

/* The kernel describes its trampoline by a record that leads to the interrupted function's caller, and leaves out the
 * function itself. Its registers are all in the signal's frame: siginfo of 128 bytes, then the ucontext with
 * its struct sigcontext, as in the kernel's uapi/asm/sigcontext.h and ucontext.h. */
static bool signal_resume(struct native *n, uint64_t pc)
{
	enum { CONTEXT_AT = 128 + 176, REGS_AT = CONTEXT_AT + 8 };
	struct snap_regs regs = { .have = UINT64_C(0xffffffff) };
	uint64_t code;

	if (!n->last_sp || n->resumed == RESUMES_MAX || !peek_u64(&n->p->peek, pc, &code) || code != TRAMPOLINE)
		return false;
	for (unsigned i = 0; i <= 31; i++) /* x0 to x30, sp */
		if (!word_read(n, n->last_sp + REGS_AT + i * sizeof(uint64_t), &regs.r[i]))
			return false;
	if (!word_read(n, n->last_sp + REGS_AT + 32 * sizeof(uint64_t), &regs.pc))
		return false;
	n->regs = regs;
	n->resumed++;
	return true;
}
/* A function without a description and without a frame of its own, as there are in the kernel's vdso: its caller's address
 * is still in x30, while x29 leads to the caller's caller. */
static bool leaf_resume(struct native *n, const struct snap_frame *f)
{
	uint64_t lr = signature_strip(n, n->regs.r[30]), recorded = 0;
	const struct map_entry *map = maps_find(&n->p->maps, lr);
	Dwarf_Frame *described;

	if (!f->activation || n->resumed == RESUMES_MAX || !(n->regs.have >> 30 & 1) || !map || !map->x ||
	    !word_read(n, n->regs.r[SNAP_REG_FP] + 8, &recorded) || signature_strip(n, recorded) == lr)
		return false;
	described = frame_described(n->dwfl, f->pc);
	free(described);
	if (described)
		return false;
	n->regs.pc = lr;
	n->resumed++;
	n->returned = true;
	return true;
}
#else
static uint64_t signature_strip(struct native *n, uint64_t v)
{
	(void)n;
	return v;
}

static bool leaf_resume(struct native *n, const struct snap_frame *f)
{
	(void)n;
	(void)f;
	return false;
}

static bool signal_resume(struct native *n, uint64_t pc)
{
	(void)n;
	(void)pc;
	return false;
}
#endif

static bool is_described(Dwfl *dwfl, Dwarf_Addr pc)
{
	Dwarf_Frame *frame = frame_described(dwfl, pc);
	bool described = frame != NULL;
	Dwarf_Addr bias;
	Dwfl_Module *mod;
	Dwarf_CFI *cfi;

	if (!described && (mod = dwfl_addrmodule(dwfl, pc)) && (cfi = dwfl_module_dwarf_cfi(mod, &bias)))
		described = dwarf_cfi_addrframe(cfi, pc - bias, &frame) == 0;
	free(frame);
	return described;
}

/* Code without a description: its caller by its own instructions. */
static bool epilogue_resume(struct native *n, const struct snap_frame *f)
{
	struct snap_regs caller;

	if (n->resumed == RESUMES_MAX || is_described(n->dwfl, f->pc - (f->activation ? 0 : 1)) ||
	    !epilogue_follow(n, f->pc, n->last_sp, n->fp_lost ? NULL : &n->last_fp, &caller))
		return false;
	n->regs = caller;
	n->resumed++;
	n->returned = true;
	return true;
}

static bool cb_memory_read(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *result, void *arg)
{
	struct native *n = arg;
	uint64_t v;

	(void)dwfl;
	if (!word_read(n, addr, &v))
		return false;
	*result = signature_strip(n, v);
	return true;
}

static bool cb_registers(Dwfl_Thread *thread, void *arg)
{
	struct native *n = arg;
	Dwarf_Word pc = n->regs.pc;

	for (int i = 0; i < SNAP_REGS; i++) {
		Dwarf_Word v = signature_strip(n, n->regs.r[i]);

		if (n->regs.have >> i & 1 && i != SNAP_REG_PC && !dwfl_thread_state_registers(thread, i, 1, &v))
			return false;
	}
#if defined(__x86_64__)
	return dwfl_thread_state_registers(thread, SNAP_REG_PC, 1, &pc);
#else
	dwfl_thread_state_register_pc(thread, pc);
	return true;
#endif
}

/* What frame_pointer.c begins with, should this be the last frame. */
static void frame_registers(Dwfl_Frame *state, struct native *n)
{
#if _ELFUTILS_PREREQ(0, 188)
	Dwarf_Word v;

	n->last_sp = dwfl_frame_reg(state, SNAP_REG_SP, &v) == 0 ? v : 0;
	n->fp_lost = dwfl_frame_reg(state, SNAP_REG_FP, &v) != 0;
	n->last_fp = n->fp_lost ? 0 : v;
#else
	(void)state;
	(void)n;
#endif
}

static int cb_frame(Dwfl_Frame *state, void *arg)
{
	struct native *n = arg;
	const struct snap_frame *last;
	struct snap_frame *f;
	Dwarf_Addr pc;
	bool activation;

	if (!dwfl_frame_pc(state, &pc, &activation))
		return DWARF_CB_ABORT;
	last = n->current->frame_count ? &n->current->frames[n->current->frame_count - 1] : NULL;
	frame_registers(state, n);
	if (last && last->pc == pc && last->sp && last->sp == n->last_sp) /* its own caller: leads nowhere */
		return DWARF_CB_ABORT;
	f = thread_frame_add(n->current);
	if (!f)
		return DWARF_CB_ABORT;
	f->language = "native";
	f->pc = pc;
	f->sp = n->last_sp;
	f->activation = activation && !n->returned;
	n->returned = false;
	n->resume = signal_resume(n, pc) || leaf_resume(n, f) || epilogue_resume(n, f);
	return n->resume ? DWARF_CB_ABORT : DWARF_CB_OK;
}

Dwfl *unwind_begin(struct native *n)
{
	static const Dwfl_Callbacks files = { .find_elf = cb_find_elf, .find_debuginfo = cb_find_debuginfo };
	static const Dwfl_Thread_Callbacks threads = {
		.next_thread = cb_next_thread, .get_thread = cb_get_thread, .memory_read = cb_memory_read,
		.set_initial_registers = cb_registers };
	Dwfl *dwfl = dwfl_begin(&files);

	if (!dwfl)
		return NULL;
	dwfl_report_begin(dwfl);
	for (size_t i = 0; i < n->module_count; i++) {
		struct module *m = &n->modules[i];
		Dwfl_Module *mod;
		void **userdata;

		if (!m->image)
			continue;
		mod = dwfl_report_module(dwfl, m->image->path, m->start, m->end);
		if (!mod)
			continue;
		dwfl_module_info(mod, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
		*userdata = m;
	}
	dwfl_report_end(dwfl, NULL, NULL);
	if (!dwfl_attach_state(dwfl, NULL, n->p->pid, &threads, n)) {
		dwfl_end(dwfl);
		return NULL;
	}
	return dwfl;
}

/* Does the frame say of itself that nobody called it? libdw reports no error where it could not find a caller, say
 * because that takes a frame pointer which a copy without registers does not have. */
static bool is_outermost(Dwfl *dwfl, const struct snap_frame *f)
{
	Dwarf_Frame *frame = frame_described(dwfl, f->pc - (f->activation ? 0 : 1));
	Dwarf_Op memory[3], *ops;
	Dwarf_Addr start, end;
	bool signal, undefined;
	size_t count;
	int ra;

	if (!frame)
		return false;
	ra = dwarf_frame_info(frame, &start, &end, &signal);
	undefined = ra >= 0 && dwarf_frame_register(frame, ra, memory, &ops, &count) == 0 && ops == memory && count == 0;
	free(frame);
	return undefined;
}

bool unwind_thread(struct native *n, struct snap_thread *t)
{
	int result;

	for (size_t i = 0; i < t->frame_count; i++)
		snap_frame_release(&t->frames[i]);
	t->frame_count = 0;
	n->current = t;
	n->fp_lost = false;
	n->regs = t->regs;
	n->resumed = 0;
	n->returned = false;
	do {
		n->resume = false;
		result = dwfl_getthread_frames(n->dwfl, t->tid, cb_frame, n);
	} while (n->resume);
	/* Where unwinding could not even begin, the place where the thread stands is known all the same. */
	if (!t->frame_count) {
		struct snap_frame *f = thread_frame_add(t);

		f->language = "native";
		f->pc = t->regs.pc;
		f->activation = true;
	}
	/* A last return address of 0 is how some outermost frames are marked. */
	if (t->frame_count > 1 && t->frames[t->frame_count - 1].pc == 0) {
		t->frame_count--;
		return true;
	}
	return result == 0 && is_outermost(n->dwfl, &t->frames[t->frame_count - 1]);
}
