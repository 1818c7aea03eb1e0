/* A file system whose server answers nothing: whoever looks at it stands in the kernel. */
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void serve(int fd)
{
	static char in[1 << 20];
	struct { struct fuse_out_header h; struct fuse_init_out o; } out;

	read(fd, in, sizeof(in));
	memset(&out, 0, sizeof(out));
	out.h.len = sizeof(out);
	out.h.unique = ((struct fuse_in_header *)in)->unique;
	out.o.major = FUSE_KERNEL_VERSION;
	out.o.minor = FUSE_KERNEL_MINOR_VERSION;
	out.o.max_write = 4096;
	write(fd, &out, sizeof(out));
	for (;;)
		pause();
}

int main(void)
{
	int fd = open("/dev/fuse", O_RDWR);
	char opts[100];
	struct stat st;

	mkdir("m", 0700);
	snprintf(opts, sizeof(opts), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (fd < 0 || mount("dead", "m", "fuse", MS_NOSUID | MS_NODEV, opts) < 0)
		return 77;
	if (!fork())
		serve(fd);
	close(fd);
	usleep(300000);
	return stat("m/file", &st) == 0;
}
