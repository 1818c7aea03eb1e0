/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_place.h - in one line, while a run still goes on: which process waits, in which test, at which line of the
 * user's. What the findings say at the end weighs more than this; it costs nothing beside the look that was made anyway. */
#ifndef PROFILE_SNAPSHOT_SNAPSHOT_PLACE_H
#define PROFILE_SNAPSHOT_SNAPSHOT_PLACE_H

#include "profile/snapshot/snapshot.h"

/* Borrowed of the snapshot. */
struct snap_place {
	const struct snap_process *process; /* at the end of the waiting */
	const char *pattern_id;             /* of what it waits for */
	const struct snap_frame *frame;     /* the user's own line, its or that of who waits for it; NULL: none is known */
	const char *test;                   /* that this line is in; NULL unknown */
};

/* Of a snapshot whose roots are known. False where nothing was found that waits. */
bool snapshot_place(const struct snapshot *s, struct snap_place *out);

#endif
