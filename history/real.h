/* SPDX-License-Identifier: Apache-2.0 */
/* real.h - numbers with a fraction that the user gave as text. */
#ifndef HISTORY_REAL_H
#define HISTORY_REAL_H

#include "base/err.h"

/* name: the option, for the message. ERR_USAGE unless text is a number from least to most. NULL: otherwise. */
int real_of(const char *name, const char *text, double least, double most, double otherwise, double *out, struct err *e);

#endif
