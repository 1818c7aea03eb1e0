/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - files below our artifacts folder, whatever others do to it meanwhile.
 *
 * A command runs beside us, perhaps as another user, and may put a link where we are about to write.
 * So the artifacts folder is opened once, and everything below it is reached from that descriptor,
 * folder by folder, without following a link. Links are followed only in paths that the user gave
 * himself: those are not below the folder, or are the folder's own path.
 *
 * One folder a process; before it is set, and for every other path, these are the plain calls. */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H

#include "base/err.h"

#include <dirent.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/* From now on the folder `dir` is guarded. It need not be there yet. given: the user named it, so a link in
 * its place is followed, once. Never fails: what is wrong is said by the first call that needs it. */
void guard_folder(const char *dir, bool given);

/* Is this path below the guarded folder? */
bool guard_covers(const char *path);

/* The folder that holds path's last part: *dirfd is AT_FDCWD or owned by the caller (guard_close), *leaf
 * points into path. make: folders are made on the way. 0, or -1 with errno (ELOOP or ENOTDIR: a link or a
 * file stands in the way; EPERM: the folder was replaced by somebody else's). */
int guard_at(const char *path, bool make, int *dirfd, const char **leaf);
void guard_close(int *dirfd);
#define auto_guard __attribute__((cleanup(guard_close)))

/* In the folder dirfd, which we have just made: a .gitignore by which git leaves all of it alone. Never fails;
 * one that is there stays as it is. */
void guard_ignore(int dirfd);

/* Like the calls of these names; below the folder no link is followed, not even the last one. */
int guard_open(const char *path, int flags, mode_t mode);
int guard_stat(const char *path, struct stat *st);
int guard_rename(const char *from, const char *to); /* both in one folder */
int guard_unlink(const char *path);
DIR *guard_opendir(const char *path);

/* An open file of this name: only where it is a regular file, known before it is opened (opening a
 * device may do something). Follows no last link anywhere. -1 with errno. */
int guard_open_regular(const char *path, int flags);

#endif
