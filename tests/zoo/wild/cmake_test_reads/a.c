#include <unistd.h>

static void answer(void)
{
	sleep(1000);
}

int main(void)
{
	answer();
	return 0;
}
