#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# zoo_native.t - programs in C, C++ and Rust that hang in every kind of wait. ZOO_ALL=1 looks at the rare ones, too.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Zoo;
use Cwd qw(abs_path);
use IPC::SysV qw(IPC_RMID);
use Test::More;

my $dir = new_dir();
my $zoo = abs_path('tests/zoo/hang');
my $cc = $ENV{CC} // 'cc';
my $sysv_key = 0x5a000000 | $$;
END { my $id = $sysv_key ? semget($sysv_key, 1, 0600) : undef; semctl($id, 0, IPC_RMID, 0) if defined $id }

my ($locks, $held, $sync, $event, $sleep, $file) = qw(hang.deadlock.locks hang.lock.held hang.wait.sync hang.wait.event hang.sleep
	hang.lock.file);
# Name, what it does, first finding, kind of wait, who waits, what for, who holds it, more (tests/lib/Zoo.pm).
my @c = (
	[mutex_abba => 'two threads take two mutexes in opposite order', $locks, 'mutex', 'main', qr/^mutex 0x/, 'thread'],
	[mutex_self => 'a thread takes its own mutex again', $locks, 'mutex', 'main', qr/^mutex 0x/, 'self'],
	[mutex_held => 'the holder of a mutex sleeps', $held, 'mutex', 'main', qr/^mutex 0x/, 'thread'],
	[mutex_shared => 'another process holds a shared mutex', $held, 'mutex', 'main', qr/^mutex 0x/, 'child'],
	[rwlock_writer => 'a reader waits for a writer that sleeps', $held, 'rwlock', 'main', qr/lock 0x\w+, held for writing/, 'thread'],
	[rwlock_reader => 'a writer waits for a reader (whom libc does not record)', $sync, 'rwlock', 'main', qr/held by 1 reader/],
	[cond_wait => 'a condition that nobody signals', $sync, 'condition', 'main', qr/^condition variable/],
	[sem_never => 'a semaphore that nobody posts', $sync, 'semaphore', 'main', qr/^semaphore 0x/],
	[join => 'joins a thread that sleeps', $sleep, 'futex', 'main', qr/^exit of thread \d+/, 'thread'],
	[barrier_alone => 'a barrier that nobody else reaches', $sync, 'condition', 'main', qr/^barrier 0x/],
	[futex_raw => 'a bare futex', $sync, 'futex', 'main', qr/^futex 0x/],
	[pipe_child => 'reads from a child that sleeps', $sleep, 'pipe_read', 'main', qr/^pipe:\[\d+\] \(fd \d+\)/, 'child'],
	[pipe_full => 'writes to a child that does not read', $sleep, 'pipe_write', 'main', qr/^pipe:\[\d+\] \(fd \d+\)/, 'child'],
	[pipe_abba => 'parent and child each read first', 'hang.deadlock.processes', 'pipe_read', 'main', qr/^pipe:/, 'child'],
	[pipe_self => 'holds the writing end of what it reads', 'hang.deadlock.processes', 'pipe_read', 'main', qr/^pipe:/, 'self'],
	[fifo => 'reads a FIFO that a child has open', $sleep, 'pipe_read', 'main', qr/zoo-fifo-/, 'child'],
	[unix_recv => 'recv from a unix socket', $sleep, 'socket_recv', 'main', qr/^unix socket/, 'child'],
	[tcp_recv => 'recv from a TCP peer of the tree', $sleep, 'socket_recv', 'main', qr/^tcp 127\.0\.0\.1:\d+ peer 127\.0\.0\.1:\d+/, 'child'],
	[tcp_accept => 'accept, and nobody connects', 'hang.net.accept', 'accept', 'main', qr/^tcp listening on 127\.0\.0\.1:\d+/],
	[tcp_connect => 'connect to a full backlog', 'hang.net.connect', 'connect', 'main', qr/^connection to 127\.0\.0\.1:\d+/],
	[unix_accept => 'accept on a unix socket', 'hang.net.accept', 'accept', 'main', qr/^unix listening on/],
	[wait_child => 'waitpid for a child that sleeps', $sleep, 'child', 'main', qr/^exit of child \d+/, 'child'],
	[wait_any => 'waitid for any child', $sleep, 'child', 'main', qr/^exit of any child/, 'child'],
	[file_flock => 'a lock of flock that a child holds', $file, 'file_lock', 'main', qr/^FLOCK WRITE lock on .*zoo-lock/, 'child'],
	[file_fcntl => 'a lock of fcntl that a child holds', $file, 'file_lock', 'main', qr/^POSIX WRITE lock on .*zoo-lock/, 'child'],
	[file_ofd => 'a lock of an open file that a child holds', $file, 'file_lock', 'main', qr/^OFDLCK WRITE lock on .*zoo-lock/, 'child'],
	[poll_pipe => 'poll of a pipe of a child', $sleep, 'poll', 'main', qr/^poll of 1: fd \d+ pipe:/, 'child'],
	[select_pipe => 'select of a pipe of a child', $sleep, 'poll', 'main', qr/^select of 1: fd \d+ pipe:/, 'child'],
	[epoll_pipe => 'epoll of a pipe of a child', $sleep, 'poll', 'main', qr/^epoll of 1: fd \d+ pipe:/, 'child'],
	[long_sleep => 'sleeps', $sleep, 'sleep', 'main', qr/^clock_nanosleep for/],
	[sig_pause => 'pause', $event, 'signal', 'main', qr/^a signal \(pause\)/],
	[sig_wait => 'sigwait', $event, 'signal', 'main', qr/^a signal \(sigwait\)/],
	[sig_fd => 'reads a signalfd', $event, 'signal', 'main', qr/^signalfd \(fd \d+\)/],
	[event_fd => 'reads an eventfd', $event, 'eventfd', 'main', qr/^eventfd \(fd \d+\)/],
	[timer_fd => 'reads a timerfd', $sleep, 'sleep', 'main', qr/^timerfd \(fd \d+\)/],
	[notify_fd => 'reads inotify', $event, 'poll', 'main', qr/^inotify \(fd \d+\)/],
	[sysv_sem => 'a System V semaphore', $sync, 'semaphore', 'main', qr/^System V semaphore set \d+/, undef,
		argv => ["$dir/hang_c", 'sysv_sem', $sysv_key]],
	[spin => 'a loop without end', 'hang.spin', 'none', 'main'],
	[stopped => 'stops itself', 'hang.stopped', 'stopped', 'main', qr/^SIGCONT/],
	[zombie => 'sleeps, with a child that it does not reap', 'hang.zombie', 'sleep', 'main', qr/^clock_nanosleep for/, undef,
		inspects => $sleep],
	[main_gone => 'the first thread is gone, another sleeps', 'hang.exit.threads', 'sleep', 'thread', qr/^clock_nanosleep for/],
	[tty => 'reads a terminal', 'hang.input.terminal', 'tty', 'main', qr{^terminal /dev/pts/\d+}],
	[from_stdin => 'reads standard input', 'hang.input.stdin', 'stdin', 'main', qr/^standard input/, 'outside'],
	[chain => 'waits for a child that waits for a child', $sleep, 'child', 'main', qr/^exit of child \d+/, 'child'],
	[in_handler => 'sleeps in a signal handler', $sleep, 'sleep', 'main', qr/^clock_nanosleep for/],
);
my @cpp = (
	[cpp_abba => 'two std::mutex in opposite order', $locks, 'mutex', 'main', qr/^mutex 0x/, 'thread'],
	[cpp_condition => 'a std::condition_variable', $sync, 'condition', 'main', qr/^condition variable/],
	[cpp_future => 'a std::future without its promise kept', $sync, 'futex', 'main', qr/^futex 0x/],
);
my @rs = (
	[rs_channel => 'an mpsc channel that stays empty', $sync, 'futex', 'main', qr/./],
	[rs_mutex => 'a std Mutex whose holder sleeps', $sleep, 'mutex', 'thread', qr/./],
	[rs_condvar => 'a Condvar that nobody notifies', $sync, 'condition', 'main', qr/./],
);

zoo_marks("$zoo/$_") for qw(hang_c.c hang_cpp.cc hang_rs.rs);
ok quietly("$cc -g -O1 -D_GNU_SOURCE $zoo/hang_c.c -o $dir/hang_c -lpthread"), 'the C animals are built' or BAIL_OUT('no compiler');
zoo_look(native => zoo_animals('', ["$dir/hang_c"], { rare => [qw(mutex_shared rwlock_reader barrier_alone futex_raw pipe_full unix_recv
	unix_accept wait_any file_fcntl file_ofd select_pipe poll_pipe sig_wait notify_fd timer_fd event_fd)] }, @c));
SKIP: {
	skip 'no g++', 1 unless which('g++') && quietly("g++ -g -O1 $zoo/hang_cpp.cc -o $dir/hang_cpp -lpthread");
	zoo_look(native => zoo_animals('', ["$dir/hang_cpp"], {}, @cpp));
}
SKIP: {
	skip 'no Rust compiler', 1 unless which('rustc') && quietly("rustc -g $zoo/hang_rs.rs -o $dir/hang_rs");
	zoo_look(native => zoo_animals('', ["$dir/hang_rs"], {}, @rs));
}
zoo_section('native', 'C, C++ and Rust', 'Sources: tests/zoo/hang.');
done_testing;
