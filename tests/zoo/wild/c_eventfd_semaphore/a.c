/* Two workers take from an eventfd that counts; one too few is put in. */
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int jobs;

static void *work(void *unused)
{
	uint64_t n;

	read(jobs, &n, sizeof(n));
	return unused;
}

int main(void)
{
	pthread_t t[2];
	uint64_t one = 1;

	jobs = eventfd(0, EFD_SEMAPHORE);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], 0, work, 0);
	write(jobs, &one, sizeof(one));
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], 0);
	return 0;
}
