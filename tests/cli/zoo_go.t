#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# zoo_go.t - Go programs that hang.
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
my ($channel, $goroutine) = qw(hang.wait.sync.channel hang.wait.sync.goroutine);
# Name, what it does, first finding, kind of wait, who waits, what for, who holds it, more (tests/lib/Zoo.pm).
my @go = (
	[go_channel => 'receives from a channel', $channel, 'chan_recv', 'task', qr/^channel 0x\w+, unbuffered/, undef, inspects => $sync],
	[go_chan_send => 'sends, and the receiver has left', $channel, 'chan_send', 'task', qr/^channel 0x\w+, unbuffered/, 'none|task', inspects => $sync],
	[go_nil => 'sends to a nil channel', $channel, 'chan_send', 'task', qr/^a nil channel: nothing/, undef, inspects => $sync],
	[go_select => 'an empty select', $channel, 'select', 'task', qr/^select without cases/, undef, inspects => $sync],
	[go_select_two => 'a select of two channels', $channel, 'select', 'task', qr/^select of 2: channel/, undef, inspects => $sync],
	[go_workers => 'workers range over a channel that nobody closes', $channel, 'chan_recv', 'task', qr/^channel 0x\w+, empty \(0 of 2\)/,
		'none|task', inspects => $sync],
	[go_mutex => 'locks a mutex twice', $goroutine, 'mutex', 'task', qr/^sync\.Mutex 0x\w+, which 1 waits for/, undef, inspects => $sync],
	[go_poll => 'looks again and again for what another goroutine is to do, which waits for a mutex', $goroutine, 'mutex', 'task', qr/^sync\.Mutex 0x/,
		'none|task', inspects => $sync],
	[go_abba => 'two goroutines, two mutexes in opposite order', $goroutine, 'mutex', 'task', qr/^sync\.Mutex 0x/, 'none|task', inspects => $sync],
	[go_rwmutex => 'RLock twice, and a writer waits', $goroutine, 'rwlock', 'task', qr/^sync\.RWMutex, to read 0x/, 'none|task', inspects => $sync],
	[go_once => 'a sync.Once whose first call sleeps', $goroutine, 'mutex', 'task', qr/^sync\.(Once|Mutex)/, 'none|task', inspects => $sync],
	[go_cond => 'sync.Cond, and nobody signals', $goroutine, 'condition', 'task', qr/^sync\.Cond/, undef, inspects => $sync],
	[go_waitgroup => 'a WaitGroup that is never done', $goroutine, 'semaphore', 'task', qr/^sync\.WaitGroup 0x\w+, 1 of which is not done/,
		undef, inspects => $sync],
	[go_group_results => 'workers of a WaitGroup send results that are read after its end, beside a goroutine that sleeps', $channel, 'chan_send', 'task',
		qr/^channel 0x\w+, unbuffered/, 'none|task', inspects => $channel],
	[go_accept => 'Accept, and nobody connects', 'hang.net.accept', 'accept', 'task', qr/^tcp listening on/],
	# the program listens itself and has not accepted the connection: the other end is its own
	[go_recv => 'reads from a socket', 'hang.net.recv', 'socket_recv', 'task', qr/^tcp .* peer /, 'thread'],
	[go_http => 'http.Get of a server that does not answer', 'hang.net.recv', 'socket_recv', 'task', qr/^tcp .* peer /, 'none|thread'],
	[go_sleep => 'time.Sleep', $sleep, 'sleep', 'task', qr/^time\.Sleep/],
	[go_stdin => 'io.ReadAll of standard input', $stdin, 'stdin', 'any', qr/^standard input/, 'outside'],
	[go_child => 'Cmd.Run of a program that sleeps', $sleep, 'child', 'any', qr/^exit of child/, 'child'],
	[go_exec_pipe => 'CombinedOutput, and a grandchild holds the pipe', 'hang.pipe.leaked_writer', 'pipe_read', 'task', qr/^pipe:/,
		'child|outside|sibling', inspects => 'hang.pipe.leaked_writer|hang.wait.event|hang.sleep'],
	[go_spin => 'a loop without end', 'hang.spin', 'none', 'any', undef],
);

zoo_marks("$zoo/hang.go");
SKIP: {
	local $ENV{GOCACHE} = "$dir/go-cache";
	local $ENV{GOFLAGS} = '';
	skip 'no Go compiler', 1 unless which('go') && quietly("go build -o $dir/hang_go $zoo/hang.go");
	zoo_look(go => zoo_animals('', ["$dir/hang_go"], { limit_ms => 1800, rare => [qw(go_nil go_select go_select_two go_sleep go_recv)] }, @go));
}
zoo_section('go', 'Go', 'A mutex of Go has no owner: who may hold it is told as possible.');
done_testing;
