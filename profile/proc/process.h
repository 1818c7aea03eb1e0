/* SPDX-License-Identifier: Apache-2.0 */
/* process.h - what /proc tells of a process, cheaply enough for every heartbeat.
 *
 * Nothing here links a parser of other people's binaries: the supervisor uses this file. Every
 * reader survives a process that vanishes: it returns -1 with errno ESRCH and leaves its output
 * zeroed. Parsers are apart from readers, take any bytes, and are fuzzed.
 * Kept descriptors are also safe against a reused PID: the kernel binds an open file of
 * /proc/PID to the process it was opened for, and answers ESRCH once that one is gone. */
#ifndef PROFILE_PROC_PROCESS_H
#define PROFILE_PROC_PROCESS_H

#include "base/fd.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* /proc/PID/stat. comm holds any bytes but NUL (also ')' and newlines), as the program set it. */
#define PROC_COMM_SIZE 65
struct proc_stat {
	pid_t pid, ppid, pgrp, session, tpgid;
	char comm[PROC_COMM_SIZE];
	char state;           /* R S D T t Z X I */
	int tty_nr;           /* 0: no terminal */
	unsigned flags;       /* PF_*: PF_KTHREAD is 0x200000 */
	int64_t user_ns, system_ns;                   /* CPU of the process or thread */
	int64_t children_user_ns, children_system_ns; /* of children waited for */
	int num_threads;
	int64_t start_ticks;  /* since boot, in clock ticks: with the pid a name that is never reused */
	int64_t start_ns;     /* the same since boot in ns (CLOCK_BOOTTIME) */
	int64_t vsize_bytes, rss_bytes;
	int64_t minor_faults, major_faults;
	int64_t children_minor_faults, children_major_faults; /* of children waited for */
	int processor;        /* last run there; -1 unknown */
	int exit_status;      /* of a zombie, as waitpid gives it; 0 where it is not told to us, too */
	int64_t blkio_ns;     /* waited for block devices; 0 without delay accounting */
};

/* Parses one line of stat. 0, or -1 (not a stat line) with *s zeroed. */
int proc_stat_parse(const char *buf, size_t n, struct proc_stat *s);
static inline int64_t proc_stat_cpu_ns(const struct proc_stat *s)
{
	return s->user_ns + s->system_ns;
}

/* /proc/PID/schedstat. */
struct proc_sched {
	int64_t run_ns;   /* on a CPU */
	int64_t delay_ns; /* runnable, but waiting for a CPU */
	int64_t slices;
};
int proc_sched_parse(const char *buf, size_t n, struct proc_sched *s);

/* /proc/PID/io. */
struct proc_io {
	int64_t rchar, wchar, syscr, syscw, read_bytes, write_bytes;
};
int proc_io_parse(const char *buf, size_t n, struct proc_io *io);

/* /proc/PID/status: what no other file tells. */
struct proc_status {
	pid_t tgid, pid, tracer_pid;
	pid_t ns_pid;          /* the pid in its own, innermost PID namespace */
	uid_t uid, euid;
	int seccomp;
	uint64_t sig_pending, sig_shared_pending, sig_blocked, sig_ignored, sig_caught;
	int64_t voluntary, involuntary; /* context switches */
};
int proc_status_parse(const char *buf, size_t n, struct proc_status *s);

/* /proc/PID/syscall: number -1 and no registers while it runs on a CPU; -1 with sp and pc where it is
 * stopped outside of a system call. */
struct proc_syscall {
	bool running;
	long nr;          /* -1: none */
	uint64_t arg[6];
	uint64_t sp, pc;
};
int proc_syscall_parse(const char *buf, size_t n, struct proc_syscall *s);

/* The soft limit of that name ("Max open files") in the text of /proc/PID/limits; INT64_MAX unlimited, -1 not there. */
int64_t proc_limit_parse(const char *buf, size_t n, const char *name);

/* Lines of pressure files: total stall time in ns, averages in hundredths of a percent. */
struct proc_pressure {
	int64_t some_total_ns, full_total_ns; /* -1: line not there */
	int some_avg10, some_avg60, some_avg300;
};
int proc_pressure_parse(const char *buf, size_t n, struct proc_pressure *p);

/* One process, with its files kept open. */
struct proc_watch {
	pid_t pid;
	int dir_fd;      /* /proc/PID */
	int stat_fd, sched_fd;
	int children_fd; /* /proc/PID/task/PID/children, kept while it has one thread */
};

/* Opens. 0, or -1 with errno: ESRCH gone (ENOENT becomes ESRCH), EMFILE … */
int proc_watch_open(struct proc_watch *w, pid_t pid);
void proc_watch_close(struct proc_watch *w);
/* One pread each on the kept descriptor. 0 or -1 with errno (ESRCH: gone; EACCES; ENOENT: the kernel has no such file). */
int proc_watch_stat(const struct proc_watch *w, struct proc_stat *s);
int proc_watch_sched(const struct proc_watch *w, struct proc_sched *s);
/* Appends the children of all threads of the process; num_threads as last read, which saves the
 * walk over its threads where it is 1. The kernel lists children by the thread that forked them.
 * -1 with errno ENOENT where the kernel lacks CONFIG_PROC_CHILDREN: use proc_tree. */
struct pid_list;
int proc_watch_children(struct proc_watch *w, int num_threads, struct pid_list *out);

/* One thread of a process, whose files are read more than once. */
struct proc_thread {
	pid_t pid, tid;
	int task_fd;             /* /proc/PID/task, borrowed */
	int sched_fd, syscall_fd; /* kept open once asked for; -1 */
};
void proc_thread_close(struct proc_thread *t);
#define auto_proc_thread __attribute__((cleanup(proc_thread_close))) struct proc_thread
/* /proc/PID/task, for struct proc_thread. -1 with errno. */
int proc_task_open(pid_t pid);
/* As the readers below; the files of schedstat and syscall stay open. */
int proc_thread_stat(const struct proc_thread *t, struct proc_stat *s);
int proc_thread_status(const struct proc_thread *t, struct proc_status *s);
int proc_thread_sched(struct proc_thread *t, struct proc_sched *s);
int proc_thread_syscall(struct proc_thread *t, struct proc_syscall *s);
void proc_thread_wchan(const struct proc_thread *t, char *out, size_t size);
/* Any other file of it as text. Bytes read, or -1 with errno. */
ssize_t proc_thread_text(const struct proc_thread *t, const char *name, char *buf, size_t size);

/* One-off readers. */
int proc_stat_read(pid_t pid, struct proc_stat *s);
int proc_thread_stat_read(pid_t pid, pid_t tid, struct proc_stat *s);
int proc_status_read(pid_t pid, pid_t tid, struct proc_status *s);
int proc_syscall_read(pid_t pid, pid_t tid, struct proc_syscall *s);
int proc_pressure_read(const char *path, struct proc_pressure *p); /* PROC_PRESSURE_CPU … */
#define PROC_PRESSURE_CPU "/proc/pressure/cpu"
#define PROC_PRESSURE_IO "/proc/pressure/io"
#define PROC_PRESSURE_MEMORY "/proc/pressure/memory"
/* Folder of the process's cgroup in the unified hierarchy ("/sys/fs/cgroup/…"), without a final
 * slash; append "/cpu.pressure". 0, or -1 where there is none. */
int proc_cgroup_dir(pid_t pid, char *out, size_t size);
/* The same of an older hierarchy, one a controller ("cpu", "memory"). */
int proc_cgroup_dir_v1(pid_t pid, const char *controller, char *out, size_t size);
/* After a failed read of a file of /proc/PID: -1, with errno ESRCH where the pid's entry is gone, whatever file was asked
 * for; a file that only this kernel does not have stays ENOENT. */
int proc_gone(pid_t pid);
/* Wait channel: the kernel function it sleeps in, "" where hidden. */
void proc_wchan_read(pid_t pid, pid_t tid, char *out, size_t size);

/* Splits "a\0b\0" into out. A program that overwrote its arguments (setproctitle) gives what it wrote. */
void proc_argv_split(const char *buf, size_t n, struct strv *out);
/* Target of a link below /proc/PID ("exe", "cwd", "root", "fd/3"). Bytes or -1; always terminated. */
int proc_link_read(pid_t pid, const char *name, char *out, size_t size);

/* A growing list of pids. */
struct pid_list {
	pid_t *v;
	size_t n, cap;
};
#define PID_LIST_INIT { NULL, 0, 0 }
void pid_list_add(struct pid_list *l, pid_t pid);
bool pid_list_has(const struct pid_list *l, pid_t pid);
void pid_list_release(struct pid_list *l);
#define auto_pid_list __attribute__((cleanup(pid_list_release))) struct pid_list

/* Appends numbers separated by blanks (a children file). */
void proc_children_parse(const char *buf, size_t n, struct pid_list *out);
/* Appends the children of all threads of pid. */
int proc_children(pid_t pid, struct pid_list *out);
/* Appends the threads of pid. */
int proc_threads(pid_t pid, struct pid_list *out);
/* Appends root and all its descendants, parents before children. Where the kernel does not list
 * children, one scan of /proc instead. 0, or -1 where root is gone. */
int proc_tree(pid_t root, struct pid_list *out);

/* Who holds a pipe, FIFO or socket? */
struct proc_holder {
	pid_t pid;
	int fd;
	bool reads, writes; /* how it was opened */
	char comm[PROC_COMM_SIZE];
};
struct proc_holders {
	struct proc_holder *v;
	size_t n, cap;
	size_t denied; /* processes that did not let us look */
};
#define PROC_HOLDERS_INIT { NULL, 0, 0, 0 }
void proc_holders_release(struct proc_holders *h);
/* Appends every descriptor of the given processes whose link has that text ("pipe:[4711]"). Duplicates of a pipe end are
 * never made: they would delay its end of file. */
void proc_fd_holders(const char *link_text, const pid_t *pids, size_t n, struct proc_holders *out);
/* Every process of /proc, for a look at the whole machine. */
int proc_all(struct pid_list *out);

#endif
