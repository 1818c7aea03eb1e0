/* silent [MS [CODE]] - says nothing for that long (for ever without), then exits with CODE. */
#include "tests/zoo/zoo.h"

int main(int argc, char **argv)
{
	zoo_live();
	if (argc < 2)
		zoo_hang();
	zoo_sleep_ms(zoo_arg(argc, argv, 1, 0));
	return (int)zoo_arg(argc, argv, 2, 0);
}
