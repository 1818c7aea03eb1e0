/* closes hang|exit - closes its output, then hangs, or goes on for 300 ms and exits with 3. */
#include "tests/zoo/zoo.h"

int main(int argc, char **argv)
{
	zoo_live();
	puts("closing");
	fflush(stdout);
	close(0);
	close(1);
	close(2);
	if (zoo_flag(argc, argv, "hang"))
		zoo_hang();
	zoo_sleep_ms(300);
	return 3;
}
