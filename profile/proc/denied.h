/* SPDX-License-Identifier: Apache-2.0 */
/* denied.h - why may we not look into a process, and what would allow it? */
#ifndef PROFILE_PROC_DENIED_H
#define PROFILE_PROC_DENIED_H

#include <stddef.h>
#include <sys/types.h>

/* After the kernel has said EPERM or EACCES: the rule that it must have been, and the way around it, in words. */
void denied_reason(pid_t pid, char *out, size_t size);

#endif
