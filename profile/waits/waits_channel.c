/* SPDX-License-Identifier: Apache-2.0 */
/* waits_channel.c - /proc/PID/wchan names the kernel's function in which a thread sleeps. Everybody may read it who may
 * read /proc/PID/maps, also where Yama keeps the system call from us. It gives the kind, never an argument. */
#include "profile/waits/waits.h"
#include "profile/waits/waits_internal.h"

#include <string.h>

/* A prefix is enough: compilers append ".isra.0" and the like. Names of 5.4 to 6.18. */
static const struct {
	const char *prefix;
	enum wait_kind kind;
	const char *what;
} channels[] = {
	{ "futex_", WAIT_FUTEX, "a lock or condition" },
	{ "pipe_read", WAIT_PIPE_READ, "a pipe" },
	{ "anon_pipe_read", WAIT_PIPE_READ, "a pipe" },
	{ "pipe_write", WAIT_PIPE_WRITE, "a pipe" },
	{ "anon_pipe_write", WAIT_PIPE_WRITE, "a pipe" },
	{ "wait_for_partner", WAIT_PIPE_READ, "the other end of a FIFO" },
	{ "do_wait", WAIT_CHILD, "exit of a child" },
	{ "kernel_wait", WAIT_CHILD, "exit of a child" },
	{ "hrtimer_nanosleep", WAIT_SLEEP, "its time" },
	{ "do_nanosleep", WAIT_SLEEP, "its time" },
	{ "timerfd_read", WAIT_SLEEP, "a timer" },
	{ "ep_poll", WAIT_POLL, "a set of descriptors (epoll)" },
	{ "do_epoll_wait", WAIT_POLL, "a set of descriptors (epoll)" },
	{ "poll_schedule_timeout", WAIT_POLL, "a set of descriptors (poll, select)" },
	{ "do_sys_poll", WAIT_POLL, "a set of descriptors (poll)" },
	{ "do_poll", WAIT_POLL, "a set of descriptors (poll)" },
	{ "do_select", WAIT_POLL, "a set of descriptors (select)" },
	{ "inotify_read", WAIT_POLL, "inotify" },
	{ "inet_csk_accept", WAIT_ACCEPT, "a connection" },
	{ "unix_accept", WAIT_ACCEPT, "a connection" },
	{ "inet_wait_for_connect", WAIT_CONNECT, "its connection" },
	{ "inet_stream_connect", WAIT_CONNECT, "its connection" },
	{ "__inet_stream_connect", WAIT_CONNECT, "its connection" },
	{ "unix_stream_connect", WAIT_CONNECT, "its connection" },
	{ "unix_stream_read", WAIT_SOCKET_RECV, "a unix socket" },
	{ "unix_stream_data_wait", WAIT_SOCKET_RECV, "a unix socket" },
	{ "__skb_wait_for_more", WAIT_SOCKET_RECV, "a socket" },
	{ "sk_wait_data", WAIT_SOCKET_RECV, "a socket" },
	{ "tcp_recvmsg", WAIT_SOCKET_RECV, "a socket" },
	{ "sk_stream_wait_memory", WAIT_SOCKET_SEND, "a socket" },
	{ "sock_alloc_send_pskb", WAIT_SOCKET_SEND, "a socket" },
	{ "unix_wait_for_peer", WAIT_SOCKET_SEND, "a unix socket" },
	{ "n_tty_read", WAIT_TTY, "a terminal" },
	{ "n_tty_write", WAIT_TTY, "a terminal" },
	{ "locks_lock_inode_wait", WAIT_FILE_LOCK, "a file lock" },
	{ "flock_lock_inode_wait", WAIT_FILE_LOCK, "a file lock" },
	{ "do_lock_file_wait", WAIT_FILE_LOCK, "a file lock" },
	{ "fcntl_setlk", WAIT_FILE_LOCK, "a file lock" },
	{ "do_sigtimedwait", WAIT_SIGNAL, "a signal" },
	{ "sigsuspend", WAIT_SIGNAL, "a signal" },
	{ "do_sys_pause", WAIT_SIGNAL, "a signal" },
	{ "__do_sys_pause", WAIT_SIGNAL, "a signal" },
	{ "__x64_sys_pause", WAIT_SIGNAL, "a signal" },
	{ "signalfd_", WAIT_SIGNAL, "a signal (signalfd)" },
	{ "do_semtimedop", WAIT_SEMAPHORE, "a System V semaphore" },
	{ "__do_semtimedop", WAIT_SEMAPHORE, "a System V semaphore" },
	{ "do_msg", WAIT_IO, "a System V message queue" },
	{ "wq_sleep", WAIT_IO, "a POSIX message queue" },
	{ "eventfd_read", WAIT_EVENTFD, "an eventfd" },
	{ "io_cqring_wait", WAIT_IO, "io_uring completions" },
	{ "read_events", WAIT_IO, "asynchronous input and output" },
};

void waits_by_channel(struct snap_thread *t)
{
	for (size_t i = 0; i < sizeof(channels) / sizeof(*channels); i++)
		if (strncmp(t->wchan, channels[i].prefix, strlen(channels[i].prefix)) == 0) {
			wait_set(t, channels[i].kind, "%s (in the kernel's %s)", channels[i].what, t->wchan);
			return;
		}
	wait_set(t, WAIT_UNKNOWN, "%s", t->wchan[0] ? t->wchan : "not to be seen");
}
