/* SPDX-License-Identifier: Apache-2.0 */
/* wait_words.c - looks up what a kernel function or a call says about a wait. */
#include "evidence/gather.h"

#include "base/value.h"
#include "trace/wait_channel.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int x86, arm;
	const char *kind;
} calls[] = {
#define WAIT_CALL(name, x86, arm, kind) { name, x86, arm, kind },
#include "evidence/wait_words.def"
};

const char *gather_wait_kind(const char *wchan, const char *call, const char *arch, const char **name)
{
	bool arm = strcmp(arch, "aarch64") == 0;
	const struct wait_channel *channel;
	const char *kind = NULL;
	int64_t nr;

	*name = NULL;
	if (call && *call) {
		bool number = value_int(call, &nr);

		for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && !kind; i++) {
			if (number ? nr != (arm ? calls[i].arm : calls[i].x86) : strcmp(call, calls[i].name) != 0)
				continue;
			*name = calls[i].name;
			kind = calls[i].kind;
		}
	}
	channel = wchan ? wait_channel_find(wchan) : NULL;
	/* two calls sleep in unix_wait_for_peer */
	if (!channel || (channel->kind == WAIT_SOCKET_SEND && kind && strcmp(kind, wait_kind_text[WAIT_CONNECT]) == 0))
		return kind;
	return wait_kind_text[channel->kind];
}
