/* dies SIGNAL - ends by that signal, whatever was inherited for it; without a core file. */
#include "tests/zoo/zoo.h"

#include <sys/resource.h>

int main(int argc, char **argv)
{
	int sig = (int)zoo_arg(argc, argv, 1, SIGTERM);
	struct rlimit none = { 0, 0 };
	sigset_t all;

	zoo_live();
	setrlimit(RLIMIT_CORE, &none);
	signal(sig, SIG_DFL);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	raise(sig);
	return 98;
}
