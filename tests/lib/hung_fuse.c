/* SPDX-License-Identifier: Apache-2.0 */
/* hung_fuse.c - a file system that does not answer, for tests/cli/blocked.t. Spoken to the kernel directly.
 *
 *   hung_fuse write|getattr DIR SECONDS CMD...   mounts it at DIR, for CMD alone (a mount namespace of its own), with one
 *                                                file, DIR/file. It answers everything but WRITE or GETATTR of the file.
 *   hung_fuse lock FILE                          hangs in mmap(2), holding the lock of its memory
 *
 * The server goes with CMD, and after SECONDS in any case: then the kernel lets go of everybody who waited. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROOT = 1, THE_FILE = 2, BYTES = 4096 };

static void die(const char *what)
{
	fprintf(stderr, "hung_fuse: %s: %s\n", what, strerror(errno));
	_exit(3);
}

static void answer(int dev, uint64_t unique, int error, const void *data, size_t n)
{
	char buf[1024];
	struct fuse_out_header h = { .len = (uint32_t)(sizeof(h) + n), .error = error, .unique = unique };

	memcpy(buf, &h, sizeof(h));
	if (n)
		memcpy(buf + sizeof(h), data, n);
	if (write(dev, buf, sizeof(h) + n) < 0 && errno != ENOENT)
		die("answering");
}

static struct fuse_attr attr_of(uint64_t node)
{
	return (struct fuse_attr){ .ino = node, .size = node == ROOT ? 0 : BYTES, .nlink = 1, .blksize = 4096,
				   .mode = node == ROOT ? S_IFDIR | 0755 : S_IFREG | 0666 };
}

static void serve_one(int dev, const struct fuse_in_header *in, const char *mode)
{
	const char *arg = (const char *)(in + 1);
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096, .max_readahead = 4096 };
	struct fuse_entry_out entry = { .nodeid = THE_FILE, .entry_valid = 3600, .attr = attr_of(THE_FILE) };
	struct fuse_attr_out attr = { .attr = attr_of(in->nodeid) };
	struct fuse_open_out opened = { .fh = 1 };
	struct fuse_write_out written = { .size = 0 };
	char zero[BYTES] = "";

	switch (in->opcode) {
	case FUSE_INIT: answer(dev, in->unique, 0, &init, sizeof(init)); break;
	case FUSE_LOOKUP:
		if (strcmp(arg, "file") == 0)
			answer(dev, in->unique, 0, &entry, sizeof(entry));
		else
			answer(dev, in->unique, -ENOENT, NULL, 0);
		break;
	case FUSE_GETATTR:
		if (in->nodeid == ROOT || strcmp(mode, "getattr") != 0)
			answer(dev, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN: case FUSE_OPENDIR: answer(dev, in->unique, 0, &opened, sizeof(opened)); break;
	case FUSE_READ: answer(dev, in->unique, 0, zero, 512); break;
	case FUSE_WRITE:
		if (strcmp(mode, "write") != 0)
			answer(dev, in->unique, 0, &written, sizeof(written));
		break;
	case FUSE_FORGET: case FUSE_BATCH_FORGET: case FUSE_INTERRUPT: break;
	case FUSE_FLUSH: case FUSE_RELEASE: case FUSE_RELEASEDIR: answer(dev, in->unique, 0, NULL, 0); break;
	default: answer(dev, in->unique, -ENOSYS, NULL, 0); break;
	}
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void serve(int dev, int cmd_fd, const char *mode, int seconds)
{
	static char buf[FUSE_MIN_READ_BUFFER * 2];
	int64_t until = now_ms() + seconds * 1000;

	for (;;) {
		struct pollfd p[2] = { { .fd = dev, .events = POLLIN }, { .fd = cmd_fd, .events = POLLIN } };
		int64_t left = until - now_ms();

		if (left <= 0 || poll(p, 2, (int)left) <= 0 || p[1].revents)
			return;
		if (read(dev, buf, sizeof(buf)) > 0)
			serve_one(dev, (struct fuse_in_header *)buf, mode);
		else if (errno != EINTR && errno != EAGAIN && errno != ENOENT)
			return;
	}
}

/* The server is nobody's child, so that no supervisor takes it for one of its own. */
static void start_server(int dev, const char *mode, int seconds)
{
	int cmd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	pid_t pid = fork();

	if (pid < 0 || cmd < 0)
		die("starting the server");
	if (pid) {
		waitpid(pid, NULL, 0);
		close(cmd);
		close(dev);
		return;
	}
	if (fork() == 0) {
		int null = open("/dev/null", O_RDWR);

		for (int fd = 0; fd <= 2; fd++)
			dup2(null, fd);
		setsid();
		prctl(PR_SET_NAME, "fuse-server");
		serve(dev, cmd, mode, seconds);
	}
	_exit(0);
}

static void lock_memory(const char *file)
{
	int fd = open(file, O_RDWR);
	char *p = fd < 0 ? MAP_FAILED : mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		die(file);
	p[0] = 1;
	printf("locking\n");
	fflush(stdout);
	/* the old mapping goes, and what was written to it first: under the lock, for ever */
	mmap(p, BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	die("mmap came back");
}

int main(int argc, char **argv)
{
	char options[80];
	int dev;

	if (argc == 3 && strcmp(argv[1], "lock") == 0)
		lock_memory(argv[2]);
	if (argc < 5)
		return 2;
	dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (dev < 0 || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("/dev/fuse");
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%d,group_id=%d", dev, (int)getuid(), (int)getgid());
	if (mount("hung", argv[2], "fuse", MS_NOSUID | MS_NODEV, options) < 0)
		die("mount");
	start_server(dev, argv[1], (int)strtol(argv[3], NULL, 10));
	execvp(argv[4], argv + 4);
	die(argv[4]);
}
