/* SPDX-License-Identifier: Apache-2.0 */
#include "history/network_fs.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/vfs.h>

static const struct {
	uint32_t type;
	const char *name;
} network[] = {
	{ 0x6969, "NFS" }, { 0xFF534D42, "CIFS" }, { 0xFE534D42, "SMB" }, { 0x517B, "SMB" }, { 0x01021997, "9p" },
	{ 0x65735546, "FUSE" }, { 0x00C36400, "Ceph" }, { 0x5346414F, "AFS" }, { 0x6B414653, "AFS" },
	{ 0x47504653, "GPFS" }, { 0x0BD00BD0, "Lustre" }, { 0x73757245, "Coda" }, { 0x7461636F, "OCFS2" },
};

const char *network_fs_of_type(long type)
{
	for (size_t i = 0; i < sizeof(network) / sizeof(network[0]); i++)
		if (network[i].type == (uint32_t)type)
			return network[i].name;
	return NULL;
}

const char *network_fs_name(const char *dir)
{
	struct statfs f;

	return statfs(dir, &f) == 0 ? network_fs_of_type((long)f.f_type) : NULL;
}
