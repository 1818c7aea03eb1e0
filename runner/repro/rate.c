/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/repro/rate.h"

#include <math.h>

#define Z_95 1.959963984540054

struct rate rate_of(int64_t hits, int64_t runs)
{
	struct rate r = { hits, runs, 0, 1 };
	double n = (double)runs, p, middle, half, scale;

	if (runs <= 0)
		return r;
	p = (double)hits / n;
	scale = 1 + Z_95 * Z_95 / n;
	middle = (p + Z_95 * Z_95 / (2 * n)) / scale;
	half = Z_95 * sqrt(p * (1 - p) / n + Z_95 * Z_95 / (4 * n * n)) / scale;
	/* the formula's ends are exact there; rounding is not */
	r.low = hits == 0 ? 0 : fmax(0, middle - half);
	r.high = hits == runs ? 1 : fmin(1, middle + half);
	return r;
}

int64_t rate_runs_to_confirm(double low, double confidence)
{
	if (low <= 0)
		return INT64_MAX;
	if (low >= 1)
		return 1;
	return (int64_t)ceil(log(1 - confidence) / log(1 - low) - 1e-9);
}

int64_t rate_runs_to_see(double p, double miss, int64_t most)
{
	int64_t n = rate_runs_to_confirm(p, 1 - miss);

	return n < 1 ? 1 : n > most ? most : n;
}
