/* SPDX-License-Identifier: Apache-2.0 */
/* Which process is which test: by the order in which a runner names and starts them. */
#include "profile/sample/pairs.h"

#include "tests/tap.h"

#define MS INT64_C(1000000)
#define LATE (1000 * MS)

static struct pair_life life(int64_t from_ms, int64_t to_ms, int64_t order)
{
	return (struct pair_life){ from_ms * MS, to_ms * MS, order, (size_t)order };
}

static void known_orders(void)
{
	struct pair_life two[] = { life(0, 900, 11), life(0, 300, 12) };
	struct pair_life named[] = { life(1, 910, 1), life(1, 320, 2) };
	struct pair_life late[] = { life(700, 1500, 1), life(700, 701, 2) };

	ok(pairs_fit(two, 2, named, 2, LATE), "two that begin at once, in the order of their numbers");
	is_int(two[0].id, 11, "the first process is the first test");
	is_int(named[0].id, 1, "by its number");
	ok(pairs_fit(two, 2, late, 2, LATE), "their lines are heard of late");
	ok(!pairs_fit(two, 2, named, 1, LATE), "a process too many");
	ok(!pairs_fit(two, 0, named, 0, LATE), "nothing");
}

static void sorted_by_start(void)
{
	struct pair_life processes[] = { life(1000, 1500, 3), life(0, 1000, 1), life(5, 2000, 2) };
	struct pair_life tests[] = { life(1001, 1510, 30), life(6, 2005, 20), life(1, 1003, 10) };

	ok(pairs_fit(processes, 3, tests, 3, LATE), "given in any order");
	for (size_t i = 0; i < 3; i++)
		is_int(tests[i].id, 10 * processes[i].id, "pair %zu", i + 1);
}

static void strangers(void)
{
	struct pair_life helpers[] = { life(0, 50, 1), life(5, 60, 2) };
	struct pair_life tests[] = { life(0, 9000, 1), life(0, 9000, 2) };
	struct pair_life later[] = { life(4000, 5000, 1), life(4000, 5000, 2) };

	ok(!pairs_fit(helpers, 2, tests, 2, LATE), "helpers that are over long before the tests");
	ok(!pairs_fit(helpers, 2, later, 2, LATE), "processes of another time");
}

int main(void)
{
	known_orders();
	sorted_by_start();
	strangers();
	return tap_done();
}
