/* SPDX-License-Identifier: Apache-2.0 */
/* network_fs.h - file systems on which memory that processes share is not shared between machines, or not at all. */
#ifndef HISTORY_NETWORK_FS_H
#define HISTORY_NETWORK_FS_H

/* "NFS" …, NULL where dir is on none of them, or cannot be asked. */
const char *network_fs_name(const char *dir);
/* Of a statfs f_type. */
const char *network_fs_of_type(long type);

#endif
