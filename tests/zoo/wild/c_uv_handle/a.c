/* A loop of libuv that does not end, because a pipe that nobody writes to is still being read. */
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

static void on_alloc(uv_handle_t *h, size_t n, uv_buf_t *buf)
{
	(void)h;
	*buf = uv_buf_init(malloc(n), (unsigned)n);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	(void)n;
	free(buf->base);
	uv_close((uv_handle_t *)s, 0);
}

static int serve(uv_loop_t *loop)
{
	return uv_run(loop, UV_RUN_DEFAULT);
}

int main(void)
{
	uv_loop_t *loop = uv_default_loop();
	uv_pipe_t in;
	int fd[2];

	if (pipe(fd))
		return 2;
	uv_pipe_init(loop, &in, 0);
	uv_pipe_open(&in, fd[0]);
	uv_read_start((uv_stream_t *)&in, on_alloc, on_read);
	return serve(loop);
}
