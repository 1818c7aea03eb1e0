#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# zoo_ruby.t - Ruby programs that hang.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Zoo;
use Cwd qw(abs_path);
use Test::More;

my $zoo = abs_path('tests/zoo/hang');
my ($event, $sync, $sleep, $stdin) = qw(hang.wait.event hang.wait.sync hang.sleep hang.input.stdin);
# Name, what it does, first finding, kind of wait, who waits, what for, who holds it, more (tests/lib/Zoo.pm).
my @ruby = (
	[rb_mutex => 'a Mutex whose holder sleeps', 'hang.lock.held', 'mutex', 'main', qr/^Mutex 0x/, 'thread'],
	[rb_abba => 'two threads, two Mutexes in opposite order', 'hang.deadlock.locks', 'mutex', 'main', qr/^Mutex 0x/, 'thread'],
	[rb_monitor => 'a Monitor whose holder sleeps', 'hang.lock.held', 'mutex', 'main', qr/^Mutex 0x/, 'thread'],
	[rb_queue => 'Queue.pop', $sync, 'condition', 'main', qr/^Queue#pop: an empty queue/],
	[rb_sized => 'a SizedQueue that is full', $sync, 'condition', 'main', qr/^SizedQueue#<<: a full queue/],
	[rb_cond => 'ConditionVariable.wait, and nobody signals', $sync, 'condition', 'main', qr/^ConditionVariable#wait/],
	[rb_join => 'joins a thread that waits for a pipe', $event, 'condition', 'main', qr/^exit of a thread \(Thread#join\)/, 'thread'],
	[rb_stop => 'Thread.stop, and nobody wakes it', $sync, 'condition', 'main', qr/^Thread\.stop: a wakeup/],
	[rb_pipe => 'reads a pipe of its own', "$event|hang.deadlock.processes", 'poll', 'main', qr/^poll of 1: fd \d+ pipe:/, 'self'],
	[rb_popen => 'reads from a child that sleeps', $sleep, 'poll', 'main', qr/^poll of \d: .*pipe:/, 'child'],
	[rb_sleep => 'sleeps', $sleep, 'sleep', 'main', qr/^sleep/],
	[rb_wait => 'Process.wait for a child that sleeps', $sleep, 'child', 'main', qr/^exit of a child \(wait\)/, 'child'],
	[rb_gets => 'gets', $stdin, 'stdin', 'main', qr/^standard input/, 'outside'],
	[rb_accept => 'accept, and nobody connects', 'hang.net.accept', 'poll', 'main', qr/listening on/, undef, inspects => $event],
	[rb_system => 'system of a shell that reads standard input', $stdin, 'stdin', 'child', qr/^standard input/, 'outside'],
	[rb_gvl => 'a function in C that keeps the lock of the virtual machine', 'hang.lock.held.gvl', 'gil', 'thread', qr/GVL/, 'thread', inspects => 'hang.lock.held|hang.sleep|hang.spin|hang.wait.sync'],
	[rb_spin => 'a loop without end', 'hang.spin', 'none', 'main', undef],
);

zoo_marks("$zoo/hang.rb");
SKIP: {
	my $ruby = which('ruby') or skip 'no Ruby', 1;
	zoo_look(ruby => zoo_animals('', [$ruby, "$zoo/hang.rb"], { limit_ms => 1800, rare => [qw(rb_sized rb_stop rb_sleep rb_pipe)] }, @ruby));
}
zoo_section('ruby', 'Ruby', '');
done_testing;
