/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/lang/runtime_frames.h"

#include <string.h>

static bool file_has(const struct snap_frame *f, const char *const parts[])
{
	for (size_t i = 0; f->file && parts[i]; i++)
		if (strstr(f->file, parts[i]))
			return true;
	return false;
}

bool runtime_frame_python(const struct snap_frame *f)
{
	static const char *const parts[] = { "/lib/python3", "<frozen ", NULL };

	return file_has(f, parts) && !strstr(f->file, "-packages/");
}

bool runtime_frame_marked(const struct snap_frame *f)
{
	return f->runtime;
}
