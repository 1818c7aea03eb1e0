/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a candidate is taken, over simulated loops of ten candidates each: equal ones (false accepts), and one that is 5 %
 * faster at 2 % of noise. Ten samples a side, as by default. */
#include "base/mem.h"
#include "runner/optimize/samples.h"
#include "tests/tap.h"

#include <math.h>
#include <stdlib.h>

#define CANDIDATES 3000
#define SAMPLES 10

static uint64_t seed = 362436069u;

static double uniform(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return ((double)(seed >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static void fill(struct sample_set *s, double mean, double noise)
{
	*s = (struct sample_set){ .runs = SAMPLES, .n = 1, .m = xcalloc(1, sizeof(*s->m)) };
	s->m[0] = (struct sample_metric){ xstrdup("wall_ms"), xcalloc(SAMPLES, sizeof(double)), SAMPLES };
	for (int i = 0; i < SAMPLES; i++)
		s->m[0].v[i] = mean * exp(noise * normal());
}

static int accepted(const struct loop *l, double mean)
{
	int n = 0;

	for (int i = 0; i < CANDIDATES; i++) {
		struct sample_set best, candidate;
		struct sample_verdict v;
		auto_str delta = STR_INIT;

		fill(&best, 100, 0.02);
		fill(&candidate, mean, 0.02);
		samples_judge(l, &best, &candidate, &best, &v, &delta);
		n += v.primary == COMPARE_IMPROVED;
		sample_set_release(&best);
		sample_set_release(&candidate);
	}
	return n;
}

int main(void)
{
	static struct loop l;
	int equal, faster, slower;

	setup_init(&l.setup);
	equal = accepted(&l, 100);
	faster = accepted(&l, 95);
	slower = accepted(&l, 105);
	printf("# of %d: equal %d, 5 %% faster %d, 5 %% slower %d\n", CANDIDATES, equal, faster, slower);
	ok(equal <= CANDIDATES / 100, "equal candidates are taken in at most 1 %%");
	ok(faster >= CANDIDATES * 95 / 100, "one that is 5 %% faster is taken in at least 95 %%");
	is_int(slower, 0, "one that is slower never is");
	setup_release(&l.setup);
	return tap_done();
}
