/* A tracer that has lost interest: the child stands at its first stop. */
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	pid_t child = fork();

	if (!child)
		for (;;)
			pause();
	if (!fork()) {
		ptrace(PTRACE_ATTACH, child, 0, 0);
		for (;;)
			pause();
	}
	waitpid(child, 0, 0);
	return 0;
}
