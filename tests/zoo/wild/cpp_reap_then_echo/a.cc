// A runner of tests: the test has ended, and what it has started holds its output.
#include <cstdio>
#include <iostream>
#include <sys/wait.h>
#include <unistd.h>

static void echo_output(FILE *from)
{
	char line[256];
	while (fgets(line, sizeof(line), from))
		std::cout << line;
}

static void run(const char *test)
{
	int fd[2];
	if (pipe(fd))
		return;
	pid_t pid = fork();
	if (!pid) {
		dup2(fd[1], 1);
		close(fd[0]);
		close(fd[1]);
		execl("/bin/sh", "sh", "-c", test, (char *)nullptr);
		_exit(127);
	}
	close(fd[1]);
	waitpid(pid, nullptr, 0);
	std::cout << "TEST: " << test << std::endl;
	echo_output(fdopen(fd[0], "r"));
}

int main()
{
	run("echo ok");
	run("sleep 300 & echo started");
}
