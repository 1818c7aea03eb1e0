/* The parent has used OpenMP's threads; a forked child, which has none of them, uses OpenMP again. */
#include <sys/wait.h>
#include <unistd.h>

static int total(void)
{
	int sum = 0;

#pragma omp parallel for num_threads(2) reduction(+ : sum)
	for (int i = 0; i < 1000; i++)
		sum += i;
	return sum;
}

int main(void)
{
	int sum = total();
	pid_t pid = fork();

	if (!pid)
		_exit(total() != sum);
	waitpid(pid, 0, 0);
	return 0;
}
