/* Another thread is within the log's mutex while this one forks; the child logs, too. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;

static void log_line(const char *s)
{
	pthread_mutex_lock(&log_mutex);
	write(2, s, 1);
	usleep(*s == 's' ? 1000000 : 0);
	pthread_mutex_unlock(&log_mutex);
}

static void *alive(void *arg)
{
	log_line("slow");
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, alive, NULL);
	usleep(300000);
	if (!fork()) {
		log_line("x");
		_exit(0);
	}
	wait(NULL);
	return 0;
}
