/* SPDX-License-Identifier: Apache-2.0 */
/* findings_animals.h - for each pattern rows that it must match, where it comes first, and rows that it must not match. */
#ifndef TESTS_UNIT_FINDINGS_ANIMALS_H
#define TESTS_UNIT_FINDINGS_ANIMALS_H

#define STUCK "run stuck=true; ended_by=watchdog; idle_ms=5000; run_id=r; explained_roots=1\n"
#define FAILED "run status=fail; ended_by=itself; exit_code=1\n"
#define PASSED "run status=pass; ended_by=itself; exit_code=0\n"
#define TEST_FAILED "case case_id=u; counted=true; running=false; result=fail; message=assert 1 == 2\n"
#define MOVING "run stuck=false; ended_by=watchdog; idle_ms=20; run_id=r; explained_roots=1\n"
#define ROOT "thread pid=12; tid=12; main=true; root=true; chain_length=1; leaf=true; comm=prog; state=S; "

static const struct {
	const char *id, *yes, *no;
} animals[] = {
	{ "hang.deadlock.locks",
	  STUCK "cycle cycle=1; proved=true; members=2; processes=1; kinds=mutex; comm=prog; pid=12; function=left; "
		"file=a.c; line=7; ring=a ring; signature=c-1\n"
		"edge cycle=1; pid=12; tid=12; kind=mutex; proved=true; holder_pid=12; holder_tid=13; on_chain=true\n"
		"edge cycle=1; pid=12; tid=13; kind=mutex; proved=true; holder_pid=12; holder_tid=12\n",
	  STUCK "cycle cycle=1; proved=false; members=2; processes=1; kinds=mutex; ring=a ring\n"
		"edge cycle=1; pid=12; tid=12; kind=mutex\n" },
	{ "hang.deadlock.processes",
	  STUCK "cycle cycle=1; proved=true; members=2; processes=2; kinds=child pipe_write; ring=a ring; signature=c-2\n"
		"edge cycle=1; pid=12; tid=12; kind=child; holder_pid=13\n"
		"edge cycle=1; pid=13; tid=13; kind=pipe_write; holder_pid=12\n",
	  STUCK "cycle cycle=1; proved=true; members=2; processes=1; kinds=mutex; ring=a ring\n"
		"edge cycle=1; pid=12; tid=12; kind=mutex\n" },
	{ "hang.deadlock.processes.self",
	  STUCK "cycle cycle=1; proved=true; members=1; processes=1; kinds=pipe_read; comm=prog; pid=12; function=left; "
		"ring=a ring; signature=c-3\n"
		"edge cycle=1; pid=12; tid=12; kind=pipe_read; resource=pipe:[1] (fd 3); holder_pid=12; holder_comm=prog\n"
		"process pid=12; threads=1\n",
	  STUCK "cycle cycle=1; proved=true; members=1; processes=1; kinds=pipe_read; comm=prog; pid=12; ring=a ring; signature=c-3\n"
		"edge cycle=1; pid=12; tid=12; kind=pipe_read; resource=pipe:[1]; holder_pid=12; holder_comm=prog\n"
		"process pid=12; threads=2\n" },
	{ "hang.deadlock.processes.full_pipe",
	  STUCK "thread pid=12; tid=12; comm=sh; waits_kind=child; chain_length=1\n"
		"thread pid=13; tid=13; ppid=12; comm=yes; waits_kind=pipe_write; root=true; chain_length=2\n",
	  STUCK "thread pid=12; tid=12; comm=sh; waits_kind=poll; chain_length=1\n"
		"thread pid=13; tid=13; ppid=12; comm=yes; waits_kind=pipe_write; root=true; chain_length=2\n" },
	{ "hang.deadlock.locks.self",
	  STUCK "cycle cycle=1; proved=true; members=1; processes=1; kinds=mutex; pid=12; tid=12; comm=prog; function=flush; ring=a\n"
		"edge cycle=1; pid=12; tid=12; kind=mutex; resource=mutex 0x5; holder_pid=12; holder_tid=12\n",
	  STUCK "cycle cycle=1; proved=true; members=2; processes=1; kinds=mutex; pid=12; tid=12; comm=prog; ring=a\n"
		"edge cycle=1; pid=12; tid=12; kind=mutex; resource=mutex 0x5; holder_pid=12; holder_tid=13\n" },
	{ "hang.deadlock.processes.self_lock",
	  STUCK "cycle cycle=1; proved=true; members=1; processes=1; kinds=file_lock; pid=12; tid=12; comm=perl; ring=a\n"
		"process pid=12; threads=1\nedge cycle=1; pid=12; tid=12; kind=file_lock; holder_pid=12\n",
	  STUCK "cycle cycle=1; proved=true; members=1; processes=1; kinds=file_lock; pid=12; tid=12; comm=perl; ring=a\n"
		"process pid=12; threads=2\nedge cycle=1; pid=12; tid=12; kind=file_lock; holder_pid=12\n" },
	{ "hang.lock.file.self",
	  STUCK "cycle cycle=1; proved=true; members=1; processes=1; kinds=file_lock; pid=12; tid=12; comm=prog; ring=a\n"
		"process pid=12; threads=4\nedge cycle=1; pid=12; tid=12; kind=file_lock; holder_pid=12\n",
	  STUCK "cycle cycle=1; proved=true; members=1; processes=1; kinds=file_lock; pid=12; tid=12; comm=prog; ring=a\n"
		"process pid=12; threads=1\nedge cycle=1; pid=12; tid=12; kind=file_lock; holder_pid=12\n" },
	{ "hang.deadlock.processes.possible",
	  STUCK "cycle cycle=1; proved=false; members=2; processes=2; pid=12; comm=node; ring=a; rank=0\n"
		"edge cycle=1; pid=12; tid=12; kind=poll; holder_pid=13; holder_tid=13\n",
	  STUCK "cycle cycle=1; proved=false; members=1; processes=1; pid=12; comm=node; ring=a\n"
		"edge cycle=1; pid=12; tid=12; kind=poll; holder_pid=12\n" },
	{ "hang.deadlock.locks.refused",
	  STUCK ROOT "waits_kind=mutex; function=take; "
		     "waits_resource=a mutex with priority inheritance, which the kernel has refused as a deadlock\n"
		     "edge pid=12; tid=13; comm=prog; kind=mutex; resource=mutex 0x5; function=put; file=a.c; line=7; holder_pid=12; "
		     "holder_tid=12\n",
	  STUCK ROOT "waits_kind=mutex; function=take; waits_resource=mutex 0x5\n" },
	{ "hang.deadlock.locks.possible",
	  STUCK "cycle cycle=1; proved=false; members=2; processes=1; pid=12; comm=java; ring=a; rank=0\n"
		"edge cycle=1; pid=12; tid=12; kind=mutex; holder_pid=12; holder_tid=13\n",
	  STUCK "cycle cycle=1; proved=true; members=2; processes=1; kinds=mutex; pid=12; comm=java; ring=a\n"
		"edge cycle=1; pid=12; tid=12; kind=mutex; holder_pid=12; holder_tid=13\n" },
	{ "hang.lock.held",
	  STUCK "edge pid=12; tid=12; comm=prog; kind=mutex; resource=mutex 0x5; proved=true; on_chain=true; "
		"function=take; holder_pid=12; holder_tid=13; holder_comm=prog; holder_function=work; holder_file=b.c; "
		"holder_line=9\n",
	  STUCK "edge pid=12; tid=14; comm=prog; kind=mutex; proved=true; holder_pid=12; holder_tid=13\n" },
	{ "hang.lock.held",
	  STUCK "edge pid=12; tid=12; comm=prog; kind=mutex; proved=true; on_chain=true; holder_pid=12; holder_tid=13\n",
	  STUCK "edge pid=12; tid=12; comm=prog; kind=futex; resource=exit of thread 13 (pthread_join); proved=true; "
		"on_chain=true; holder_pid=12; holder_tid=13\n" },
	{ "hang.lock.held.database",
	  STUCK "edge pid=12; tid=12; comm=postgres; kind=mutex; resource=a lock of the database (x waiting); proved=true; "
		"on_chain=true; holder_pid=13; holder_tid=13; holder_argv=postgres: idle in transaction\n",
	  STUCK "edge pid=12; tid=12; comm=postgres; kind=mutex; resource=mutex 0x5; proved=true; on_chain=true; holder_pid=13\n" },
	{ "hang.lock.held.behind",
	  STUCK ROOT "waits_kind=sleep\n"
		     "edge pid=12; tid=13; comm=prog; kind=mutex; resource=mutex 0x5; proved=true; function=take; holder_pid=12; "
		     "holder_tid=12; holder_comm=prog; holder_function=work; holder_file=b.c; holder_line=9\n",
	  STUCK ROOT "waits_kind=sleep\nthread pid=12; tid=14; comm=prog; root=false\n"
		     "edge pid=12; tid=13; comm=prog; kind=mutex; resource=mutex 0x5; proved=true; holder_pid=12; holder_tid=14\n" },
	{ "hang.lock.held.orphan",
	  STUCK ROOT "waits_kind=mutex; waits_resource=Python lock 0x7f; holders=0; ppid=9; argv=p\n"
		     "process pid=12; ppid=9; threads=1; argv=p\nprocess pid=9; threads=2; argv=p\n",
	  STUCK ROOT "waits_kind=mutex; waits_resource=Python lock 0x7f; holders=0; ppid=9\n"
		     "process pid=12; ppid=9; threads=2\n" },
	{ "hang.lock.file",
	  STUCK ROOT "waits_kind=file_lock; waits_resource=/tmp/lock\n"
		     "edge pid=12; tid=12; kind=file_lock; holder_pid=40; holder_comm=other\n",
	  STUCK "thread pid=12; tid=13; waits_kind=file_lock\n" },
	{ "hang.python.gil",
	  STUCK "edge pid=12; tid=12; comm=python3; kind=gil; proved=true; holder_pid=12; holder_tid=13; "
		"holder_function=busy; holder_file=x.py; holder_line=3\n",
	  MOVING "edge pid=12; tid=12; comm=python3; kind=gil; proved=true; holder_pid=12; holder_tid=13\n" },
	{ "hang.python.gil.unknown_holder", STUCK ROOT "waits_kind=gil; holders=0\n",
	  STUCK ROOT "waits_kind=gil; holders=1\n" },
	{ "hang.lock.held.gvl",
	  STUCK "edge pid=12; tid=14; comm=ruby; kind=gil; proved=true; resource=the GVL; holder_pid=12; holder_tid=12; "
		"holder_state=S; holder_function=call; holder_file=x.rb; holder_line=3\n",
	  STUCK "edge pid=12; tid=14; comm=ruby; kind=gil; proved=true; resource=the GVL; holder_pid=12; holder_tid=12; "
		"holder_state=R; holder_function=call; holder_file=x.rb; holder_line=3\n" },
	{ "hang.pipe.leaked_writer",
	  STUCK ROOT "waits_kind=pipe_read\n"
		     "edge pid=12; tid=12; comm=cat; kind=pipe_read; proved=true; same_process=false; holder_pid=30; "
		     "holder_comm=daemon; holder_leftover=true; holder_in_tree=true\n",
	  STUCK ROOT "waits_kind=pipe_read\n"
		     "edge pid=12; tid=12; comm=cat; kind=pipe_read; same_process=false; holder_pid=30; "
		     "holder_leftover=false; holder_in_tree=true\n" },
	{ "hang.pipe.leaked_writer",
	  STUCK ROOT "waits_kind=poll\nedge pid=12; tid=12; comm=cat; kind=poll; resource=poll of 1: fd 5 pipe:[7]; same_process=false; "
		     "holder_pid=30; holder_comm=daemon; holder_in_tree=false; proved=true\n",
	  STUCK ROOT "waits_kind=poll\nedge pid=12; tid=12; comm=cat; kind=poll; resource=poll of 1: fd 0 pipe:[7]; same_process=false; "
		     "holder_pid=30; holder_comm=daemon; holder_in_tree=false; proved=true\n" },
	/* a daemon with children, all of which have the end; and a child that watches its parent's pipe */
	{ "hang.pipe.leaked_writer",
	  STUCK "thread pid=12; tid=12; comm=cat; root=true; ppid=9; waits_kind=pipe_read\n"
		"process pid=30; ppid=1; state=S\nprocess pid=31; ppid=30; state=S\n"
		"edge pid=12; tid=12; comm=cat; kind=pipe_read; proved=false; all_leftover=true; same_process=false; "
		"holder_pid=30; holder_comm=daemon; holder_leftover=true; holder_in_tree=true\n",
	  STUCK "thread pid=12; tid=12; comm=cat; root=true; ppid=30; waits_kind=pipe_read\n"
		"edge pid=12; tid=12; comm=cat; kind=pipe_read; proved=true; same_process=false; holder_pid=30; "
		"holder_comm=daemon; holder_leftover=true; holder_in_tree=true\n" },
	{ "hang.pipe.leaked_writer.thread",
	  STUCK "edge pid=12; tid=14; comm=build; kind=poll; resource=epoll of 1; same_process=false; root=false; holder_pid=30; "
		"holder_comm=daemon; holder_leftover=true\nthread pid=30; tid=30; comm=daemon; root=true; waits_kind=sleep\n",
	  STUCK "edge pid=12; tid=14; comm=build; kind=poll; resource=epoll of 1; same_process=false; root=false; holder_pid=30; "
		"holder_comm=daemon; holder_leftover=true\nthread pid=30; tid=30; comm=daemon; root=false; waits_kind=sleep\n" },
#define POLLS(set) STUCK ROOT "syscall=poll; waits_kind=poll; waits_resource=" set "\n"
	{ "hang.input.stdin.poll", POLLS("epoll of 3: fd 0 pipe:[1], fd 16 anon_inode:[eventfd], fd 14 pipe:[2]"),
	  POLLS("epoll of 2: fd 0 pipe:[1], fd 16 tcp 127.0.0.1:1 peer 127.0.0.1:2") },
	{ "hang.input.stdin.poll.peer",
	  POLLS("select of 2: fd 0 pipe:[1], fd 3 tcp 127.0.0.1:1 peer 127.0.0.1:2")
	  "edge pid=13; tid=13; comm=server; kind=socket_recv; same_process=false; holder_pid=12\n",
	  POLLS("select of 2: fd 0 /dev/null, fd 3 tcp 127.0.0.1:1 peer 127.0.0.1:2")
	  "edge pid=13; tid=13; comm=server; kind=socket_recv; same_process=false; holder_pid=12\n" },
	{ "hang.input.terminal.poll", POLLS("select of 1: fd 0 /dev/pts/3"), POLLS("select of 1: fd 0 pipe:[3]") },
	{ "hang.input.terminal.editor", STUCK "thread pid=12; tid=12; root=true; comm=vim; waits_kind=poll; waits_resource=select of 1: fd 0 /dev/pts/3\n",
	  STUCK "thread pid=12; tid=12; root=true; comm=vim; waits_kind=poll; waits_resource=select of 1: fd 0 pipe:[3]\n" },
	{ "hang.net.accept.poll", POLLS("poll of 2: fd 5 tcp listening on 127.0.0.1:33411, fd 3 anon_inode:[eventfd]"),
	  POLLS("poll of 2: fd 5 tcp listening on 127.0.0.1:33411, fd 3 pipe:[2]") },
	{ "hang.net.connect.poll", POLLS("poll of 1: fd 5 tcp 127.0.0.1:1 connecting to 127.0.0.1:2"),
	  POLLS("poll of 1: fd 5 tcp 127.0.0.1:1 peer 127.0.0.1:2") },
	{ "hang.net.recv.poll", POLLS("poll of 1: fd 5 tcp 127.0.0.1:1 peer 127.0.0.1:2"),
	  POLLS("poll of 2: fd 5 tcp 127.0.0.1:1 peer 127.0.0.1:2, fd 6 tcp 127.0.0.1:2 peer 127.0.0.1:1") },
#define AT_FRAME(name, f) STUCK ROOT "waits_kind=" name "; waits_resource=futex 0x1\nframe pid=12; tid=12; depth=3; function=" f "\n"
	{ "hang.sleep.java", AT_FRAME("condition", "JVM_Sleep"), AT_FRAME("condition", "Unsafe_Park") },
	{ "hang.wait.sync.java_monitor", AT_FRAME("condition", "ObjectMonitor::enter(JavaThread*)"),
	  AT_FRAME("condition", "ObjectMonitor::wait(long, bool, JavaThread*)") },
	{ "hang.wait.sync.java_park", AT_FRAME("condition", "Unsafe_Park"), AT_FRAME("condition", "JVM_Sleep") },
	{ "hang.exit.threads.java", AT_FRAME("condition", "Threads::destroy_vm()"), AT_FRAME("condition", "Unsafe_Park") },
	{ "hang.wait.sync.go", AT_FRAME("futex", "runtime.stopm"), AT_FRAME("futex", "runtime.futexsleep") },
	{ "hang.deadlock.locks.java",
	  STUCK "cycle cycle=1; proved=true; members=2; processes=1; kinds=monitor; comm=java; pid=12; tid=13; function=A.left; "
		"file=A.java; line=7; ring=a ring; signature=c-1\n"
		"thread pid=12; tid=13; language=java; name=main; waits_kind=monitor\n"
		"edge cycle=1; pid=12; tid=13; kind=monitor; proved=true; holder_pid=12; holder_tid=14\n",
	  STUCK "cycle cycle=1; proved=true; members=2; processes=1; kinds=mutex; comm=prog; pid=12; tid=13; ring=a ring; "
		"signature=c-1\nthread pid=12; tid=13; language=native; waits_kind=mutex\n" },
	{ "hang.exit.threads.java_kept",
	  STUCK "thread pid=12; tid=13; root=true; root_pattern=hang.exit.threads; language=java; comm=java; name=pool-1-thread-1; "
		"waits_kind=condition; waits_resource=Condition 0x1; function=Unsafe.park\n",
	  STUCK "thread pid=12; tid=13; root=true; root_pattern=hang.exit.threads; language=python; waits_kind=condition\n" },
#define TIMER(awaits, rest) STUCK ROOT "comm=node; " awaits "waits_kind=poll; " \
	"waits_resource=event loop kept alive by a timer due in 9.0 s" rest "\n"
	{ "hang.wait.event.loop",
	  STUCK ROOT "comm=node; waits_kind=poll; waits_resource=event loop kept alive by a timer due in 9.0 s, epoll of 2: fd 1\n",
	  STUCK ROOT "comm=node; waits_kind=poll; waits_resource=epoll of 2: fd 1\n" },
	{ "hang.wait.event.loop.await",
	  STUCK ROOT "comm=node; awaits=async f; waits_kind=poll; waits_resource=event loop kept alive by a TCP socket (fd 3), epoll of 2\n",
	  STUCK ROOT "comm=node; waits_kind=poll; waits_resource=event loop kept alive by a TCP socket (fd 3), epoll of 2\n" },
	{ "hang.wait.event.loop.await.test", TIMER("test=a.js: total; awaits=async f; ", ", epoll of 2"), TIMER("awaits=async f; ", ", epoll of 2") },
	{ "hang.wait.event.loop.timer", TIMER("awaits=async f; ", ", epoll of 2"), TIMER("awaits=async f; ", ", a TCP socket, epoll of 2") },
	{ "hang.wait.event.native_loop", AT_FRAME("condition", "Tcl_WaitForEvent"), AT_FRAME("condition", "Tcl_Sleep") },
	{ "hang.wait.sync.channel",
	  STUCK ROOT "comm=prog; task=goroutine 7; language=go; waits_kind=chan_recv; waits_resource=channel 0x1; function=main.f; "
		"file=a.go; line=3\n",
	  STUCK "thread pid=12; tid=12; waits_kind=chan_recv\n" },
	{ "hang.wait.sync.goroutine",
	  STUCK ROOT "comm=prog; task=goroutine 7; language=go; waits_kind=mutex; waits_resource=sync.Mutex 0x1; function=main.f; "
		"file=a.go; line=3\n",
	  STUCK ROOT "comm=prog; language=go; waits_kind=mutex\n" },
	{ "hang.stopped", STUCK ROOT "waits_kind=stopped\n", STUCK "thread pid=12; tid=12; waits_kind=stopped\n" },
	{ "hang.stopped.frozen", STUCK ROOT "state=S; waits_kind=stopped; waits_resource=the thawing of its cgroup /x\n",
	  STUCK ROOT "state=T; waits_kind=stopped; waits_resource=SIGCONT\n" },
	{ "hang.unkillable.frozen", STUCK ROOT "state=D; waits_kind=stopped; waits_resource=the thawing of its cgroup /x\n",
	  STUCK ROOT "state=D; waits_kind=io; waits_resource=the kernel\n" },
	{ "hang.unkillable", "leak kind=process; pid=9; comm=dd; reason=unkillable; wchan=nfs_wait\n",
	  "leak kind=process; pid=9; comm=dd; reason=leaked\n" },
	{ "hang.unkillable.memory_lock", "process pid=9; comm=dd; unreadable=cmdline; lock_holder=9 in nfs_wait\n",
	  "process pid=9; comm=dd; state=D\n" },
	{ "hang.unkillable.kernel",
	  STUCK "thread pid=12; tid=12; root=true; comm=dd; state=D; wchan=io_schedule; waits_kind=io\n",
	  STUCK "thread pid=12; tid=12; root=true; comm=dd; state=S; waits_kind=io\n" },
	{ "hang.unkillable.kernel", STUCK "thread pid=12; tid=12; root=true; comm=dd; state=D; waits_kind=io\n",
	  STUCK "thread pid=12; tid=12; root=true; comm=make; state=D; wchan=kernel_clone; syscall=vfork; waits_kind=io\n" },
	{ "hang.input.terminal", STUCK ROOT "waits_kind=tty; waits_resource=/dev/pts/3\n", MOVING ROOT "waits_kind=tty\n" },
	{ "hang.input.terminal.pager", STUCK "thread pid=12; tid=12; root=true; comm=less; waits_kind=tty; waits_resource=/dev/tty\n",
	  STUCK "thread pid=12; tid=12; root=true; comm=ssh; waits_kind=tty; waits_resource=/dev/tty\n" },
	{ "hang.input.stdin",
	  STUCK ROOT "waits_kind=stdin\nedge pid=12; tid=12; kind=stdin; same_process=false; holder_pid=9; "
		     "holder_in_tree=false; holder_leftover=false\n", STUCK ROOT "waits_kind=pipe_read\n" },
	{ "hang.net.recv",
	  STUCK ROOT "waits_kind=socket_recv\ncycle cycle=1; proved=true; members=1; processes=1; kinds=socket_recv; ring=r\n"
		     "edge cycle=1; pid=12; tid=12; kind=socket_recv; holder_pid=12; same_process=true\n",
	  STUCK ROOT "waits_kind=accept\n" },
	{ "hang.input.stdin", STUCK ROOT "waits_kind=stdin\n", STUCK "thread pid=12; tid=12; waits_kind=stdin\n" },
	{ "hang.net.connect", STUCK ROOT "waits_kind=connect; waits_resource=10.0.0.1:80\n",
	  STUCK ROOT "waits_kind=accept\n" },
	{ "hang.net.recv", STUCK ROOT "waits_kind=socket_recv\n", STUCK ROOT "waits_kind=connect\n" },
	{ "hang.net.send", STUCK ROOT "waits_kind=socket_send\n", STUCK ROOT "waits_kind=socket_recv\n" },
	{ "hang.net.accept", STUCK ROOT "waits_kind=accept\n", STUCK ROOT "waits_kind=socket_recv\n" },
	{ "hang.wait.event.edge",
	  STUCK ROOT "waits_kind=poll; waits_resource=epoll of 1: fd 3 unix socket /s (8 bytes unread, edge-triggered: no new)\n",
	  STUCK ROOT "waits_kind=poll; waits_resource=epoll of 1: fd 3 unix socket /s (8 bytes unread)\n" },
	{ "hang.wait.sync.alone",
	  STUCK ROOT "waits_kind=futex; waits_resource=futex 0x1, and no other thread of the process is there to end it\n",
	  STUCK ROOT "waits_kind=futex; waits_resource=futex 0x1\n" },
	{ "hang.sleep", STUCK ROOT "waits_kind=sleep; syscall=clock_nanosleep\n", MOVING ROOT "waits_kind=sleep\n" },
	{ "hang.sleep.retry",
	  STUCK "thread pid=12; tid=12; root=true; rank=0; comm=bash; state=R; language=shell; loop=until grep; function=main; file=a; line=3\n",
	  STUCK "thread pid=12; tid=12; root=true; rank=0; comm=bash; state=R; language=shell; function=main; file=a; line=3\n" },
	{ "hang.spin", STUCK "thread pid=12; tid=12; comm=prog; state=R; cpu_delta_ms=990; function=loop\n",
	  STUCK "thread pid=12; tid=12; comm=prog; state=R; cpu_delta_ms=1\n" },
	{ "hang.spin", STUCK ROOT "waits_kind=unknown\nthread pid=12; tid=13; comm=prog; state=R; cpu_share=0.9; cpu_ms=900\n",
	  MOVING "thread pid=12; tid=12; root=true; comm=prog; state=R; cpu_share=0.9\n" },
	{ "hang.spin.starting", STUCK "thread pid=12; tid=12; comm=java; state=R; cpu_delta_ms=990; cpu_ms=2900; language=java; function=java.lang.Class.copyMethods\n",
	  STUCK "thread pid=12; tid=12; comm=java; state=R; cpu_delta_ms=990; cpu_ms=2900; language=java; own_line=true; function=Primes.next; file=Primes.java; line=3\n" },
	{ "hang.zombie", STUCK ROOT "waits_kind=signal\nprocess pid=12; comm=prog; zombies=3\n",
	  STUCK ROOT "waits_kind=signal\nprocess pid=12; comm=prog\n" },
	{ "hang.zombie", STUCK ROOT "waits_kind=sleep\nprocess pid=12; comm=prog; zombies=3\n",
	  STUCK ROOT "waits_kind=socket_recv\nprocess pid=12; comm=prog; zombies=3\n" },
	{ "hang.zombie.failed",
	  STUCK ROOT "main=true; waits_kind=condition\nprocess pid=12; comm=prog; zombies=1; dead_child=w (pid 9) exited with code 1\n",
	  STUCK ROOT "main=true; waits_kind=condition\nprocess pid=12; comm=prog; zombies=1\n" },
	{ "hang.wait.child",
	  STUCK "thread pid=12; tid=12; comm=make; waits_kind=child; chain_length=1\n"
		"thread pid=13; tid=13; comm=prog; root=true; chain_length=2; waits_kind=unknown; chain=make -> prog\n",
	  STUCK ROOT "waits_kind=child\n" },
	{ "hang.wait.child.unseen", STUCK ROOT "waits_kind=child\n",
	  STUCK ROOT "waits_kind=child\nprocess pid=13; ppid=12; state=S\n" },
	{ "hang.wait.sync", STUCK ROOT "waits_kind=condition; function=take; file=q.c; line=3\n",
	  STUCK ROOT "waits_kind=condition\nedge pid=12; tid=12; kind=condition; proved=true; holder_pid=13\n" },
	{ "hang.wait.sync.dead_worker",
	  STUCK ROOT "waits_kind=condition; waits_resource=a result; function=main; file=t.py; line=9\n"
		"checkpoint event=process.killed; pid=14; ppid=12; comm=w; signal_number=9; at_ms=900\n",
	  STUCK ROOT "waits_kind=condition\ncheckpoint event=process.killed; pid=14; ppid=13; comm=w; signal_number=9; at_ms=900\n" },
	{ "hang.wait.sync.join",
	  STUCK ROOT "waits_kind=futex; function=stop; file=t.py; line=9; own_line=true\n"
		"thread pid=12; tid=14; waits_kind=poll; waits_resource=poll of 1; function=select\n"
		"edge pid=12; tid=12; root=true; kind=futex; resource=exit of a Python thread (join); same_process=true; proved=true; holder_pid=12; holder_tid=14; holder_comm=w; function=stop; file=t.py; line=9\n",
	  STUCK ROOT "waits_kind=futex\nedge pid=12; tid=12; root=true; kind=futex; resource=futex 0x1; same_process=true; proved=true; holder_pid=12; holder_tid=14\n" },
	{ "hang.wait.event", STUCK ROOT "waits_kind=poll\n", STUCK ROOT "waits_kind=sleep\n" },
	{ "hang.wait.event.pipe_read", STUCK ROOT "waits_kind=pipe_read\n",
	  STUCK ROOT "waits_kind=pipe_read\nedge pid=12; tid=12; kind=pipe_read; holder_leftover=true\n" },
	{ "hang.wait.event.pipe_write", STUCK ROOT "waits_kind=pipe_write\n", STUCK ROOT "waits_kind=pipe_read\n" },
	{ "hang.wait.event.open", STUCK ROOT "waits_kind=io; wchan=wait_for_partner\n", STUCK ROOT "waits_kind=io\n" },
	{ "hang.wait.event.io", STUCK ROOT "waits_kind=io\n", STUCK ROOT "waits_kind=io; wchan=wait_for_partner\n" },
	{ "hang.exit.threads",
	  STUCK "thread pid=12; tid=12; comm=pytest; main=true; at_exit=true; chain_length=1\n"
		"thread pid=12; tid=13; comm=pytest; main=false; name=worker; function=serve; file=s.py; line=4\n",
	  STUCK "thread pid=12; tid=12; comm=pytest; main=true; chain_length=1\n"
		"thread pid=12; tid=13; comm=pytest; main=false; function=serve\n" },
	{ "hang.exit.threads.feeder",
	  STUCK "thread pid=12; tid=12; comm=pytest; main=true; at_exit=true; chain_length=1\n"
		"thread pid=12; tid=13; comm=pytest; main=false; name=QueueFeederThread; waits_kind=pipe_write\n",
	  STUCK "thread pid=12; tid=12; comm=pytest; main=true; at_exit=true; chain_length=1\n"
		"thread pid=12; tid=13; comm=pytest; main=false; name=QueueFeederThread; waits_kind=condition\n" },
	{ "hang.exit.threads.main_gone",
	  STUCK "thread pid=12; tid=12; comm=prog; main=true; state=Z\n"
		"thread pid=12; tid=13; comm=prog; main=false; root=true; root_pattern=hang.exit.threads; name=w; waits_kind=sleep\n",
	  STUCK "thread pid=12; tid=12; comm=prog; main=true; state=S\n"
		"thread pid=12; tid=13; comm=prog; main=false; root=true; root_pattern=hang.exit.threads; waits_kind=sleep\n" },
	{ "hang.exit.after_pass",
	  "run stuck=true; ended_by=watchdog; idle_ms=5000; tests=7; tests_passed=7; tests_failed=0; tests_running=0; "
	  "tests_complete=true\n",
	  /* neither the closing line nor the plan: one that is not named yet may run */
	  "run stuck=true; ended_by=watchdog; idle_ms=5000; tests=7; tests_passed=7; tests_failed=0; tests_running=0; "
	  "tests_complete=false\n" },
	{ "hang.start.before_first_test", "run stuck=true; ended_by=watchdog; dialect=pytest; names_tests=start; tests=0\n",
	  "run stuck=true; ended_by=watchdog; dialect=pytest; names_tests=end; tests=0\n" },
	/* a case of our own stands in no output: that the run moved says nothing of it */
	{ "hang.output.no_progress",
	  "run ended_by=watchdog; stuck=false; idle_ms=10; dialect=unittest\ncase case_id=t; running=true; duration_ms=9000\n",
	  MOVING "case case_id=t; running=true; duration_ms=9000\n" },
	{ "hang.output.no_progress.repeated", MOVING "output repeats=9; repeat_lines=1; repeat_text=retrying\n",
	  MOVING "output repeats=3; repeat_lines=1; repeat_text=retrying\n" },
	{ "hang.unexplained.wait", STUCK ROOT "waits_kind=gil; holders=1; waits_resource=a thing; function=f\n",
	  STUCK ROOT "waits_kind=sleep\n" },
	{ "hang.unexplained.running", STUCK ROOT "waits_kind=unknown\nthread pid=13; tid=13; root=true; comm=java; state=R; cpu_share=0.01\n",
	  STUCK "thread pid=13; tid=13; root=true; comm=java; state=R; cpu_share=0.9\n" },
	{ "hang.unexplained", "run stuck=true; ended_by=watchdog; idle_ms=5000; explained_roots=0\n", STUCK },
	/* ordinary failures: of a test, as its tool tells it; else what stands at the end of the output */
#include "tests/unit/failure_rows.def"
	{ "perf.high_call_count_small_fn",
	  "function function=parse; file=app.py; line=12; language=python; call_count=2000000; "
		"avg_time_us=1.2; total_time_us=2400000\n",
	  "function function=parse; file=app.py; line=12; language=python; call_count=2000000; "
		"avg_time_us=9; total_time_us=18000000\n" },
	{ "perf.hot.function",
	  "function function=parse; file=app.py; line=12; language=python; self_share=0.62; "
		"self_ms=1860; total_share=0.7; cpu_ms=3000; profile_samples=297; lines=12: 0.5; "
		"processes=1; line_share=0.2\n",
	  "function function=parse; file=app.py; line=12; language=python; self_share=0.2; "
		"self_ms=600; total_share=0.9; cpu_ms=3000; profile_samples=297; line_share=0.1\n" },
	{ "perf.hot.line",
	  "function function=parse; file=app.py; line=12; language=python; line_share=0.45; "
		"self_share=0.39; lines=12: 0.45; cpu_ms=3000; profile_samples=297\n",
	  "function function=parse; file=app.py; line=12; language=python; line_share=0.2; "
		"self_share=0.39; cpu_ms=3000; profile_samples=297\n" },
	{ "perf.regex.backtracking",
	  "function function=parse; file=app.py; line=12; language=python; work=regex; "
		"work_share=0.4; cpu_ms=3000; profile_samples=297; self_share=0.3\n",
	  "function function=parse; file=app.py; line=12; language=python; work=regex; "
		"work_share=0.1; cpu_ms=3000; profile_samples=297; self_share=0.3\n" },
	{ "perf.copy.heavy",
	  "function function=parse; file=app.py; line=12; language=python; work=copy; "
		"work_share=0.4; cpu_ms=3000; profile_samples=297; self_share=0.3\n",
	  "function function=parse; file=app.py; line=12; language=python; work=copy; "
		"work_share=0.1; cpu_ms=3000; profile_samples=297; self_share=0.3\n" },
	{ "perf.serialize.heavy",
	  "function function=parse; file=app.py; line=12; language=python; work=serialize; "
		"work_share=0.4; cpu_ms=3000; profile_samples=297; self_share=0.3\n",
	  "function function=parse; file=app.py; line=12; language=python; work=serialize; "
		"work_share=0.1; cpu_ms=3000; profile_samples=297; self_share=0.3\n" },
	{ "perf.debug.build",
	  "function function=parse; file=app.c; line=12; language=native; unoptimised=true; self_share=0.5; "
		"self_ms=1500; cpu_ms=3000; profile_samples=297\n",
	  "function function=parse; file=app.c; line=12; language=native; self_share=0.5; self_ms=1500; cpu_ms=3000; "
		"profile_samples=297\n" },
	{ "perf.deopt",
	  "function function=parse; file=app.js; line=12; language=javascript; interpreted=true; self_share=0.5; "
		"self_ms=2500; cpu_ms=5000; profile_samples=497\n",
	  "function function=parse; file=app.js; line=12; language=javascript; interpreted=false; self_share=0.5; "
		"self_ms=2500; cpu_ms=5000; profile_samples=497\n" },
	{ "perf.jit.off",
	  "runtime language=java; jit_share=0; cpu_ms=3000; samples=297\n",
	  "runtime language=java; jit_share=0.8; cpu_ms=3000; samples=297\n" },
	{ "perf.gc.pressure",
	  "runtime language=python; gc_share=0.3; gc_ms=300; cpu_ms=1000; samples=99\n",
	  "runtime language=python; gc_share=0.05; gc_ms=50; cpu_ms=1000; samples=99\n" },
	{ "perf.import.dominates",
	  "runtime language=python; import_share=0.6; import_ms=300; import_function=<module>; "
		"import_file=app.py; cpu_ms=500; samples=49\n",
	  "runtime language=python; import_share=0.1; import_ms=50; cpu_ms=500; samples=49\n" },
	{ "perf.repeat.identical_work",
	  "repeat function=load; file=conftest.py; line=3; signature=load; tests=12; cpu_ms=900; "
		"share=0.5\n",
	  "repeat function=load; file=conftest.py; line=3; signature=load; tests=2; cpu_ms=900; "
		"share=0.5\n" },
	{ "perf.regression.function",
	  "diff function=parse; file=a.py; line=2; before_share=0.1; after_share=0.4; change=0.3; "
		"times=4; samples=200\n",
	  "diff function=parse; file=a.py; line=2; before_share=0.1; after_share=0.4; change=0.3; "
		"times=4; samples=9\n" },
	{ "perf.spawn.storm",
	  "spawn argv0=sed; count=80; per_second=20; lifetime_ms_median=9; cpu_ms=400; "
		"cpu_share=0.4\n",
	  "spawn argv0=cc1; count=80; per_second=1; lifetime_ms_median=900; cpu_ms=60000; "
		"cpu_share=0.9\n" },
	{ "perf.startup.repeated",
	  "spawn argv0=python3; count=20; startup_ms=30; startup_share=0.5; cpu_ms=1200; "
		"interpreter=true; per_second=2; lifetime_ms_median=60\n",
	  "spawn argv0=python3; count=3; startup_ms=30; startup_share=0.1; cpu_ms=1200; "
		"interpreter=true; per_second=2; lifetime_ms_median=60\n" },
	{ "perf.serial.on_many_cores",
	  "usage scope=tree; cores_used=0.99; cpus=8; cpu_share=0.99; cpu_ms=9000; wall_ms=9100\n",
	  "usage scope=tree; cores_used=3.9; cpus=8; cpu_share=3.9; cpu_ms=9000; wall_ms=2300\n" },
	{ "perf.machine.contended",
	  "usage scope=tree; delay_share=0.8; run_delay_ms=800; cpu_ms=1000; cpus=2\n",
	  "usage scope=tree; delay_share=0.01; run_delay_ms=10; cpu_ms=1000; cpus=2\n" },
	{ "perf.cgroup.throttled",
	  "cgroup throttled_share=0.5; throttled_ms=3000; quota_cores=1\n",
	  "cgroup throttled_share=0.01; throttled_ms=10; quota_cores=1\n" },
	{ "perf.kernel.heavy",
	  "usage scope=process; pid=12; comm=app; system_share=0.8; system_ms=1600; user_ms=400; "
		"cpu_ms=2000\n",
	  "usage scope=process; pid=12; comm=app; system_share=0.1; system_ms=200; user_ms=1800; "
		"cpu_ms=2000\n" },
	{ "perf.io.small_calls",
	  "usage scope=process; pid=12; comm=app; io_calls=300000; bytes_per_call=8; "
		"read_calls=150000; write_calls=150000; top_function=copy; top_file=c.py; top_line=4\n",
	  "usage scope=process; pid=12; comm=app; io_calls=300000; bytes_per_call=65536; "
		"read_calls=150000; write_calls=150000\n" },
	{ "perf.memory.growth",
	  "usage scope=process; pid=12; comm=app; rss_growth_bytes_s=30000000; "
		"rss_max_bytes=900000000; observed_ms=20000; rising=true\n",
	  "usage scope=process; pid=12; comm=app; rss_growth_bytes_s=30000000; "
		"rss_max_bytes=90000000; observed_ms=2000; rising=true\n" },
	{ "perf.memory.faults",
	  "usage scope=process; pid=12; comm=app; major_faults=5000; minor_faults=9000\n",
	  "usage scope=process; pid=12; comm=app; major_faults=3; minor_faults=9000\n" },
	{ "perf.memory.swap",
	  "usage scope=process; pid=12; comm=app; swap_bytes=200000000; rss_max_bytes=900000000\n",
	  "usage scope=process; pid=12; comm=app; swap_bytes=0; rss_max_bytes=900000000\n" },
	{ "perf.fd.growth",
	  "usage scope=process; pid=12; comm=app; fd_growth=400; fd_max=420\n",
	  "usage scope=process; pid=12; comm=app; fd_growth=4; fd_max=20\n" },
	{ "perf.thread.growth",
	  "usage scope=process; pid=12; comm=app; thread_growth=300; threads_running=310\n",
	  "usage scope=process; pid=12; comm=app; thread_growth=3; threads_running=10\n" },
	{ "perf.net.dns",
	  "wait function=fetch; file=net.py; line=7; kind=poll; resolver=true; wait_ms=900; "
		"longest_ms=500; share=0.2; threads=1; on_main=true; thread_share=0.2\n",
	  "wait function=fetch; file=net.py; line=7; kind=poll; resolver=true; wait_ms=9; "
		"longest_ms=5; share=0.01; threads=1; on_main=true\n" },
	{ "perf.io.wait",
	  "wait function=fetch; file=net.py; line=7; kind=io; wait_ms=900; longest_ms=100; "
		"share=0.5; threads=1; on_main=true; resolver=false\n",
	  "wait function=fetch; file=net.py; line=7; kind=io; wait_ms=9; longest_ms=1; share=0.01; "
		"threads=1; on_main=true; resolver=false\n" },
	{ "perf.net.wait",
	  "wait function=fetch; file=net.py; line=7; kind=socket_recv; "
		"resource=fd 3: tcp 127.0.0.1:80; wait_ms=900; longest_ms=500; share=0.5; threads=1; "
		"on_main=true; resolver=false\n",
	  "wait function=fetch; file=net.py; line=7; kind=socket_recv; "
		"resource=fd 3: tcp 127.0.0.1:80; wait_ms=9; longest_ms=5; share=0.01; threads=1; "
		"on_main=true; resolver=false\n" },
	{ "perf.lock.contention",
	  "lock resource=mutex; waiters=4; wait_ms=3000; share=0.9; function=put; file=q.py; "
		"line=8\n",
	  "lock resource=mutex; waiters=1; wait_ms=3000; share=0.9; function=put; file=q.py; "
		"line=8\n" },
	{ "perf.gil.contention",
	  "wait function=fetch; file=net.py; line=7; kind=gil; thread_share=0.6; threads=4; "
		"wait_ms=4000; share=2; on_main=true; resolver=false\n",
	  "wait function=fetch; file=net.py; line=7; kind=gil; thread_share=0.02; threads=4; "
		"wait_ms=40; share=0.02; on_main=true; resolver=false\n" },
	{ "perf.poll.busy",
	  "wait function=fetch; file=net.py; line=7; kind=sleep; wakeups_s=900; wait_ms=800; "
		"threads=1; on_main=true; resolver=false\n",
	  "wait function=fetch; file=net.py; line=7; kind=sleep; wakeups_s=1; wait_ms=800; "
		"threads=1; on_main=true; resolver=false\n" },
	{ "perf.sleep.in_test",
	  "case suite=s; case_id=test_x; file=t.py; line=3; status=ok; sleep_ms=900; "
		"sleep_share=0.9; duration_ms=1000; cpu_ms=5\n",
	  "case suite=s; case_id=test_x; file=t.py; line=3; status=ok; sleep_ms=100; "
		"sleep_share=0.1; duration_ms=1000; cpu_ms=5\n" },
	{ "perf.test.slow_outlier",
	  "case suite=s; case_id=test_x; file=t.py; line=3; status=ok; times_median=40; share=0.5; "
		"duration_ms=5000; rank=1\n",
	  "case suite=s; case_id=test_x; file=t.py; line=3; status=ok; times_median=2; share=0.5; "
		"duration_ms=5000; rank=1\n" },
	{ "perf.fixture.dominates",
	  "run fixture_share=0.8; fixture_tests=12\n",
	  "run fixture_share=0.8; fixture_tests=2\n" },
	{ "machine.starved",
	  STUCK "thread pid=12; tid=12; comm=prog; root=true; rank=0; chain_length=1; state=R; cpu_share=0.01\n"
		"timeout token=stall.subprocess.no_output_no_event; verdict=starved; window_ms=1000; window_cpu_ms=10; "
		"window_run_delay_ms=900; window_cpu_pressure_ms=950; cpus=1; cpu_share=0.01\n",
	  /* who waits for something other than a processor is not starved */
	  STUCK ROOT "waits_kind=sleep\ntimeout token=stall.subprocess.no_output_no_event; verdict=starved; window_ms=1000\n" },
	{ "machine.oom", "machine oom_kills=1; oom_victim=cc1plus\n", "machine oom_kills=0\n" },
	{ "machine.oom.possible",
	  "run ended_by=itself; stuck=false\nprocess pid=9; comm=x; is_command=true; end=signaled; signal=9\n",
	  "run ended_by=itself; stuck=false\nprocess pid=9; comm=x; is_command=true; end=signaled; signal=9\n"
	  "timeout token=watchdog.kill.killed\n" },
	{ "machine.disk_full", "machine journal_full=true\n", "machine disk_free_bytes=99999999\n" },
	{ "machine.disk_full.output", "output write_error=No space left on device\n",
	  "output write_error=Input/output error\n" },
	{ "leak.process", "leak kind=process; pid=9; comm=daemon; reason=leaked\n",
	  "leak kind=process; pid=9; comm=gradle; reason=left_running\n" },
	{ "leak.pipe", "leak kind=pipe; pid=9; comm=daemon; fd=1\ntimeout token=timeout.subprocess.io_drain; at_ms=5\n",
	  "leak kind=process; pid=9; comm=daemon; reason=leaked\n" },
	{ "run.cancelled", "run ended_by=cancel; stuck=false\ncheckpoint event=run.cancelled; signal=2; at_ms=3\n",
	  MOVING },
	{ "run.supervisor_lost", "run ended_by=lost; stuck=false\n", MOVING },
	{ "run.diagnosis_denied", STUCK "denial collector=ptrace; status=denied; reason=yama\n",
	  STUCK "denial collector=native; status=partial\n" },
	{ "run.deadline", STUCK "checkpoint event=run.deadline; at_ms=100\n", STUCK "checkpoint event=other\n" },
	{ "run.limit_reached", MOVING, STUCK },
};
#define ANIMALS (sizeof(animals) / sizeof(animals[0]))

#endif
