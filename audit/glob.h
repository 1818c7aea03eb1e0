/* SPDX-License-Identifier: Apache-2.0 */
/* glob.h - the globs of the audit: on paths, on names of functions, on callees. */
#ifndef AUDIT_GLOB_H
#define AUDIT_GLOB_H

#include <stdbool.h>

/* Is all of `text` what the glob says? `*` is any run of bytes but those in `stops`, `?` one such byte, `**` any run of any
 * bytes, with a slash after it if there is one ("**" "/x" is also "x"). Steps are bounded by the product of the lengths. */
bool glob_is(const char *glob, const char *text, const char *stops);

#endif
