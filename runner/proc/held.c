/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/held.h"

#include "base/env.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

struct held *held_new(const int fd[STREAM_COUNT])
{
	struct held *h = xcalloc(1, sizeof(*h));

	for (int i = 0; i < STREAM_COUNT; i++) {
		h->data[i] = xreallocarray(NULL, HELD_RING_BYTES, 1);
		h->outlet[i] = (struct outlet){ .fd = fd[i], .std_fd = fd[i], .mode = OUTLET_DIRECT };
	}
	return h;
}

void held_free(struct held *h)
{
	for (int i = 0; h && i < STREAM_COUNT; i++)
		free(h->data[i]);
	free(h);
}

int held_file(char *const envp[])
{
	const char *tmp = env_get(envp, "TMPDIR");
	int fd = open(tmp && *tmp ? tmp : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 ? fd : memfd_create("spec-runner-output", MFD_CLOEXEC);
}
