/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of /proc about descriptors, sockets, locks and maps; cycles and roots of made-up trees; a real tree as JSON
 * against its schema. */
#include "profile/waits/waits.h"

#include "base/clock.h"
#include "base/json_read.h"
#include "base/mem.h"
#include "base/schema.h"
#include "profile/collector.h"
#include "profile/proc/fdtable.h"
#include "tests/tap.h"
#include "trace/redact.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void maps_texts(void)
{
	static const char text[] =
		"1000-3000 r--p 00000000 fe:01 12    /usr/lib/a b.so\n"
		"3000-4000 r-xp 00002000 fe:01 12    /usr/lib/a b.so (deleted)\n"
		"2000-5000 rw-p 00000000 00:00 0 \n" /* overlaps: not the kernel's */
		"zz-5000 rw-p 00000000 00:00 0 \n"
		"7ffe0000-7fff0000 rw-p 00000000 00:00 0                          [stack]\n";
	struct maps m;

	maps_parse(&m, xstrdup(text), sizeof(text) - 1);
	is_int(m.n, 3, "lines that are none, or out of order, are left out");
	is_str(m.v[0].path, "/usr/lib/a b.so", "a path may hold blanks");
	ok(!m.v[0].deleted && m.v[1].deleted, "a removed file is marked");
	is_str(m.v[1].path, "/usr/lib/a b.so", "and its mark cut off");
	ok(m.v[1].x && !m.v[1].w && m.v[1].offset == 0x2000 && m.v[1].inode == 12 && m.v[1].dev_major == 0xfe, "fields");
	ok(maps_find(&m, 0x3fff) == &m.v[1] && maps_find(&m, 0x4000) == NULL && maps_find(&m, 0xfff) == NULL,
	   "an address is found in its map alone");
	ok(maps_find(&m, 0x7ffe0000) == &m.v[2], "the first byte belongs to it");
	maps_release(&m);
}

static void fd_texts(void)
{
	uint64_t ino;

	is_int(fd_kind_parse("pipe:[77]", &ino), FD_PIPE, "pipe");
	is_int(ino, 77, "and its inode");
	is_int(fd_kind_parse("socket:[9]", &ino), FD_SOCKET, "socket");
	is_int(fd_kind_parse("anon_inode:[eventpoll]", &ino), FD_EPOLL, "epoll");
	is_int(fd_kind_parse("anon_inode:inotify", &ino), FD_INOTIFY, "inotify has no brackets");
	is_int(fd_kind_parse("anon_inode:[new]", &ino), FD_OTHER, "what is not known is other");
	is_int(fd_kind_parse("/tmp/pipe:[77]", &ino), FD_FILE, "a file may be called like a pipe");
}

static void socket_texts(void)
{
	static const char tcp[] =
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 100 1 0\n"
		"   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 101 1 0\n"
		"   2: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 102 1 0\n";
	static const char tcp6[] =
		"   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 "
		"00:00000000 00000000     0        0 200 1 0\n";
	struct sock_info s = { .proto = "" };

	ok(sock_table_parse(tcp, sizeof(tcp) - 1, false, 102, &s), "a connection is found by its inode");
	is_str(s.local, "127.0.0.1:54321", "local end");
	is_str(s.remote, "127.0.0.1:8080", "remote end");
	is_int(s.peer_ino, 101, "its mirror is the other end on this machine");
	s = (struct sock_info){ .proto = "" };
	ok(sock_table_parse(tcp, sizeof(tcp) - 1, false, 100, &s) && s.listening && !s.peer_ino, "a listener has no peer");
	ok(!sock_table_parse(tcp, sizeof(tcp) - 1, false, 0, &s), "inode 0 is nobody's");
	ok(sock_table_parse(tcp6, sizeof(tcp6) - 1, true, 200, &s), "IPv6");
	is_str(s.local, "[::1]:80", "in brackets");
}

static void socket_peers(void)
{
	static const char tcp[] =
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000001 00:00000000 00000000     0        0 100 1 0\n"
		"   1: 0100007F:1F90 0100007F:D431 01 00000000:00000005 00:00000000 00000000     0        0 0 1 0\n"
		"   2: 0100007F:D431 0100007F:1F90 01 00000000:00000007 00:00000000 00000000     0        0 102 1 0\n";
	static const char tcp6[] =
		"   0: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:D431 01 00000000:00000009 "
		"00:00000000 00000000     0        0 201 1 0\n"
		"   1: 00000000000000000000000000000000:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000 "
		"00:00000000 00000000     0        0 202 1 0\n";
	struct sock_info s = { .proto = "" };

	ok(sock_table_parse(tcp, sizeof(tcp) - 1, false, 102, &s) && !s.peer_ino, "nobody has accepted the other end");
	is_int(s.unread, 7, "bytes in the receive queue");
	is_int(s.peer_unread, 5, "bytes in that of the other end");
	sock_peer_parse(tcp, sizeof(tcp) - 1, false, &s);
	is_int(s.listener_ino, 100, "then it is its listener's");
	sock_peer_parse(tcp6, sizeof(tcp6) - 1, true, &s);
	is_int(s.peer_ino, 201, "a mapped address is the same address");
	is_int(s.peer_unread, 9, "with its queue");
	s = (struct sock_info){ .proto = "", .local = "127.0.0.1:1", .remote = "127.0.0.1:8081" };
	sock_peer_parse(tcp6, sizeof(tcp6) - 1, true, &s);
	ok(s.listener_ino == 202 && !s.peer_ino, "a listener on any address");
	s = (struct sock_info){ .proto = "", .local = "127.0.0.1:1", .remote = "127.0.0.2:8080" };
	sock_peer_parse(tcp, sizeof(tcp) - 1, false, &s);
	ok(!s.listener_ino && !s.peer_ino, "another address with that port is somebody else's");
	ok(sock_table_parse(tcp, sizeof(tcp) - 1, false, 100, &s) && s.listening && s.unread == 1, "connections that wait");
}

static void loop_words(void)
{
	ok(loop_words_are_children(NODE_LOOP_WORDS "a pipe (fd 3), a child process (pid 5); no timer is due; epoll of 1"),
	   "a child and its pipe");
	ok(!loop_words_are_children(NODE_LOOP_WORDS "a child process (pid 5), a TCP socket (fd 4); no timer is due"),
	   "a socket besides");
	ok(!loop_words_are_children(NODE_LOOP_WORDS "a child process (pid 5); epoll of 1"), "a timer may be due");
	ok(!loop_words_are_children("epoll of 1: fd 3 a child process"), "no loop");
}

static void unix_texts(void)
{
	static const char text[] = "Num       RefCount Protocol Flags    Type St Inode Path\n"
				   "0000000000000000: 00000002 00000000 00010000 0001 01 300 /run/a b\n"
				   "0000000000000000: 00000003 00000000 00000000 0001 03 301\n";
	struct sock_info s = { .proto = "" };

	ok(unix_table_parse(text, sizeof(text) - 1, 300, &s) && s.listening, "a unix socket of another namespace listens");
	is_str(s.local, "/run/a b", "its name, blanks and all");
	ok(unix_table_parse(text, sizeof(text) - 1, 301, &s) && !s.listening && !*s.local, "one without a name");
	ok(!unix_table_parse(text, sizeof(text) - 1, 30, &s), "part of a number is none");
}

static void lock_texts(void)
{
	static const char locks[] = "1: POSIX  ADVISORY  WRITE 500 fe:01:88 0 EOF\n"
				    "2: FLOCK  ADVISORY  WRITE 600 fe:01:99 0 EOF\n"
				    "2: -> FLOCK  ADVISORY  WRITE 601 fe:01:99 0 EOF\n"
				    "2: -> FLOCK  ADVISORY  WRITE 602 fe:01:99 0 EOF\n"
				    "3: OFDLCK ADVISORY  WRITE -1 fe:01:77 0 EOF\n"
				    "3: -> OFDLCK ADVISORY  WRITE -1 fe:01:77 0 EOF\n";
	struct lock_wait l;

	ok(lock_wait_parse(locks, sizeof(locks) - 1, 602, 99, &l) && l.holder == 600, "the second waiter's holder");
	is_str(l.text, "FLOCK WRITE lock", "kind and access");
	ok(!lock_wait_parse(locks, sizeof(locks) - 1, 600, 0, &l), "a holder waits for nothing");
	ok(!lock_wait_parse(locks, sizeof(locks) - 1, 601, 88, &l), "another file is another lock");
	ok(lock_wait_parse(locks, sizeof(locks) - 1, -1, 77, &l) && l.holder == -1, "open file description locks have no pid");
}

static void sqlite_locks(void)
{
	static const char locks[] = "1: POSIX  ADVISORY  READ 500 fe:01:88 1073741826 1073742335\n"
				    "2: POSIX  ADVISORY  WRITE 501 fe:01:88 1073741825 1073741825\n"
				    "3: POSIX  ADVISORY  WRITE 502 fe:01:99 0 EOF\n"
				    "4: FLOCK  ADVISORY  WRITE 503 fe:01:77 0 EOF\n"
				    "5: POSIX  ADVISORY  WRITE 504 fe:01:66 120 120\n";
	struct sqlite_lock l;

	ok(sqlite_lock_parse(locks, sizeof(locks) - 1, 88, 0, &l) && l.holder == 501 && l.writes, "the writer before its readers");
	ok(sqlite_lock_parse(locks, sizeof(locks) - 1, 88, 501, &l) && l.holder == 500 && !l.writes,
	   "a reader, where the writer is who asks");
	ok(!sqlite_lock_parse(locks, sizeof(locks) - 1, 99, 0, &l), "a lock of the whole file is not SQLite's");
	ok(!sqlite_lock_parse(locks, sizeof(locks) - 1, 77, 0, &l), "nor is one of flock");
	ok(sqlite_lock_parse(locks, sizeof(locks) - 1, 66, 0, &l) && l.holder == 504, "a write-ahead log's");
}

/* A made-up tree: `count` processes of one thread each, all blocked without an end. */
static void tree_make(struct snapshot *s, size_t count)
{
	*s = (struct snapshot){ .root = 1 };
	s->processes = xcalloc(count, sizeof(*s->processes));
	s->process_count = count;
	for (size_t i = 0; i < count; i++) {
		struct snap_process *p = &s->processes[i];

		p->pid = p->stat.pid = (pid_t)(i + 1);
		p->stat.ppid = (pid_t)i;
		p->stat.state = 'S';
		p->alive = true;
		p->peek.mem_fd = -1;
		p->thread_count = 1;
		p->threads = xcalloc(1, sizeof(*p->threads));
		p->threads[0] = (struct snap_thread){ .tid = p->pid, .state = 'S', .cpu_delta_ns = -1, .since_ns = -1 };
	}
}

static void waits_for(struct snapshot *s, size_t from, enum wait_kind kind, size_t to, bool proved)
{
	struct snap_thread *t = &s->processes[from].threads[0];

	wait_set(t, kind, "made up");
	t->wait.endless = true;
	wait_holder_add(t, s, s->processes[to].pid, 0, -1);
	t->wait.proved = proved;
}

static void cycles_of_made_up_trees(void)
{
	struct snapshot s;

	tree_make(&s, 4);
	waits_for(&s, 0, WAIT_CHILD, 1, true);
	waits_for(&s, 1, WAIT_PIPE_READ, 2, true);
	waits_for(&s, 2, WAIT_PIPE_READ, 1, true);
	wait_set(&s.processes[3].threads[0], WAIT_SLEEP, "sleep");
	graph_resolve(&s);
	is_int(s.cycle_count, 1, "one ring");
	ok(s.cycle_count && s.cycles[0].proved && s.cycles[0].member_count == 2 && s.cycles[0].members[0].pid == 2,
	   "proved, without the one who only waits for it");
	is_str(s.roots[0].pattern_id, "hang.deadlock.processes", "comes first");
	snapshot_release(&s);

	tree_make(&s, 2);
	waits_for(&s, 0, WAIT_PIPE_READ, 1, true);
	waits_for(&s, 1, WAIT_PIPE_READ, 0, false);
	graph_resolve(&s);
	ok(s.cycle_count == 1 && !s.cycles[0].proved, "a ring with a possible edge is possible");
	snapshot_release(&s);

	for (int outside = 0; outside < 2; outside++) {
		tree_make(&s, 4);
		waits_for(&s, 0, WAIT_PIPE_READ, 1, false);
		waits_for(&s, 0, WAIT_PIPE_READ, 2, false);
		waits_for(&s, 1, WAIT_CHILD, 2, true);
		waits_for(&s, 2, WAIT_PIPE_READ, 0, true);
		if (outside)
			waits_for(&s, 0, WAIT_PIPE_READ, 3, false);
		wait_set(&s.processes[3].threads[0], WAIT_SLEEP, "sleep");
		graph_resolve(&s);
		ok(s.cycle_count == 1 && s.cycles[0].proved == !outside, outside ? "somebody outside may still write" :
		   "nobody gets out of a ring in which all who have the end of a pipe wait");
		snapshot_release(&s);
	}

	tree_make(&s, 2);
	waits_for(&s, 0, WAIT_CHILD, 1, true);
	wait_set(&s.processes[1].threads[0], WAIT_TTY, "tty");
	graph_resolve(&s);
	is_int(s.cycle_count, 0, "a chain is no ring");
	is_str(s.roots[0].pattern_id, "hang.input.terminal", "its leaf comes first");
	is_str(s.roots[1].pattern_id, "hang.wait.child", "who waits for it comes last");
	is_int(s.roots[0].pid, 2, "the leaf is the child");
	snapshot_release(&s);
}

/* 5,000 threads that wait for each other in one ring: no recursion of ours may overflow. */
static void a_long_ring(void)
{
	enum { LONG = 5000 };
	struct snapshot s;

	tree_make(&s, 1);
	free(s.processes[0].threads);
	s.processes[0].threads = xcalloc(LONG, sizeof(struct snap_thread));
	s.processes[0].thread_count = LONG;
	for (int i = 0; i < LONG; i++) {
		struct snap_thread *t = &s.processes[0].threads[i];

		t->tid = i + 1;
		t->state = 'S';
		wait_set(t, WAIT_MUTEX, "m");
		t->wait.holders = xcalloc(1, sizeof(*t->wait.holders));
		t->wait.holders[0] = (struct snap_holder){ .pid = 1, .tid = (i + 1) % LONG + 1, .fd = -1 };
		t->wait.holder_count = 1;
		t->wait.proved = t->wait.endless = true;
	}
	graph_resolve(&s);
	ok(s.cycle_count == 1 && s.cycles[0].member_count == LONG, "a ring of 5,000 threads is one cycle");
	snapshot_release(&s);
}

static bool violation(void *arg, const struct schema_place *at, const char *what)
{
	auto_str place = STR_INIT;

	(void)arg;
	schema_place_write(at, &place);
	printf("# %s: %s\n", str_cstr(&place), what);
	return true;
}

static void json_against_schema(void)
{
	struct snapshot_options o = { .deadline_ns = clock_mono_ns() + 5 * NS_PER_S };
	char *env[] = { "API_TOKEN=verysecretvalue", NULL };
	auto_pid_list pids = PID_LIST_INIT;
	const struct json_value *v;
	struct json_reader *reader;
	auto_str out = STR_INIT;
	struct schema *schema;
	struct redactor *r;
	struct snapshot s;
	struct err e = { 0 };
	pid_t child = fork();

	if (child == 0) {
		execl("/bin/sh", "sh", "-c", "sleep 30; : verysecretvalue \xff", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 200 && pids.n < 3; i++) { /* until the shell has its child */
		usleep(10000);
		pids.n = 0;
		proc_tree(getpid(), &pids);
	}
	snapshot_capture(&s, pids.v, pids.n, &o);
	collector_facts.collect(&s, &(struct collect_request){ .deadline_ns = clock_mono_ns() + 5 * NS_PER_S });
	waits_resolve(&s);
	graph_resolve(&s);
	snapshot_compare(&s, NULL, 0);
	ok(s.processes[0].facts.known && s.processes[0].facts.fd_count >= 3 && s.processes[0].facts.fds_listed >= 3 &&
	   s.processes[0].facts.has_io && s.processes[0].facts.open_files_max > 0, "descriptors, input and output, limits");
	ok(redactor_new(&r, env, &(struct strv)STRV_INIT, &(struct strv)STRV_INIT, &e) == 0, "a redactor");
	snapshot_json(&s, r, &out);
	ok(strstr(out.data, "verysecretvalue") == NULL, "a secret of the environment is nowhere");
	ok(strstr(out.data, "\"kind\":\"child\"") != NULL, "the shell waits for its child");
	reader = json_reader_text(out.data, out.len, "snapshot");
	if (ok(schema_read(&schema, "schemas/inspect_v1.yaml", &e) == 0, "the schema is read: %s", e.msg)) {
		ok(json_take(reader, &v, &e) == 0, "well-formed: %s", e.msg);
		ok(schema_check(schema, v, NULL, violation, NULL), "as the schema says");
		schema_free(schema);
	}
	json_reader_free(reader);
	str_reset(&out);
	snapshot_text(&s, r, false, &out);
	ok(strstr(out.data, "verysecretvalue") == NULL, "nor in the text for people");
	redactor_free(r);
	snapshot_release(&s);
	for (size_t i = 1; i < pids.n; i++)
		kill(pids.v[i], SIGKILL);
	waitpid(child, NULL, 0);
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

/* A connection that nobody has accepted yet: the kernel lists it with its listener. */
static void unix_queue(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), server;
	uint64_t ino[4] = { 0 };
	struct sock_info s;
	char found[96] = "";
	size_t n;

	/* an abstract name, which leaves no file */
	snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "spec-runner-test-%d", (int)getpid());
	if (bind(listener, (void *)&at, sizeof(at)) || listen(listener, 1) || connect(client, (void *)&at, sizeof(at)) ||
	    !sock_lookup(getpid(), inode_of(listener), &s)) {
		printf("# the kernel does not tell of unix sockets here\n");
		return;
	}
	ok(sock_lookup(getpid(), inode_of(client), &s), "the client is found");
	is_int((int64_t)s.listener_ino, (int64_t)inode_of(listener), "in the queue of its listener");
	ok(strstr(s.remote, "spec-runner-test-") != NULL, "whose name is the other end's");
	snprintf(found, sizeof(found), "%s", s.remote);
	n = sock_unix_listeners(0, found, ino, 4, found, sizeof(found));
	ok(n == 1 && ino[0] == inode_of(listener), "the listener is found by its name");
	server = accept(listener, NULL, NULL);
	ok(sock_lookup(getpid(), inode_of(client), &s) && !s.listener_ino && s.peer_ino == inode_of(server),
	   "accepted, the other end is the server's");
	close(server);
	close(client);
	close(listener);
}

int main(void)
{
	unix_queue();
	maps_texts();
	fd_texts();
	socket_texts();
	unix_texts();
	socket_peers();
	loop_words();
	lock_texts();
	sqlite_locks();
	cycles_of_made_up_trees();
	a_long_ring();
	json_against_schema();
	return tap_done();
}
