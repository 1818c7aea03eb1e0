/* Children have ended and are reaped later. */
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	for (int i = 0; i < 3; i++)
		if (!fork())
			_exit(i);
	sleep(3);
	while (wait(0) > 0)
		;
	return 0;
}
