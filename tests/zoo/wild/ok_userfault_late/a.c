/* Memory whose pages somebody has to fill in; whoever does is slow. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int touch(volatile char *p)
{
	return *p;
}

static void *fill(void *arg)
{
	int uffd = *(int *)arg;
	struct uffd_msg msg;
	struct uffdio_copy copy = { .len = 4096 };

	if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
		exit(2);
	sleep(4);
	copy.dst = msg.arg.pagefault.address & ~4095ul;
	copy.src = (unsigned long)aligned_alloc(4096, 4096);
	*(char *)copy.src = 1;
	ioctl(uffd, UFFDIO_COPY, &copy);
	return 0;
}

int main(void)
{
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register reg = { .range = { (unsigned long)p, 4096 }, .mode = UFFDIO_REGISTER_MODE_MISSING };

	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &reg))
		return 2;
	pthread_create(&(pthread_t){ 0 }, 0, fill, &uffd);
	printf("%d\n", touch(p));
	return 0;
}
