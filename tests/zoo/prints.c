/* prints EVERY_MS COUNT [hang] - a line on alternating streams every EVERY_MS, COUNT times; then
 * exits with 0, or hangs. */
#include "tests/zoo/zoo.h"

int main(int argc, char **argv)
{
	long every = zoo_arg(argc, argv, 1, 100), count = zoo_arg(argc, argv, 2, 10);

	zoo_live();
	for (long i = 0; i < count; i++) {
		dprintf(i % 2 ? 2 : 1, "line %ld\n", i);
		zoo_sleep_ms(every);
	}
	if (zoo_flag(argc, argv, "hang"))
		zoo_hang();
	return 0;
}
