/* A signal handler takes the lock that the interrupted code holds. */
#include <pthread.h>
#include <signal.h>

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void on_signal(int sig)
{
	pthread_mutex_lock(&log_lock);
	pthread_mutex_unlock(&log_lock);
}

int main(void)
{
	signal(SIGUSR1, on_signal);
	pthread_mutex_lock(&log_lock);
	raise(SIGUSR1);
	pthread_mutex_unlock(&log_lock);
}
