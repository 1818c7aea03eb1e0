/* Waits in io_uring_enter for a read of a pipe that nobody writes to. */
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int wait_event(int ring)
{
	return (int)syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, 0, 0);
}

int main(int argc, char **argv)
{
	struct io_uring_params p = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 4, &p), fd[2];
	static char buf[16];
	char *sq;
	struct io_uring_sqe *sqe;

	if (ring < 0 || pipe(fd))
		return 2;
	if (argc > 1)
		return 0;
	(void)argv;
	sq = mmap(0, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	sqe = mmap(0, p.sq_entries * sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	sqe[0] = (struct io_uring_sqe){ .opcode = IORING_OP_READ, .fd = fd[0], .addr = (unsigned long)buf, .len = 16 };
	((unsigned *)(sq + p.sq_off.array))[0] = 0;
	*(unsigned *)(sq + p.sq_off.tail) = 1;
	return wait_event(ring) < 0;
}
