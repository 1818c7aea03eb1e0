/* Reads what a start script prints to its end; the daemon that it starts has the same output. */
#include <stdio.h>

static int start(void)
{
	char line[200];
	FILE *f = popen("setsid sleep 500 2>&1 & echo started", "r");

	while (fgets(line, sizeof(line), f))
		fputs(line, stdout);
	return pclose(f);
}

int main(void)
{
	return start();
}
