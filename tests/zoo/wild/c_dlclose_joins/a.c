/* A plugin is unloaded. Its destructor joins its thread, which wants to load something itself. */
#include <dlfcn.h>
#include <stdio.h>

int main(void)
{
	void *h = dlopen("./lib.so", RTLD_NOW);

	if (!h)
		return 2;
	dlclose(h);
	puts("unloaded");
	return 0;
}
