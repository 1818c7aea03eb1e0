/* SPDX-License-Identifier: Apache-2.0 */
/* contract.h - the words of contract.def as enums and texts. */
#ifndef TRACE_CONTRACT_H
#define TRACE_CONTRACT_H

enum level { LEVEL_OFF, LEVEL_BASIC, LEVEL_DETAILED, LEVEL_DEBUG };

enum span_name {
#define SPAN(id, name, kind) SPAN_##id,
#include "trace/contract.def"
	SPAN_COUNT
};
enum event_kind {
#define EVENT(id, kind, level) EVENT_##id,
#include "trace/contract.def"
	EVENT_COUNT
};
enum span_status {
#define STATUS(id, text) STATUS_##id,
#include "trace/contract.def"
	STATUS_COUNT
};
enum token {
	TOKEN_NONE,
#define TOKEN(id, text) TOKEN_##id,
#include "trace/contract.def"
	TOKEN_COUNT
};
enum proc_state {
#define PROC(id, text) PROC_##id,
#include "trace/contract.def"
	PROC_COUNT
};
enum err_category {
	CATEGORY_NONE,
#define CATEGORY(id, text) CATEGORY_##id,
#include "trace/contract.def"
	CATEGORY_COUNT
};

enum wait_kind {
	WAIT_NONE,
#define WAIT(id, text) WAIT_##id,
#include "trace/contract.def"
	WAIT_COUNT
};
enum verdict {
	VERDICT_NONE, /* one capture does not tell */
#define VERDICT(id, text) VERDICT_##id,
#include "trace/contract.def"
	VERDICT_COUNT
};
enum checkpoint {
#define CHECKPOINT(id, name) CP_##id,
#include "trace/contract.def"
	CP_COUNT
};

extern const char *const level_text[];      /* off basic detailed debug */
extern const char *const span_name_text[];  /* by enum span_name */
extern const char *const span_kind_text[];
extern const char *const event_kind_text[]; /* by enum event_kind */
extern const enum level event_kind_level[];
extern const char *const status_text[];
extern const char *const token_text[];      /* [TOKEN_NONE] is "" */
extern const char *const proc_state_text[];
extern const char *const category_text[];   /* [CATEGORY_NONE] is "" */

extern const char *const wait_kind_text[];  /* [WAIT_NONE] is "" */
extern const char *const verdict_text[];    /* [VERDICT_NONE] is "" */
extern const char *const checkpoint_text[]; /* by enum checkpoint */

/* The index of text in a table of count words, -1 if it is NULL or not one of them. */
int contract_find(const char *text, const char *const *table, int count);

#endif
