/* SPDX-License-Identifier: Apache-2.0 */
/* java.h - threads of a HotSpot JVM, 8 to 24.
 *
 *   java_attach.c  asks the JVM for a dump of its threads, as jstack does (intrusion 2)
 *   java_dump.c    reads the dump
 *   java_perf.c    what every JVM tells all the time in its file of counters (intrusion 0)
 *   java.c         threads, locks and their holders into the snapshot */
#ifndef PROFILE_LANG_JAVA_H
#define PROFILE_LANG_JAVA_H

#include "profile/native/resolve.h"

enum java_lock_does {
	JAVA_HOLDS,   /* has entered the monitor */
	JAVA_ENTERS,  /* waits to enter it */
	JAVA_WAITS,   /* Object.wait */
	JAVA_PARKS,   /* LockSupport.park for this object */
	JAVA_OWNS,    /* owns the lock of java.util.concurrent */
};
struct java_lock {
	enum java_lock_does does;
	uint64_t address; /* 0: not told */
	char *class_name;
	size_t frame;     /* the call that does it */
};
struct java_frame {
	char *function;   /* "pkg.Class.method" */
	char *file;       /* NULL: native or unknown */
	int line;         /* 0 unknown */
};
struct java_thread {
	char *name;
	uint64_t nid;     /* as the kernel numbers it within its namespace */
	bool user, daemon; /* user: of the program, not of the JVM's own */
	bool sleeps, timed; /* Thread.sleep; a wait with a timeout */
	bool runs;        /* it computes, or is about to */
	struct java_frame *frames; /* innermost first */
	size_t frame_count;
	struct java_lock *locks;
	size_t lock_count;
};
struct java_dump {
	struct java_thread *v;
	size_t n;
	bool deadlock;    /* the JVM itself says so */
};

/* Reads what `jstack -l` would print. Lines that it does not know are left out. False where no thread is in it. */
bool java_dump_parse(const char *text, size_t n, struct java_dump *d);
void java_dump_release(struct java_dump *d);

/* Why this JVM must not be asked; NULL: it may. A literal. */
const char *java_attach_refused(const struct snap_process *p);
/* The answer to a command of the attach protocol, without its first line (the code). NULL with a reason. Caller frees. */
char *java_attach(const struct snap_process *p, const char *command, const char *argument, int64_t deadline_ns, size_t *n,
		  char *reason, size_t size);

/* Of the file of counters. 0 or "" where it does not tell. */
struct java_perf {
	bool known;
	int64_t threads, gc_count, gc_ms, safepoint_ms, up_ms;
	char flags[512];   /* java.rt.vmFlags and the like */
	char version[64];
};
void java_perf_read(const struct snap_process *p, struct java_perf *out);
/* Where that file is: all of /tmp has to be listed for it, so whoever reads it often keeps the path. */
bool java_perf_find(const struct snap_process *p, char *path, size_t size);
void java_perf_read_file(const char *path, struct java_perf *out);
/* The same over the file's bytes. False where it is no such file. */
bool java_perf_parse(const unsigned char *b, size_t n, struct java_perf *out);

#endif
