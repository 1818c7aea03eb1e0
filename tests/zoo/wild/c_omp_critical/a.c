/* Within a critical section a function enters the same section again. */
#include <stdio.h>

static int total;

static void add(int n)
{
#pragma omp critical
	total += n;
}

static void add_twice(int n)
{
#pragma omp critical
	{
		add(n);
		add(n);
	}
}

int main(void)
{
#pragma omp parallel num_threads(2)
	add_twice(1);
	return total != 4;
}
