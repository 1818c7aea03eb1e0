/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/wait_channel.h"

#include <stddef.h>
#include <string.h>

static const struct wait_channel channels[] = {
#define WAIT_CHANNEL(prefix, kind, what) { prefix, WAIT_##kind, what },
#include "trace/wait_channel.def"
};

const struct wait_channel *wait_channel_find(const char *wchan)
{
	for (size_t i = 0; i < sizeof(channels) / sizeof(*channels); i++)
		if (strncmp(wchan, channels[i].prefix, strlen(channels[i].prefix)) == 0)
			return &channels[i];
	return NULL;
}
