/* SPDX-License-Identifier: Apache-2.0 */
#include "history/real.h"

#include "base/value.h"

#include <math.h>
#include <stdlib.h>

int real_of(const char *name, const char *text, double least, double most, double otherwise, double *out, struct err *e)
{
	char quoted[VALUE_QUOTE_SIZE];
	char *end;

	*out = otherwise;
	if (!text)
		return 0;
	*out = strtod(text, &end);
	if (end == text || *end || !isfinite(*out) || *out < least || *out > most)
		return err_set(e, ERR_USAGE, "%s: %s is not a number from %g to %g", name, value_quote(text, quoted),
			       least, most);
	return 0;
}
