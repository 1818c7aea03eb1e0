/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics of the history: exact values by enumeration, known values, and rates of error by simulation with a printed
 * seed. */
#include "tests/tap.h"

#include "base/mem.h"
#include "base/path.h"
#include "history/change.h"
#include "history/compare.h"
#include "history/flaky.h"
#include "history/limits.h"
#include "history/network_fs.h"
#include "history/recent.h"
#include "history/shard.h"
#include "history/stats.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

static uint64_t seed;

static double uniform(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return ((double)(seed >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

static bool near(double a, double b, double within)
{
	return fabs(a - b) <= within * (1 + fabs(b));
}

/* ---- exact ---- */

/* Two-sided p by all ways to choose n of n + m ranks. */
static double enumerate_p(const double *a, int n, const double *b, int m)
{
	double v[16], all = 0, extreme = 0, mine = 0, mean = n * m / 2.0;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < m; j++)
			mine += a[i] > b[j];
	for (int i = 0; i < n + m; i++)
		v[i] = i < n ? a[i] : b[i - n];
	for (unsigned mask = 0; mask < 1u << (n + m); mask++) {
		double u = 0;

		if (__builtin_popcount(mask) != n)
			continue;
		for (int i = 0; i < n + m; i++)
			for (int j = 0; j < n + m; j++)
				u += (mask >> i & 1) && !(mask >> j & 1) && v[i] > v[j];
		all++;
		extreme += fabs(u - mean) >= fabs(mine - mean) - 1e-9;
	}
	return extreme / all;
}

static void test_mann_whitney(void)
{
	const double five[] = { 1, 2, 3, 4, 5 }, more[] = { 6, 7, 8, 9, 10 }, tied[] = { 1, 1, 1, 2, 2, 3 },
		     tied2[] = { 2, 2, 3, 3, 3, 4 };
	int bad = 0;

	for (int round = 0; round < 200; round++) {
		int n = 2 + round % 5, m = 2 + round / 5 % 5;
		double a[8], b[8];

		for (int i = 0; i < n; i++)
			a[i] = normal();
		for (int i = 0; i < m; i++)
			b[i] = normal() + round % 3;
		bad += !near(stats_mann_whitney(a, (size_t)n, b, (size_t)m), enumerate_p(a, n, b, m), 1e-12);
	}
	is_int(bad, 0, "Mann-Whitney is exact: 200 samples against enumeration");
	ok(near(stats_mann_whitney(five, 5, more, 5), 2.0 / 252, 1e-12), "5 against 5, apart: 0.0079");
	ok(near(stats_mann_whitney(tied, 6, tied2, 6), 0.044684, 1e-5), "with ties: normal, corrected (%.6f)",
	   stats_mann_whitney(tied, 6, tied2, 6));
	ok(stats_mann_whitney(five, 5, five, 5) == 1, "the same values: 1");
}

static void test_quantiles(void)
{
	double latencies[] = { 5, 5, 6, 10, 14, 15, 22, 119 };
	double p[] = { 0.01, 0.04, NAN, 0.03 };

	ok(near(stats_quantile(latencies, 8, 0.5), 12, 1e-12), "p50");
	ok(near(stats_quantile(latencies, 8, 0.95), 85.05, 1e-12), "p95");
	ok(near(stats_quantile(latencies, 8, 0.99), 112.21, 1e-12), "p99");
	ok(isnan(stats_quantile(latencies, 0, 0.5)), "of nothing: none");
	stats_adjust(p, 4);
	ok(near(p[0], 0.03, 1e-12) && near(p[1], 0.04, 1e-12) && isnan(p[2]) && near(p[3], 0.04, 1e-12),
	   "Benjamini-Hochberg");
	ok(near(stats_student_p(2.0, 10), 0.07338803477074037, 1e-12), "Student, 10 degrees");
	ok(near(stats_student_p(-4.5, 3), 0.02048, 1e-3), "Student, 3 degrees (%.6f)", stats_student_p(-4.5, 3));
	ok(stats_student_p(0, 5) == 1 && stats_student_p(INFINITY, 5) == 0, "Student, the ends");
}

static void test_limits(void)
{
	struct test_limit l = { 0 };
	double ms[200];

	for (int i = 0; i < 200; i++)
		ms[i] = 1000 + i;
	limit_of(ms, 19, LIMIT_TEST_MS, &l);
	ok(l.limit_ms < 0, "19 passes: no limit");
	limit_of(ms, 20, LIMIT_TEST_MS, &l);
	ok(near(l.limit_ms, LIMIT_TEST_MS, 1e-12), "20 passes: at least 10 s");
	limit_of(ms, 200, 0, &l);
	ok(near(l.limit_ms, 5 * 1197.01, 1e-9), "5 times p99 (%.3f)", l.limit_ms);
}

static void test_recent(void)
{
	auto_str blob = STR_INIT;
	uint64_t us[RECENT_MAX];
	size_t n;

	for (uint64_t i = 0; i < 300; i++)
		recent_put(&blob, i * i * i * 1000);
	n = recent_get(blob.data, blob.len, us);
	is_int(n, RECENT_MAX, "the newest are kept");
	ok(us[0] == UINT64_C(100) * 100 * 100 * 1000 && us[199] == UINT64_C(299) * 299 * 299 * 1000, "oldest first");
	n = recent_get(blob.data + recent_skip(blob.data, blob.len, 3), blob.len - recent_skip(blob.data, blob.len, 3), us);
	ok(n == 3 && us[2] == UINT64_C(299) * 299 * 299 * 1000, "the last 3");
	is_int(recent_get("\x80\x80", 2, us), 0, "a damaged end is left out");
}

/* ---- changes ---- */

static size_t read_series(double *v, size_t max)
{
	FILE *in = fopen("tests/fixtures/history/tigerbeetle.txt", "re");
	size_t n = 0;

	while (in && n < max && fscanf(in, "%lf", &v[n]) == 1)
		n++;
	if (in)
		fclose(in);
	return n;
}

static void hunter_is(const double *v, size_t n, double p, double magnitude, const size_t *want, size_t n_want)
{
	struct change_options o = { .window = 30, .max_p = p, .min_magnitude = magnitude };
	struct change *list = NULL;
	size_t got = 0;
	bool same;

	change_hunter(v, n, &o, &list, &got);
	same = got == n_want;
	for (size_t i = 0; i < got && same; i++)
		same = list[i].index == want[i];
	ok(same, "hunter: p %g, magnitude %g: %zu points", p, magnitude, n_want);
	free(list);
}

static void test_hunter(void)
{
	static const size_t a[] = { 15, 71 }, b[] = { 10, 11, 15, 71, 363 }, c[] = { 10, 11, 15, 71 };
	static const size_t d[] = { 15, 26, 61, 71, 95, 117, 131, 142, 148, 165, 169, 192, 212, 260 };
	static const size_t e[] = { 15, 61, 71, 95, 117, 131, 142, 148, 192, 212, 260 },
			    f[] = { 71, 95, 117, 131, 142, 148, 192, 212 };
	static const size_t g[] = { 71, 95, 131, 192, 212 };
	double v[400];
	size_t n = read_series(v, 400);

	hunter_is(v, n, 0.01, 0.05, a, 2);
	hunter_is(v, n, 0.05, 0.05, a, 2);
	hunter_is(v, n, 0.1, 0.05, b, 5);
	hunter_is(v, n, 0.2, 0.05, c, 4);
	hunter_is(v, n, 0.01, 0, d, 14);
	hunter_is(v, n, 0.001, 0, e, 11);
	hunter_is(v, n, 0.0001, 0, f, 8);
	hunter_is(v, n, 0.00001, 0, g, 5);
}

/* Durations as CI has them: log-normal noise of 8 %, 3 % of them 1.5 to 4 times longer. */
static double duration(void)
{
	double v = 1000 * exp(0.08 * normal());

	return uniform() < 0.03 ? v * (1.5 + 2.5 * uniform()) : v;
}

static void test_robust(void)
{
	struct change_options o = { .window = 50, .max_p = 0.001, .min_effect = 0.05 };
	size_t wrong = 0, plain = 0, found20 = 0, found50 = 0;
	enum { SERIES = 150, LENGTH = 200, AFTER = 8 };
	double v[LENGTH + 60];
	struct change *list = NULL;

	for (int s = 0; s < SERIES; s++) {
		size_t n = 0;

		for (int i = 0; i < LENGTH; i++)
			v[i] = duration();
		change_robust(v, LENGTH, &o, &list, &n);
		wrong += n;
		n = 0;
		change_hunter(v, LENGTH, &o, &list, &n);
		plain += n;
		for (int kind = 0; kind < 2; kind++) {
			bool hit = false;

			for (int i = 0; i < 60 + AFTER; i++)
				v[i] = duration() * (i < 60 ? 1 : kind ? 1.5 : 1.2);
			n = 0;
			change_robust(v, 60 + AFTER, &o, &list, &n);
			for (size_t i = 0; i < n; i++)
				hit |= list[i].index + 3 >= 60 && list[i].index <= 63;
			*(kind ? &found50 : &found20) += hit;
		}
	}
	free(list);
	printf("# of %d series: robust %zu false points, hunter %zu; +20 %% found in %zu, +50 %% in %zu\n", SERIES, wrong,
	       plain, found20, found50);
	ok((double)wrong <= 0.06 * SERIES + 3 * sqrt(0.06 * SERIES),
	   "robust: at most 0.06 false points a series of %d",
	   LENGTH);
	ok(wrong * 4 < plain, "far fewer than hunter's");
	ok((double)found20 >= 0.85 * SERIES - 3 * sqrt(0.85 * 0.15 * SERIES), "+20 %% is found within %d runs", AFTER);
	ok((double)found50 >= 0.97 * SERIES - 3 * sqrt(0.97 * 0.03 * SERIES), "+50 %% too");
}

/* ---- two sides ---- */

static void fill_side(struct compare_side *s, int tests, int n, double noise, double factor, bool tails)
{
	memset(s, 0, sizeof(*s));
	for (int t = 0; t < tests; t++) {
		auto_free char *name = xasprintf("test:%04d", t);
		struct compare_metric *m = compare_side_metric(s, name, "ms", -1, true);

		for (int i = 0; i < n; i++)
			compare_metric_add(m, (100 + t) * factor * exp(noise * normal()) * (tails &&
					uniform() < 0.03 ? 2 : 1));
	}
}

static size_t count_of(int tests, int n, double noise, double factor, bool tails, bool common, enum compare_verdict v)
{
	struct compare_options o = { .alpha = 0.01, .min_effect = 0.02, .equivalence = 0.05, .common_mode = common };
	struct compare_side a, b;
	struct comparison c;
	size_t found;

	fill_side(&a, tests, n, noise, 1, tails);
	fill_side(&b, tests, n, noise, factor, tails);
	compare_sides(&a, &b, &o, &c);
	found = comparison_count(&c, v);
	comparison_release(&c);
	compare_side_release(&a);
	compare_side_release(&b);
	return found;
}

static void test_compare(void)
{
	size_t equal = 0, better = 0, slow = 0, slow_plain = 0;

	for (int i = 0; i < 600; i++) {
		equal += count_of(1, 10, 0.02, 1, false, true, COMPARE_REGRESSED);
		better += count_of(1, 10, 0.02, 0.95, false, true, COMPARE_IMPROVED);
	}
	for (int i = 0; i < 5; i++) {
		slow += count_of(500, 10, 0.10, 1.08, true, true, COMPARE_REGRESSED);
		slow_plain += count_of(500, 10, 0.10, 1.08, true, false, COMPARE_REGRESSED);
	}
	printf("# of 600: equal sides regressed %zu, -5 %% improved %zu; 5 suites of 500 on a machine 8 %% slower:"
	       " %zu regressed, without common mode %zu\n",
	       equal, better, slow, slow_plain);
	ok(equal <= 12, "equal sides: at most 1 %% regressed");
	ok(better >= 570, "-5 %% at 2 %% noise, n = 10: at least 95 %% improved");
	is_int(slow, 0, "a suite of 500 on a slower machine: none regressed");
	is_int(count_of(1, 4, 0.02, 2, false, true, COMPARE_INSUFFICIENT), 1, "4 a side: insufficient");
	is_int(count_of(1, 10, 0.3, 1, false, true, COMPARE_INCONCLUSIVE), 1, "30 %% noise: inconclusive");
}

/* ---- flaky, shards ---- */

static enum flaky_state state_of(const char *results, bool same_rev, bool clean)
{
	struct flaky_test t;
	enum flaky_state s;
	size_t n = strlen(results);

	flaky_test_init(&t);
	for (size_t i = n; i-- > 0;)
		flaky_see(&t, (int32_t)i, same_rev ? 0 : (int32_t)i, clean,
			  results[i] == 'p' ? TEST_PASS : results[i] == 's' ? TEST_SKIP : results[i] == 't' ? TEST_TIMEOUT : TEST_FAIL);
	s = flaky_state_of(&t);
	flaky_test_release(&t);
	return s;
}

static void test_flaky(void)
{
	is_int(state_of("ppppfp", true, true), FLAKY_FLAKY, "both results on one clean commit");
	is_int(state_of("ppppfp", true, false), FLAKY_STABLE, "a dirty tree is no commit");
	is_int(state_of("ppptft", false, true), FLAKY_BROKEN, "the last 3 failed");
	is_int(state_of("pfpfpp", false, true), FLAKY_SUSPECT, "changes over commits");
	is_int(state_of("ppsss", false, true), FLAKY_NEW, "skips count for nothing");
	is_int(state_of("pppppf", false, true), FLAKY_STABLE, "one failure");
}

static void test_shards(void)
{
	struct strv names = STRV_INIT;
	struct shard_plan p;
	double worst = 0;
	bool whole = true;

	for (int i = 0; i < 2000; i++)
		strv_take(&names, xasprintf("t%d", i));
	for (unsigned parts = 2; parts <= 64; parts *= 2) {
		double sum = 0, longest = 0, most = 0;

		shard_plan_init(&p, &names);
		for (size_t i = 0; i < p.n; i++) {
			p.ms[i] = 100 * exp(1.2 * normal());
			sum += p.ms[i];
			most = p.ms[i] > most ? p.ms[i] : most;
		}
		shard_plan_make(&p, parts);
		for (unsigned k = 0; k < parts; k++)
			longest = p.expected_ms[k] > longest ? p.expected_ms[k] : longest;
		for (size_t i = 0; i < p.n; i++)
			whole &= p.part[i] >= 1 && p.part[i] <= parts;
		most = most > sum / parts ? most : sum / parts;
		worst = longest / most - 1 > worst ? longest / most - 1 : worst;
		shard_plan_release(&p);
	}
	printf("# longest part at most %.2f %% over the ideal\n", worst * 100);
	ok(whole, "every name has one part");
	ok(worst < 0.02, "the longest part within 2 %% of the ideal, 2 to 64 parts");
	shard_plan_init(&p, &(struct strv){ names.v, 3 });
	p.ms[0] = p.ms[1] = p.ms[2] = 0;
	shard_plan_make(&p, 3);
	ok(p.part[0] + p.part[1] + p.part[2] == 6 && p.part[0] != p.part[1], "names of no time: no part is empty");
	shard_plan_release(&p);
	strv_release(&names);
}

/* Types of file systems by statfs(2), as Linux numbers them. */
static void test_network(void)
{
	is_str(network_fs_of_type(0x6969), "NFS", "NFS");
	is_str(network_fs_of_type((long)0xFF534D42), "CIFS", "CIFS");
	is_str(network_fs_of_type((int)0xFF534D42), "CIFS", "and with the sign of 32 bits");
	is_str(network_fs_of_type(0x01021997), "9p", "9p");
	is_str(network_fs_of_type(0x65735546), "FUSE", "FUSE");
	ok(!network_fs_of_type(0xEF53) && !network_fs_of_type(0x01021994) && !network_fs_of_type(0x794C7630),
	   "ext4, tmpfs and overlay are none");
}

int main(void)
{
	const char *given = getenv("TEST_SEED");

	seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("# TEST_SEED=%llu\n", (unsigned long long)seed);
	test_mann_whitney();
	test_quantiles();
	test_limits();
	test_recent();
	test_hunter();
	test_robust();
	test_compare();
	test_flaky();
	test_shards();
	test_network();
	return tap_done();
}
