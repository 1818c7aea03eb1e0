/* SPDX-License-Identifier: Apache-2.0 */
/* dash.h - where a dash stands in its script, as it would tell it itself. */
#ifndef PROFILE_LANG_DASH_H
#define PROFILE_LANG_DASH_H

#include "profile/lang/memory.h"
#include "profile/native/resolve.h"

/* Borrowed; NULL where the process is no dash by the name of its program. */
struct module *dash_module(struct native *n);
/* Line of the simple command, loop or subshell that was begun last, counted within the text that it stands in: a file, or
 * what eval was given. A pipeline leaves it as it was. 0 where it cannot be read. */
int dash_line(struct native *n);

/* Where the program of that file keeps it, in the file's own numbering; 0 where that is not found. */
uint64_t dash_line_variable(const struct elf_file *f);

#endif
