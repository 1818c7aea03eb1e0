/* ignore_term [grandchild] - does not end on TERM, INT or HUP; with "grandchild" it is a
 * grandchild that does not, while the command itself does. */
#include "tests/zoo/zoo.h"

static void ignore_and_hang(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	puts("ignoring");
	fflush(stdout);
	zoo_hang();
}

int main(int argc, char **argv)
{
	zoo_live();
	if (!zoo_flag(argc, argv, "grandchild"))
		ignore_and_hang();
	if (zoo_fork() == 0) {
		if (zoo_fork() == 0)
			ignore_and_hang();
		zoo_hang();
	}
	zoo_hang();
}
