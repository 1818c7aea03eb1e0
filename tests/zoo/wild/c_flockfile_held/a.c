/* A thread keeps a stream locked while it waits for news; the main thread prints. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static FILE *report;

static void *progress(void *unused)
{
	flockfile(report);
	pthread_mutex_lock(&m);
	pthread_cond_wait(&news, &m);
	pthread_mutex_unlock(&m);
	funlockfile(report);
	return unused;
}

static void say(const char *text)
{
	fputs(text, report);
}

int main(void)
{
	pthread_t t;

	report = fopen("report", "w");
	pthread_create(&t, 0, progress, 0);
	usleep(200000);
	say("begin\n");
	pthread_cond_signal(&news);
	return pthread_join(t, 0);
}
