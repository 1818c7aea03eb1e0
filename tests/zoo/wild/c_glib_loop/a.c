/* A loop of GLib runs until a child has ended, and the child waits for its standard input. */
#include <glib.h>

static void on_exit_of_child(GPid pid, int status, gpointer loop)
{
	(void)pid;
	(void)status;
	g_main_loop_quit(loop);
}

static void run(GMainLoop *loop)
{
	g_main_loop_run(loop);
}

int main(void)
{
	char *argv[] = { "sh", "-c", "read -r answer; echo $answer", NULL };
	GMainLoop *loop = g_main_loop_new(NULL, FALSE);
	int in;
	GPid pid;

	if (!g_spawn_async_with_pipes(NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid,
				      &in, NULL, NULL, NULL))
		return 2;
	g_child_watch_add(pid, on_exit_of_child, loop);
	run(loop);
	return 0;
}
