/* SPDX-License-Identifier: Apache-2.0 */
/* gather_place.h - of the frames of a snapshot, the one to show: the user's own line. */
#ifndef EVIDENCE_GATHER_PLACE_H
#define EVIDENCE_GATHER_PLACE_H

#include "base/frame_home.h"
#include "evidence/gather_json.h"

struct frame_words frame_words_of(const struct json_value *frame);
/* Below the program: neither its own code nor that of a package it uses. */
bool frame_is_below(const struct json_value *frame);
/* The innermost of the best places; NULL where no frame has a name worth showing: a place in libc tells nobody where to
 * look. tasks: of the process, or NULL; tid: the thread's. A thread that sleeps in an event loop stands where the
 * innermost task of that loop awaits something, which is then *task. */
const struct json_value *frame_to_show(const struct json_value *frames, const struct json_value *tasks, int64_t tid,
				       const struct json_value **task);

#endif
