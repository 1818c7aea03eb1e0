/* SPDX-License-Identifier: Apache-2.0 */
/* runtime_frames.h - frames that are below the user's own: of runtimes, standard libraries and test runners. By name and
 * path alone, so that a process that reads no stacks may ask, too. */
#ifndef PROFILE_LANG_RUNTIME_FRAMES_H
#define PROFILE_LANG_RUNTIME_FRAMES_H

#include "profile/snapshot/snapshot.h"

bool runtime_frame_python(const struct snap_frame *f);
/* Its reader has marked it as one. */
bool runtime_frame_marked(const struct snap_frame *f);

#endif
