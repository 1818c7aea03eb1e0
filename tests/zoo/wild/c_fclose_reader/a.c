/* A thread reads lines of a stream and has its lock; the main thread closes the stream. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static FILE *events;

static void *follow(void *unused)
{
	char line[64];

	while (fgets(line, sizeof(line), events))
		;
	return unused;
}

static void shut_down(void)
{
	fclose(events);
}

int main(void)
{
	int fd[2];
	pthread_t t;

	if (pipe(fd))
		return 2;
	events = fdopen(fd[0], "r");
	pthread_create(&t, 0, follow, 0);
	usleep(200000);
	shut_down();
	return pthread_join(t, 0);
}
