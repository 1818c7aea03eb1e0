/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc tells: parsers on awkward texts, readers on processes that live, stop and vanish. */
#include "profile/proc/process.h"

#include "base/clock.h"
#include "base/mem.h"
#include "tests/tap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void stat_texts(void)
{
	static const char odd[] = "42 (a) R 1 (b\n) S 7 8 9 34816 10 4194304 11 0 12 0 250 50 3 4 20 0 5 0 "
				  "1000 8192 3 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 6 0 0 9 0 0";
	struct proc_stat s;

	is_int(proc_stat_parse(odd, sizeof(odd) - 1, &s), 0, "a name with brackets and a newline is read");
	is_str(s.comm, "a) R 1 (b\n", "the last bracket ends the name");
	is_int(s.state, 'S', "state");
	is_int(s.ppid, 7, "parent");
	is_int(s.pgrp, 8, "group");
	is_int(s.session, 9, "session");
	is_int(s.tty_nr, 34816, "terminal");
	is_int(s.user_ns, 250 * (NS_PER_S / sysconf(_SC_CLK_TCK)), "user time in ns");
	is_int(proc_stat_cpu_ns(&s), 300 * (NS_PER_S / sysconf(_SC_CLK_TCK)), "CPU time is both");
	is_int(s.num_threads, 5, "threads");
	is_int(s.start_ticks, 1000, "start");
	is_int(s.rss_bytes, 3 * sysconf(_SC_PAGESIZE), "resident bytes");
	is_int(s.processor, 6, "processor");
	is_int(proc_stat_parse("1 (x", 4, &s), -1, "a torn line is refused");
	is_int(proc_stat_parse("1 (x) S 1", 9, &s), -1, "a short line is refused");
	is_int(s.pid, 0, "and leaves zeroes");
}

static void small_texts(void)
{
	struct proc_sched sched;
	struct proc_syscall sc;
	struct proc_status st;
	struct proc_pressure p;
	auto_pid_list l = PID_LIST_INIT;
	static const char status[] = "Name:\tPid: 7\nTgid:\t10\nPid:\t11\nTracerPid:\t3\nUid:\t5\t6\t7\t8\n"
				     "NSpid:\t11\t4\nSigCgt:\t0000000000000404\nSeccomp:\t2\n"
				     "voluntary_ctxt_switches:\t77\nnonvoluntary_ctxt_switches:\t8\n";
	static const char psi[] = "some avg10=1.05 avg60=0.20 avg300=0.00 total=1234567\n"
				  "full avg10=0.00 avg60=0.00 avg300=0.00 total=89\n";
	static const char sys[] = "202 0x7f00 0x80 0x2 0x0 0x0 0xffffffffffffffff 0x7ffe10 0x7f11\n";

	is_int(proc_sched_parse("5 6 7\n", 6, &sched), 0, "schedstat");
	is_int(sched.delay_ns, 6, "run delay");
	is_int(proc_sched_parse("5", 1, &sched), -1, "a short schedstat is refused");
	is_int(proc_status_parse(status, sizeof(status) - 1, &st), 0, "status");
	is_int(st.pid, 11, "keys count at line starts only");
	is_int(st.ns_pid, 4, "pid in the innermost namespace");
	is_int(st.sig_caught, 0x404, "signal mask");
	is_int(st.voluntary, 77, "voluntary switches are not the involuntary ones");
	is_int(st.involuntary, 8, "involuntary switches");
	is_int(proc_syscall_parse(sys, sizeof(sys) - 1, &sc), 0, "syscall");
	ok(sc.nr == 202 && sc.arg[1] == 0x80 && sc.arg[5] == UINT64_MAX && sc.sp == 0x7ffe10 && sc.pc == 0x7f11,
	   "number, arguments, stack and program counter");
	is_int(proc_syscall_parse("running\n", 8, &sc), 0, "running");
	ok(sc.running && sc.nr == -1, "a running thread has no number");
	is_int(proc_syscall_parse("-1 0x10 0x20\n", 13, &sc), 0, "stopped outside of a call");
	ok(!sc.running && sc.nr == -1 && sc.sp == 0x10 && sc.pc == 0x20, "has registers all the same");
	is_int(proc_pressure_parse(psi, sizeof(psi) - 1, &p), 0, "pressure");
	ok(p.some_total_ns == 1234567000 && p.full_total_ns == 89000 && p.some_avg10 == 105 && p.some_avg60 == 20,
	   "totals in ns, averages in hundredths");
	proc_children_parse("12 3 x", 6, &l);
	ok(l.n == 2 && l.v[0] == 12 && l.v[1] == 3, "children until the first thing that is no number");
}

static void argv_texts(void)
{
	struct strv a = STRV_INIT, b = STRV_INIT, c = STRV_INIT;

	proc_argv_split("sh\0-c\0\0x", 8, &a);
	ok(a.n == 4 && !strcmp(a.v[2], "") && !strcmp(a.v[3], "x"), "empty and unterminated arguments count");
	proc_argv_split("", 0, &b);
	is_int(b.n, 0, "a kernel thread has none");
	proc_argv_split("postgres: writer\0\0\0", 19, &c);
	is_str(c.v[0], "postgres: writer", "an overwritten command line");
	strv_release(&a);
	strv_release(&b);
	strv_release(&c);
}

static const char *link_name(int fd)
{
	static char name[24];

	snprintf(name, sizeof(name), "fd/%d", fd);
	return name;
}

static pid_t child_start(int ready[2])
{
	pid_t pid;
	char byte;

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, "odd) S 1 (name", 0, 0, 0);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	return read(ready[0], &byte, 1) == 1 ? pid : -1;
}

static void living_and_vanished(void)
{
	struct proc_watch w;
	struct proc_stat s;
	struct proc_sched sched;
	struct proc_status st;
	struct proc_holders h = PROC_HOLDERS_INIT;
	auto_pid_list kids = PID_LIST_INIT, tree = PID_LIST_INIT;
	int ready[2];
	pid_t me = getpid(), pid = child_start(ready);
	char pipe_text[64];
	int theirs = 0, writers = 0;

	is_int(proc_watch_open(&w, pid), 0, "a child is opened");
	is_int(proc_watch_stat(&w, &s), 0, "and read");
	is_str(s.comm, "odd) S 1 (name", "by its odd name");
	is_int(s.ppid, me, "its parent is this test");
	is_int(proc_watch_sched(&w, &sched), 0, "schedstat is kept");
	is_int(proc_status_read(pid, pid, &st), 0, "status of its thread");
	is_int(st.tgid, pid, "is its own");
	is_int(proc_children(me, &kids), 0, "children of this test");
	ok(pid_list_has(&kids, pid), "hold the child");
	is_int(proc_tree(me, &tree), 0, "the tree of this test");
	ok(tree.n >= 2 && tree.v[0] == me && pid_list_has(&tree, pid), "begins with its root");
	proc_link_read(me, link_name(ready[0]), pipe_text, sizeof(pipe_text));
	proc_fd_holders(pipe_text, tree.v, tree.n, &h);
	for (size_t i = 0; i < h.n; i++) {
		theirs += h.v[i].pid == pid && !strcmp(h.v[i].comm, s.comm);
		writers += h.v[i].writes && !h.v[i].reads;
	}
	is_int(h.n, 4, "both hold both ends of the pipe");
	is_int(theirs, 2, "the child is named as a holder");
	is_int(writers, 2, "reading and writing ends are told apart");
	proc_holders_release(&h);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	errno = 0;
	ok(proc_watch_stat(&w, &s) == -1 && errno == ESRCH, "a kept descriptor says that the process is gone");
	ok(proc_watch_sched(&w, &sched) == -1, "so does schedstat");
	errno = 0;
	ok(proc_stat_read(pid, &s) == -1 && errno == ESRCH, "a one-off read says so too");
	is_int(s.pid, 0, "and leaves zeroes");
	errno = 0;
	ok(proc_watch_children(&w, 1, &kids) == -1 && errno == ESRCH, "no children of a vanished process");
	errno = 0;
	ok(proc_tree(pid, &tree) == -1 && errno == ESRCH, "no tree of a vanished process");
	proc_watch_close(&w);
	errno = 0;
	ok(proc_watch_open(&w, pid) == -1 && errno == ESRCH, "a vanished process is not opened");
	close(ready[0]);
	close(ready[1]);
}

/* A child that was forked by a second thread is listed below that thread. */
static void *fork_in_thread(void *arg)
{
	int ready[2];

	*(pid_t *)arg = child_start(ready);
	close(ready[0]);
	close(ready[1]);
	pause();
	return NULL;
}

static void children_of_other_threads(void)
{
	struct proc_watch w;
	auto_pid_list kids = PID_LIST_INIT;
	pid_t volatile pid = 0;
	pthread_t thread;

	pthread_create(&thread, NULL, fork_in_thread, (void *)(uintptr_t)&pid);
	while (!pid)
		usleep(1000);
	proc_watch_open(&w, getpid());
	is_int(proc_watch_children(&w, 2, &kids), 0, "children of all threads");
	ok(pid_list_has(&kids, pid), "hold what the second thread forked");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	proc_watch_close(&w);
}

/* 300 children: their list is longer than one read of it may be. */
static void many_children(void)
{
	enum { MANY = 300, ROUNDS = 20 };
	auto_pid_list kids = PID_LIST_INIT;
	struct proc_watch w[MANY];
	pid_t pid[MANY];
	struct proc_stat s;
	int found = 0, read_ok = 0;
	int64_t best = INT64_MAX;

	for (int i = 0; i < MANY; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			pause();
			_exit(0);
		}
		proc_watch_open(&w[i], pid[i]);
	}
	proc_children(getpid(), &kids);
	for (int i = 0; i < MANY; i++)
		found += pid_list_has(&kids, pid[i]);
	is_int(found, MANY, "a long list of children is whole");
	for (int k = 0; k < ROUNDS; k++) {
		int64_t t0 = clock_mono_ns(), took;

		for (int i = 0; i < 100; i++)
			read_ok += proc_watch_stat(&w[i], &s) == 0;
		took = clock_mono_ns() - t0;
		best = took < best ? took : best;
	}
	is_int(read_ok, 100 * ROUNDS, "100 processes are sampled each tick");
	printf("# 100 processes a tick: %.0f us\n", (double)best / 1e3);
	ok(best < 20 * NS_PER_MS, "in far less than a tick");
	for (int i = 0; i < MANY; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
		proc_watch_close(&w[i]);
	}
}

int main(void)
{
	stat_texts();
	small_texts();
	argv_texts();
	living_and_vanished();
	many_children();
	children_of_other_threads();
	return tap_done();
}
