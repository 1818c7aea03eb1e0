#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# zoo_languages.t - animals in Node, Java, Go and Ruby, by what /proc and native stacks tell of them. Where these do not tell what the
# program waits for (a channel, a monitor, a promise), the right finding is the most specific one that is true. A language
# that is not installed is skipped.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Zoo;
use Cwd qw(abs_path);
use Test::More;

my $dir = new_dir();
my $zoo = abs_path('tests/zoo/hang');
zoo_marks($_) for map { "$zoo/$_" } qw(hang.go hang.js hang.rb Hang.java);

# Rows: name, what it does, first finding, kind of wait, who waits, what for, who holds it.
sub animals {
	my ($argv, @rows) = @_;
	return map {
		my ($name, $does, $finding, $waits, $who, $resource, $holder, %more) = @$_;
		{ name => $name, does => $does, finding => $finding, waits => $waits, who => $who, resource => $resource, holder => $holder,
			argv => [@$argv, $name], limit_ms => 1800, $more{marked} ? (marks => $name) : (), %more }
	} @rows;
}

my ($event, $sync, $sleep, $stdin) = qw(hang.wait.event hang.wait.sync hang.sleep hang.input.stdin);
my $loop = 'event loop kept alive by ';
my @node = (
	[js_server => 'a server that nobody closes', $event, 'poll', 'main', qr/^${loop}a TCP socket \(fd \d+\); no timer is due; .*listening on/, 'thread'],
	[js_promise => 'a promise that is never kept, beside a server', $event, 'poll', 'main', qr/^${loop}a TCP socket .*listening on/, 'thread'],
	[js_client => 'client and server in one process, neither speaks', $event, 'poll', 'main', qr/^${loop}.*a TCP socket.* peer /, 'thread'],
	[js_child => 'reads from a child that sleeps', $sleep, 'poll', 'main', qr/^${loop}.*a child process \(pid \d+\)/, 'child'],
	[js_child_sync => 'spawnSync of a program that sleeps', $sleep, 'child', 'main', qr/^exit of a child/, 'child'],
	[js_child_prompts => 'spawnSync of a shell that reads standard input', $stdin, 'stdin', 'child', qr/^standard input/, 'outside'],
	[js_stdin_sync => 'readSync of standard input', $stdin, 'stdin', 'main', qr/^standard input/, 'outside', marked => 1],
	[js_hot => 'readSync, in code that was compiled', $stdin, 'stdin', 'main', qr/^standard input/, 'outside', marked => 1],
	[js_stdin => 'waits for data of process.stdin', $stdin, 'poll', 'main', qr/^${loop}.*epoll of \d+: .*fd 0 /, 'outside', inspects => $event],
	[js_atomics => 'Atomics.wait for nobody', $sync, 'condition', 'main', qr/^condition variable/, undef, marked => 1],
	[js_spin => 'a loop without end', 'hang.spin', 'none', 'main', undef, undef, marked => 1],
	[js_interval => 'a timer that nobody clears', $event, 'poll', 'main', qr/^${loop}a timer due in [\d.]+ s; epoll of/, 'thread'],
	[js_timeout => 'a timer of a minute', $event, 'poll', 'main', qr/^${loop}a timer due in [\d.]+ s; epoll of/, 'thread'],
	[js_worker => 'a worker in Atomics.wait', $sync, 'condition', 'thread', qr/^condition variable/, undef, marked => 1],
	[js_lock_file => 'a lock of a file that a child holds', 'hang.lock.file', 'file_lock', 'child', qr/^FLOCK WRITE lock on .*hang\.js/, 'sibling'],
	[js_after_tests => 'all tests passed, a timer is left', 'hang.exit.after_pass', 'poll', 'main', qr/^${loop}a timer due/, 'thread', inspects => $event,
		options => ['--dialect', 'tap']],
);
my @asked = (marked => 1, asks => 1);
my @java = (
	[java_synchronized => 'two threads, two monitors in opposite order', 'hang.deadlock.locks', 'monitor', 'thread',
		qr/^the monitor of java\.lang\.Object 0x/, 'thread', @asked],
	[java_lock => 'a ReentrantLock whose holder sleeps', 'hang.lock.held', 'mutex', 'thread', qr/^ReentrantLock 0x/, 'thread', @asked],
	[java_rwlock => 'a reader takes the lock to write', $sync, 'rwlock', 'thread', qr/^ReentrantReadWriteLock 0x/, undef, @asked],
	[java_queue => 'LinkedBlockingQueue.take', $sync, 'condition', 'thread', qr/^Condition 0x/, undef, @asked],
	[java_latch => 'a CountDownLatch that nobody counts down', $sync, 'condition', 'thread', qr/^CountDownLatch 0x/, undef, @asked],
	[java_future => 'a CompletableFuture that nobody completes', $sync, 'condition', 'thread', qr/^CompletableFuture 0x/, undef, @asked],
	[java_wait => 'Object.wait, and nobody notifies', $sync, 'condition', 'thread', qr/^notify of java\.lang\.Object 0x/, undef, @asked],
	[java_semaphore => 'a Semaphore without permits', $sync, 'semaphore', 'thread', qr/^Semaphore 0x/, undef, @asked],
	[java_nested => 'a task of a full executor waits for another one', $sync, 'condition', 'thread', qr/^Future 0x|FutureTask/, undef, @asked],
	[java_join => 'joins a thread that waits for a latch', $sync, 'condition', 'thread', qr/^(notify of java\.lang\.Thread|CountDownLatch) 0x/,
		undef, @asked],
	[java_accept => 'ServerSocket.accept', 'hang.net.accept', 'accept', 'thread', qr/^tcp listening on/, undef, @asked],
	[java_recv => 'reads from a socket', 'hang.net.recv', 'socket_recv', 'thread', qr/^tcp .* peer /, undef, @asked],
	[java_sleep => 'Thread.sleep', $sleep, 'sleep', 'thread', qr/^Thread\.sleep/, undef, @asked],
	[java_stdin => 'System.in.read', $stdin, 'stdin', 'thread', qr/^standard input/, 'outside', @asked],
	[java_executor => 'an executor that nobody shuts down', 'hang.exit.threads', 'condition', 'thread', qr/^Condition 0x/, undef, asks => 1],
	[java_child => 'waitFor of a program that sleeps', $sleep, 'condition', 'thread', qr/^Process\.waitFor/, 'thread', asks => 1],
	[java_full_pipe => 'waitFor of a program whose output nobody reads', 'hang.deadlock.processes', 'pipe_write', 'child', qr/^pipe:/, 'parent',
		asks => 1, inspects => 'hang.deadlock.processes|hang.wait.child|hang.wait.event'],
	[java_read_child => 'reads the output of a program that sleeps', $sleep, 'pipe_read', 'thread', qr/^pipe:/, 'child', asks => 1],
	[java_spin => 'a loop without end', 'hang.spin', 'none', 'thread', undef, undef, @asked],
);
my ($channel, $goroutine) = qw(hang.wait.sync.channel hang.wait.sync.goroutine);
my @task = (inspects => $sync, marked => 1);
my @go = (
	[go_channel => 'receives from a channel', $channel, 'chan_recv', 'task', qr/^channel 0x\w+, unbuffered/, undef, @task],
	[go_chan_send => 'sends, and the receiver has left', $channel, 'chan_send', 'task', qr/^channel 0x\w+, unbuffered/, 'none|task', @task],
	[go_nil => 'sends to a nil channel', $channel, 'chan_send', 'task', qr/^a nil channel: nothing/, undef, @task],
	[go_select => 'an empty select', $channel, 'select', 'task', qr/^select without cases/, undef, @task],
	[go_select_two => 'a select of two channels', $channel, 'select', 'task', qr/^select of 2: channel/, undef, @task],
	[go_workers => 'workers range over a channel that nobody closes', $channel, 'chan_recv', 'task', qr/^channel 0x\w+, empty \(0 of 2\)/,
		'none|task', @task],
	[go_mutex => 'locks a mutex twice', $goroutine, 'mutex', 'task', qr/^sync\.Mutex 0x\w+, which 1 waits for/, undef, @task],
	[go_abba => 'two goroutines, two mutexes in opposite order', $goroutine, 'mutex', 'task', qr/^sync\.Mutex 0x/, 'none|task', @task],
	[go_rwmutex => 'RLock twice, and a writer waits', $goroutine, 'rwlock', 'task', qr/^sync\.RWMutex, to read 0x/, 'none|task', @task],
	[go_once => 'a sync.Once whose first call sleeps', $goroutine, 'mutex', 'task', qr/^sync\.(Once|Mutex)/, 'none|task', @task],
	[go_cond => 'sync.Cond, and nobody signals', $goroutine, 'condition', 'task', qr/^sync\.Cond/, undef, @task],
	[go_waitgroup => 'a WaitGroup that is never done', $goroutine, 'semaphore', 'task', qr/^sync\.WaitGroup 0x\w+, 1 of which is not done/,
		undef, @task],
	[go_accept => 'Accept, and nobody connects', 'hang.net.accept', 'accept', 'task', qr/^tcp listening on/, undef, marked => 1],
	[go_recv => 'reads from a socket', 'hang.net.recv', 'socket_recv', 'task', qr/^tcp .* peer /, undef, marked => 1],
	[go_http => 'http.Get of a server that does not answer', 'hang.net.recv', 'socket_recv', 'task', qr/^tcp .* peer /, 'none|thread', marked => 1],
	[go_sleep => 'time.Sleep', $sleep, 'sleep', 'task', qr/^time\.Sleep/, undef, marked => 1],
	[go_stdin => 'io.ReadAll of standard input', $stdin, 'stdin', 'any', qr/^standard input/, 'outside', marked => 1],
	[go_child => 'Cmd.Run of a program that sleeps', $sleep, 'child', 'any', qr/^exit of child/, 'child'],
	[go_exec_pipe => 'CombinedOutput, and a grandchild holds the pipe', 'hang.pipe.leaked_writer', 'pipe_read', 'task', qr/^pipe:/,
		'child|outside|sibling', marked => 1, inspects => 'hang.pipe.leaked_writer|hang.wait.event|hang.sleep'],
	[go_spin => 'a loop without end', 'hang.spin', 'none', 'any', undef, undef, marked => 1],
);
my @line = (marked => 1);
my @ruby = (
	[rb_mutex => 'a Mutex whose holder sleeps', 'hang.lock.held', 'mutex', 'main', qr/^Mutex 0x/, 'thread', @line],
	[rb_abba => 'two threads, two Mutexes in opposite order', 'hang.deadlock.locks', 'mutex', 'main', qr/^Mutex 0x/, 'thread', @line],
	[rb_monitor => 'a Monitor whose holder sleeps', 'hang.lock.held', 'mutex', 'main', qr/^Mutex 0x/, 'thread', @line],
	[rb_queue => 'Queue.pop', $sync, 'condition', 'main', qr/^Queue#pop: an empty queue/, undef, @line],
	[rb_sized => 'a SizedQueue that is full', $sync, 'condition', 'main', qr/^SizedQueue#<<: a full queue/, undef, @line],
	[rb_cond => 'ConditionVariable.wait, and nobody signals', $sync, 'condition', 'main', qr/^ConditionVariable#wait/, undef, @line],
	[rb_join => 'joins a thread that waits for a pipe', $event, 'condition', 'main', qr/^exit of a thread \(Thread#join\)/, 'thread', @line],
	[rb_stop => 'Thread.stop, and nobody wakes it', $sync, 'condition', 'main', qr/^Thread\.stop: a wakeup/, undef, @line],
	[rb_pipe => 'reads a pipe of its own', "$event|hang.deadlock.processes", 'poll', 'main', qr/^poll of 1: fd \d+ pipe:/, 'self', @line],
	[rb_popen => 'reads from a child that sleeps', $sleep, 'poll', 'main', qr/^poll of \d: .*pipe:/, 'child'],
	[rb_sleep => 'sleeps', $sleep, 'sleep', 'main', qr/^sleep/, undef, @line],
	[rb_wait => 'Process.wait for a child that sleeps', $sleep, 'child', 'main', qr/^exit of a child \(wait\)/, 'child'],
	[rb_gets => 'gets', $stdin, 'stdin', 'main', qr/^standard input/, 'outside', @line],
	[rb_accept => 'accept, and nobody connects', 'hang.net.accept', 'poll', 'main', qr/listening on/, undef, inspects => $event, @line],
	[rb_system => 'system of a shell that reads standard input', $stdin, 'stdin', 'child', qr/^standard input/, 'outside'],
	[rb_spin => 'a loop without end', 'hang.spin', 'none', 'main', undef, undef, @line],
);

SKIP: {
	my $node = which('node') or skip 'no Node', 1;
	zoo_look(languages => animals([$node, "$zoo/hang.js"], @node));
}
SKIP: {
	skip 'no Java compiler', 1 unless which('javac') && quietly("javac -d $dir $zoo/Hang.java");
	zoo_look(languages => animals([which('java'), '-Xshare:auto', '-cp', $dir, 'Hang'], @java));
}
SKIP: {
	local $ENV{GOCACHE} = "$dir/go-cache";
	local $ENV{GOFLAGS} = '';
	skip 'no Go compiler', 1 unless which('go') && quietly("go build -o $dir/hang_go $zoo/hang.go");
	zoo_look(languages => animals(["$dir/hang_go"], @go));
}
SKIP: {
	my $ruby = which('ruby') or skip 'no Ruby', 1;
	zoo_look(languages => animals([$ruby, "$zoo/hang.rb"], @ruby));
}
zoo_section('languages', 'Node, Java, Go and Ruby', "By what /proc and native stacks tell: goroutines, promises and Java's monitors are not read, so " .
	"that the most specific finding that is true\nmay be a general one.");
done_testing;
