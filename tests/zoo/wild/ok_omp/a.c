/* A team in which one thread has more to do. */
#include <unistd.h>

int main(void)
{
#pragma omp parallel for num_threads(3) schedule(static, 1)
	for (int i = 0; i < 3; i++)
		usleep(i == 1 ? 3000000 : 1000);
	return 0;
}
