/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/contract.h"

#include <string.h>

const char *const level_text[] = { "off", "basic", "detailed", "debug" };
const char *const span_name_text[] = {
#define SPAN(id, name, kind) name,
#include "trace/contract.def"
};
const char *const span_kind_text[] = {
#define SPAN(id, name, kind) kind,
#include "trace/contract.def"
};
const char *const event_kind_text[] = {
#define EVENT(id, kind, level) kind,
#include "trace/contract.def"
};
const enum level event_kind_level[] = {
#define EVENT(id, kind, level) level,
#include "trace/contract.def"
};
const char *const status_text[] = {
#define STATUS(id, text) text,
#include "trace/contract.def"
};
const char *const token_text[] = {
	"",
#define TOKEN(id, text) text,
#include "trace/contract.def"
};
const char *const proc_state_text[] = {
#define PROC(id, text) text,
#include "trace/contract.def"
};
const char *const category_text[] = {
	"",
#define CATEGORY(id, text) text,
#include "trace/contract.def"
};
const char *const wait_kind_text[] = {
	"",
#define WAIT(id, text) text,
#include "trace/contract.def"
};
const char *const verdict_text[] = {
	"",
#define VERDICT(id, text) text,
#include "trace/contract.def"
};
const char *const checkpoint_text[] = {
#define CHECKPOINT(id, name) name,
#include "trace/contract.def"
};

int contract_find(const char *text, const char *const *table, int count)
{
	for (int i = 0; text && i < count; i++)
		if (strcmp(table[i], text) == 0)
			return i;
	return -1;
}
