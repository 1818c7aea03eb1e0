#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# zoo_node.t - Node programs that hang.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Zoo;
use Cwd qw(abs_path);
use Test::More;

my $zoo = abs_path('tests/zoo/hang');
my ($event, $sync, $sleep, $stdin) = qw(hang.wait.event hang.wait.sync hang.sleep hang.input.stdin);
my $loop = 'event loop kept alive by ';
# Name, what it does, first finding, kind of wait, who waits, what for, who holds it, more (tests/lib/Zoo.pm).
my @node = (
	[js_server => 'a server that nobody closes', $event, 'poll', 'main', qr/^${loop}a TCP socket \(fd \d+\); no timer is due; .*listening on/, 'thread'],
	[js_promise => 'a promise that is never kept, beside a server', $event, 'poll', 'main', qr/^${loop}a TCP socket .*listening on/, 'thread'],
	[js_await => 'awaits in a function that Promise.all waits for', $event, 'poll', 'main', qr/^${loop}a timer due in [\d.]+ s; epoll of/, 'thread'],
	[js_for_await => 'for await over a generator that awaits', $event, 'poll', 'main', qr/^${loop}a timer due in [\d.]+ s; epoll of/, 'thread'],
	[js_client => 'client and server in one process, neither speaks', $event, 'poll', 'main', qr/^${loop}.*a TCP socket.* peer /, 'thread'],
	[js_child => 'reads from a child that sleeps', $sleep, 'poll', 'main', qr/^${loop}.*a child process \(pid \d+\)/, 'child'],
	[js_child_sync => 'spawnSync of a program that sleeps', $sleep, 'child', 'main', qr/^exit of a child/, 'child'],
	[js_child_prompts => 'spawnSync of a shell that reads standard input', $stdin, 'stdin', 'child', qr/^standard input/, 'outside'],
	[js_stdin_sync => 'readSync of standard input', $stdin, 'stdin', 'main', qr/^standard input/, 'outside'],
	[js_hot => 'readSync, in code that was compiled', $stdin, 'stdin', 'main', qr/^standard input/, 'outside'],
	[js_stdin => 'waits for data of process.stdin', $stdin, 'poll', 'main', qr/^${loop}.*epoll of \d+: .*fd 0 /, 'outside', inspects => $event],
	[js_atomics => 'Atomics.wait for nobody', $sync, 'condition', 'main', qr/^condition variable/],
	[js_spin => 'a loop without end', 'hang.spin', 'none', 'main', undef],
	[js_interval => 'a timer that nobody clears', $event, 'poll', 'main', qr/^${loop}a timer due in [\d.]+ s; epoll of/, 'thread'],
	[js_timeout => 'a timer of a minute', $event, 'poll', 'main', qr/^${loop}a timer due in [\d.]+ s; epoll of/, 'thread'],
	[js_worker => 'a worker in Atomics.wait', $sync, 'condition', 'thread', qr/^condition variable/],
	[js_lock_file => 'a lock of a file that a child holds', 'hang.lock.file', 'file_lock', 'child', qr/^FLOCK WRITE lock on .*hang\.js/, 'sibling'],
	[js_after_tests => 'all tests passed, a timer is left', 'hang.exit.after_pass', 'poll', 'main', qr/^${loop}a timer due/, 'thread', inspects => $event,
		options => ['--dialect', 'tap']],
);

zoo_marks("$zoo/hang.js");
SKIP: {
	my $node = which('node') or skip 'no Node', 1;
	zoo_look(node => zoo_animals('', [$node, "$zoo/hang.js"], { limit_ms => 1800, rare => [qw(js_client js_hot js_timeout js_stdin)] }, @node));
}
zoo_section('node', 'Node', 'In an event loop no JavaScript is on any stack: what keeps it alive is told.');
done_testing;
