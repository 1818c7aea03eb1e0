/* SPDX-License-Identifier: Apache-2.0 */
/* wait_words.c - looks kernel words up in wait_words.def. */
#include "evidence/gather.h"

#include "base/value.h"

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

static const struct {
	const char *name, *kind;
} channels[] = {
#define WAIT_CHANNEL(name, kind) { name, kind },
#include "evidence/wait_words.def"
};

const char *gather_wait_kind(const char *wchan, const char *call, const char *arch, const char **name)
{
	bool arm = strcmp(arch, "aarch64") == 0;
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
	if (wchan && *wchan)
		for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
			if (strcmp(wchan, channels[i].name) == 0)
				return channels[i].kind;
	return kind;
}
