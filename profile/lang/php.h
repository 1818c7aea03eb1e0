/* SPDX-License-Identifier: Apache-2.0 */
/* php.h - the calls of a PHP program out of another process's memory, 8.0 to 8.5 without threads (NTS). */
#ifndef PROFILE_LANG_PHP_H
#define PROFILE_LANG_PHP_H

#include "profile/lang/memory.h"
#include "profile/lang/script_stack.h"

enum { PHP_CALLS_MAX = 256 };
/* Calls as they stand in memory, innermost first. */
struct php_calls {
	struct php_call {
		uint64_t opline, function;
	} v[PHP_CALLS_MAX];
	size_t count;
};

/* executor: address of executor_globals. False where no chain of calls is there. */
bool php_calls_read(struct lang_mem *m, uint64_t executor, struct php_calls *out);
/* Names what was read. */
void php_calls_name(struct lang_mem *m, const struct php_calls *c, struct script_stack *out);

#endif
