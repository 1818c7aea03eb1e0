/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.h - the system calls by which the supervisor acts on processes and reads their output, in one place, so that a test
 * can put a kernel of its own behind them: tests/sim/sim_supervisor.c defines these functions itself, and kernel.c is then
 * not linked. Each does what the call of its name does. Internal to runner/proc. */
#ifndef RUNNER_PROC_KERNEL_H
#define RUNNER_PROC_KERNEL_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/wait.h>

int kernel_kill(pid_t pid, int sig); /* pid < 0: the group -pid */
int kernel_pidfd_open(pid_t pid);
int kernel_pidfd_signal(int pidfd, int sig);
/* How the process of a pidfd ended, as waitpid gives it, also after its parent has reaped it; -1 where that is not known
 * (before Linux 6.15). */
int kernel_pidfd_status(int pidfd);
int kernel_wait(idtype_t type, id_t id, siginfo_t *si, int options);
ssize_t kernel_read(int fd, void *buf, size_t n);
/* Both ends close-on-exec, the read end non-blocking. wide: with room for much. */
int kernel_pipe(int ends[2], bool wide);
int kernel_bytes_waiting(int fd, int *bytes);
/* Processors that are online; asked once. */
int kernel_processors(void);

#endif
