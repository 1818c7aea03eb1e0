/* The acceptor is joined and never told to end. */
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

static void *serve(void *arg)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	bind(s, (struct sockaddr *)&a, sizeof(a));
	listen(s, 4);
	while (accept(s, 0, 0) >= 0)
		;
	return arg;
}

static void stop(pthread_t t)
{
	pthread_join(t, 0);
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, 0, serve, 0);
	stop(t);
}
