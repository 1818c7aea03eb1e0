#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# inspect.t - `inspect PID` and `run` over programs that hang in every kind of wait, each with what must be found (tests/lib/Zoo.pm
# says how): C, C++, Rust, Python, Perl, shells. ZOO_ONLY=REGEX looks at some animals only.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Zoo;
use Cwd qw(abs_path);
use IPC::SysV qw(IPC_RMID);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

my $dir = new_dir();
my $zoo = abs_path('tests/zoo/hang');
my $cc = $ENV{CC} // 'cc';
my $sysv_key = 0x5a000000 | $$;
END { my $id = $sysv_key ? semget($sysv_key, 1, 0600) : undef; semctl($id, 0, IPC_RMID, 0) if defined $id }

sub pythons {
	my @found = grep { -x } '/usr/bin/python3';
	my %seen;
	my $pyenv = $ENV{PYENV_ROOT} // (($ENV{HOME} // '') . '/.pyenv');
	for my $p (sort glob "$pyenv/versions/3.*/bin/python3") {
		next unless $p =~ m{/3\.(\d+)\.} && $1 >= 8 && $1 <= 14;
		push @found, $p if -x $p && !$seen{$1}++;
	}
	splice @found, 2 if $ENV{TEST_SANITIZED}; # each costs a minute there
	return @found;
}

# Rows: name, what it does, first finding, kind of wait, who waits, what for, who holds it.
sub animals {
	my ($label, $argv, @rows) = @_;
	return map {
		my ($name, $does, $finding, $waits, $who, $resource, $holder, %more) = @$_;
		{ name => $name, label => "$name$label", does => $does, finding => $finding, waits => $waits, who => $who, resource => $resource,
			holder => $holder, marks => $name, argv => [@$argv, $name], %more }
	} @rows;
}

my ($locks, $held, $sync, $event, $sleep, $file) = qw(hang.deadlock.locks hang.lock.held hang.wait.sync hang.wait.event hang.sleep
	hang.lock.file);
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
my @py = (
	[py_abba => 'two locks in opposite order', $locks, 'mutex', 'main', qr/lock/i, 'thread'],
	[py_rlock => 'an RLock whose holder sleeps', $held, 'mutex', 'thread', qr/lock/i, 'thread'],
	[py_event => 'an Event that is never set', $sync, 'condition', 'main', qr/./],
	[py_queue => 'a Queue that stays empty', $sync, 'condition', 'main', qr/./],
	[py_join => 'joins a thread that sleeps', $sleep, 'futex', 'main', qr/thread/, 'thread'],
	[py_exit => 'a thread that is no daemon, at exit', 'hang.exit.threads', 'sleep', 'thread', qr/sleep|select/],
	[py_child => 'subprocess.call of a program that sleeps', $sleep, 'child', 'main', qr/^exit of child \d+/, 'child', place => qr/^$/], # its only line stands in no file
	[py_communicate => 'subprocess.run reads a pipe', $sleep, 'pipe_read', 'main', qr/^pipe:/, 'child', place => qr/hang\.py:py_communicate:\d+$/],
	[py_accept => 'accept, and nobody connects', 'hang.net.accept', 'accept', 'main', qr/^tcp listening on/],
	[py_input => 'input()', 'hang.input.stdin', 'stdin', 'main', qr/^standard input/, 'outside'],
	[py_sleep => 'sleeps', $sleep, 'sleep', 'main', qr/sleep|select/],
	[py_select => 'select of a pipe', $event, 'poll', 'main', qr/^select of 1: fd \d+ pipe/, 'self'],
	[py_spin => 'a loop without end', 'hang.spin', 'none', 'main'],
	[py_gil => 'a regular expression keeps the interpreter lock', 'hang.python.gil', 'gil', 'thread', qr/./, 'thread'],
);
my @pl = (
	[pl_sleep => 'sleeps', $sleep, 'sleep', 'main', qr/^clock_nanosleep for/],
	[pl_wait => 'waits for a child that sleeps', $sleep, 'child', 'main', qr/^exit of child \d+/, 'child'],
	[pl_pipe => 'reads from a child that sleeps', $sleep, 'pipe_read', 'main', qr/^pipe:/, 'child'],
	[pl_select => 'select with a time', $sleep, 'sleep', 'main', qr/select|sleep/],
	[pl_stdin => 'reads standard input', 'hang.input.stdin', 'stdin', 'main', qr/^standard input/, 'outside'],
);
my @sh = (
	[sh_child => 'a child that sleeps', $sleep, 'child', 'main', qr/^exit of/, 'child'],
	[sh_pipe => 'a pipeline whose first member sleeps', $sleep, 'child', 'main', qr/^exit of/, 'child'],
	[sh_wait => 'wait for a background job', $sleep, 'child', 'main', qr/^exit of|^a signal .*SIGCHLD/, 'child'],
	[sh_read => 'read', 'hang.input.stdin', 'stdin', 'main', qr/^standard input/, 'outside'],
);

zoo_marks("$zoo/$_") for qw(hang_c.c hang_cpp.cc hang_rs.rs hang.py);
ok quietly("$cc -g -O1 -D_GNU_SOURCE $zoo/hang_c.c -o $dir/hang_c -lpthread"), 'the C animals are built' or BAIL_OUT('no compiler');
zoo_look(native => animals('', ["$dir/hang_c"], @c));
SKIP: {
	skip 'no g++', 1 unless which('g++') && quietly("g++ -g -O1 $zoo/hang_cpp.cc -o $dir/hang_cpp -lpthread");
	zoo_look(native => animals('', ["$dir/hang_cpp"], @cpp));
}
SKIP: {
	skip 'no Rust compiler', 1 unless which('rustc') && quietly("rustc -g $zoo/hang_rs.rs -o $dir/hang_rs");
	zoo_look(native => animals('', ["$dir/hang_rs"], @rs));
}
zoo_section('native', 'C, C++ and Rust', 'Sources: tests/zoo/hang.');
zoo_look(scripts => animals('', ['/usr/bin/perl', "$zoo/hang.pl"], @pl));
zoo_look(scripts => animals(" ($_)", [$_, "$zoo/hang.sh"], @sh)) for grep { -x } '/bin/sh', '/bin/bash';
zoo_section('scripts', 'Perl and shells', 'The place is that of the native program: their own stacks are not read.');
for my $python (pythons()) {
	my ($v) = `$python -V 2>&1` =~ /(3\.\d+\.\d+)/;
	zoo_look(python => animals(" ($v)", [$python, "$zoo/hang.py"], @py));
}
zoo_section('python', 'Python');

# Words and denial.
is system(spec() . ' inspect >/dev/null 2>&1') >> 8, 2, 'no process: a usage error';
is system(spec() . ' inspect 12x >/dev/null 2>&1') >> 8, 2, 'no number: a usage error';
is system(spec() . ' inspect 2147483646 >/dev/null 2>&1') >> 8, 125, 'no such process: a failure';

{ # a secret of the target's own environment stands in its command line
	local $ENV{ZOO_API_TOKEN} = 'zoosecret-4711';
	my $r = begin('/bin/sh', '-c', 'sleep 60; :', 'zoosecret-4711', '--password', 'hunter2hunter2');
	delete local $ENV{ZOO_API_TOKEN};
	sleep 0.3;
	my $text = inspect('--json', $r->{pid}) . inspect($r->{pid});
	unlike $text, qr/zoosecret-4711|hunter2hunter2/, 'secrets of the target are redacted';
	like $text, qr/<redacted:/, 'and marked';
	end($r);
}

SKIP: { # as somebody else
	skip 'not root', 3 if $>;
	skip 'the program lies where another user may not look', 3
		if `setpriv --reuid=65534 --regid=65534 --clear-groups @{[spec()]} inspect --json 1 2>&1` =~ /is not installed|denied\b.*exec/;
	my $r = begin('/bin/sleep', '60');
	sleep 0.2;
	my $text = `setpriv --reuid=65534 --regid=65534 --clear-groups @{[spec()]} inspect --json $r->{pid} 2>&1`;
	my $d = eval { decode_json($text) };
	my $t = $d ? $d->{processes}[0]{threads}[0] : {};
	is $t->{status}, 'denied', q{another user's thread is denied} or diag $text;
	like $t->{reason} // '', qr/CAP_SYS_PTRACE/, 'with what would allow it';
	end($r);
	$r = begin('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '/bin/sleep', '60');
	sleep 0.2;
	$text = `setpriv --reuid=65534 --regid=65534 --clear-groups @{[spec()]} inspect --json $r->{pid} 2>&1`;
	$d = eval { decode_json($text) };
	is $d->{processes}[0]{threads}[0]{status}, 'ok', q{one's own is seen without privileges} or diag $text;
	end($r);
}

done_testing;
