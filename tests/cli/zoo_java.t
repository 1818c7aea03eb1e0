#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# zoo_java.t - Java programs that hang. ZOO_ALL=1 looks at the rare ones, too.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Zoo;
use Cwd qw(abs_path);
use Test::More;

my $dir = new_dir();
my $zoo = abs_path('tests/zoo/hang');
my ($event, $sync, $sleep, $stdin) = qw(hang.wait.event hang.wait.sync hang.sleep hang.input.stdin);
# Name, what it does, first finding, kind of wait, who waits, what for, who holds it, more (tests/lib/Zoo.pm).
my @java = (
	[java_synchronized => 'two threads, two monitors in opposite order', 'hang.deadlock.locks', 'monitor', 'thread',
		qr/^the monitor of java\.lang\.Object 0x/, 'thread'],
	[java_lock => 'a ReentrantLock whose holder sleeps', 'hang.lock.held', 'mutex', 'thread', qr/^ReentrantLock 0x/, 'thread'],
	[java_rwlock => 'a reader takes the lock to write', $sync, 'rwlock', 'thread', qr/^ReentrantReadWriteLock 0x/],
	[java_queue => 'LinkedBlockingQueue.take', $sync, 'condition', 'thread', qr/^Condition 0x/],
	[java_latch => 'a CountDownLatch that nobody counts down', $sync, 'condition', 'thread', qr/^CountDownLatch 0x/],
	[java_future => 'a CompletableFuture that nobody completes', $sync, 'condition', 'thread', qr/^CompletableFuture 0x/],
	[java_wait => 'Object.wait, and nobody notifies', $sync, 'condition', 'thread', qr/^notify of java\.lang\.Object 0x/],
	[java_semaphore => 'a Semaphore without permits', $sync, 'semaphore', 'thread', qr/^Semaphore 0x/],
	[java_nested => 'a task of a full executor waits for another one', $sync, 'condition', 'thread', qr/^Future 0x|FutureTask/],
	[java_join => 'joins a thread that waits for a latch', $sync, 'condition', 'thread', qr/^(notify of java\.lang\.Thread|CountDownLatch) 0x/,
		undef],
	[java_accept => 'ServerSocket.accept', 'hang.net.accept', 'accept', 'thread', qr/^tcp listening on/],
	# the program listens itself and has not accepted the connection: the other end is its own
	[java_recv => 'reads from a socket', 'hang.net.recv', 'socket_recv', 'thread', qr/^tcp .* peer /, 'thread'],
	[java_sleep => 'Thread.sleep', $sleep, 'sleep', 'thread', qr/^Thread\.sleep/],
	[java_stdin => 'System.in.read', $stdin, 'stdin', 'thread', qr/^standard input/, 'outside'],
	[java_executor => 'an executor that nobody shuts down', 'hang.exit.threads', 'condition', 'thread', qr/^Condition 0x/],
	[java_child => 'waitFor of a program that sleeps', $sleep, 'condition', 'thread', qr/^Process\.waitFor/, 'thread'],
	[java_full_pipe => 'waitFor of a program whose output nobody reads', 'hang.deadlock.processes', 'pipe_write', 'child', qr/^pipe:/, 'parent',
		inspects => 'hang.deadlock.processes|hang.wait.child|hang.wait.event', place => qr/^(Hang\.java:Hang\.main:\d+)?$/],
	[java_read_child => 'reads the output of a program that sleeps', $sleep, 'pipe_read', 'thread', qr/^pipe:/, 'child'],
	[java_spin => 'a loop without end', 'hang.spin', 'none', 'thread', undef],
);

zoo_marks("$zoo/Hang.java");
SKIP: {
	skip 'no Java compiler', 1 unless which('javac') && quietly("javac -d $dir $zoo/Hang.java");
	zoo_look(java => zoo_animals('', [which('java'), '-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', $dir, 'Hang'],
		{ limit_ms => 1800, asks => 1, at_once => 3, rare => [qw(java_future java_wait java_semaphore java_nested java_join java_accept
			java_sleep java_stdin java_child java_read_child java_spin)] }, @java));
	# A level that the user gives is not exceeded: nobody is asked, and nothing is left in the virtual machine.
	my $java = begin(which('java'), '-cp', $dir, 'Hang', 'java_lock');
	wait_until(20, sub { inspect('--intrusion', 2, $java->{pid}) =~ /Hang\.java/ }) or diag 'it was not asked';
	end($java);
	$java = begin(which('java'), '-cp', $dir, 'Hang', 'java_lock');
	wait_until(20, sub { inspect('--intrusion=1', $java->{pid}) =~ /libjvm/ });
	unlike inspect('--intrusion=1', $java->{pid}), qr/Hang\.java/, 'at intrusion 1 a virtual machine is not asked';
	unlike join('', map { read_file($_) // '' } glob "/proc/$java->{pid}/task/*/comm"), qr/Attach Listener/, 'and has no new thread';
	end($java);
	my $r = run_spec(['--intrusion', 1, '--timeout-ms', 2500, 'run', '--', which('java'), '-cp', $dir, 'Hang', 'java_lock'], timeout => 40);
	unlike $r->{err}, qr/Hang\.java/, 'nor before it is ended';
}
zoo_section('java', 'Java', 'The virtual machine is asked, as `inspect --intrusion 2` and the end of a run do.');
done_testing;
