/* SPDX-License-Identifier: Apache-2.0 */
/* python_threads.h - the Python of one process, shared by python.c, python_wait.c and python_task.c. */
#ifndef PROFILE_LANG_PYTHON_THREADS_H
#define PROFILE_LANG_PYTHON_THREADS_H

#include "profile/lang/python_objects.h"
#include "profile/native/resolve.h"

enum { PYTHON_STATES_MAX = 4, PYTHON_INTERPRETERS_MAX = 64 };

/* One thread of the operating system. It has a thread state in every interpreter that it is inside of. */
struct python_thread {
	struct snap_thread *t; /* NULL: not among the threads that were copied */
	uint64_t states[PYTHON_STATES_MAX]; /* the innermost first */
	uint64_t interpreters[PYTHON_STATES_MAX];
	size_t state_count;
	uint64_t interpreter;  /* of the innermost that has frames; 0 none */
	uint64_t ident;        /* threading.get_ident() */
	uint64_t object;       /* its threading.Thread; 0 unknown */
	struct python_frame *frames;
	size_t count;
	bool torn, moved;
};

struct python {
	struct python_mem m;
	uint64_t runtime;
	uint64_t interpreters[PYTHON_INTERPRETERS_MAX]; /* the main one last */
	size_t interpreter_count;
	struct python_thread *v;
	size_t n;
};

struct python_thread *python_by_ident(struct python *py, uint64_t ident);
/* Sets hints of all threads, wait.address and lock_owner. Before the frames are merged. */
void python_waits(struct native *n, struct python *py);
/* Fills the tasks of the process; tells in the hint of a thread that runs a loop what they wait for. */
void python_tasks(struct native *n, struct python *py);
/* python_trio.c: adds the tasks of trio, of every thread that runs its loop. */
void python_trio_tasks(struct native *n, struct python *py);
/* The coroutine, and those that it is inside of, as frames of a task, innermost first. False where it has ended. */
bool python_task_frames(struct python_mem *m, struct snap_task *task, uint64_t coroutine);
/* Is the file one of a library of tasks (asyncio, trio, anyio)? */
bool python_file_of_tasks(const char *file);

#endif
