#!/usr/bin/perl
# Hangs as people report them, rewritten: the first finding names the cause. And slow programs that
# are well: no hang is found in them.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use JSON::PP;
use Test::More;

my $python = (grep { -x } map { "$_/python3" } split /:/, $ENV{PATH})[0];
my $limit = 1500 * slow_factor();

# name, program (file => text), command, first pattern_id, what the console must say
my @hangs = (
	['fork while a thread holds a lock', 'fork.py', <<'PY', ['python3', 'fork.py'], 'hang.lock.held.orphan', qr/fork\.py:log:4/],
import multiprocessing, threading, time
lock = threading.Lock()
def log(text):
    with lock:
        time.sleep(0.3)
def work():
    log("child")
threading.Thread(target=log, args=("parent",)).start()
time.sleep(0.1)
p = multiprocessing.get_context("fork").Process(target=work)
p.start()
p.join()
PY
	['wait for a child whose output nobody reads', 'popen.py', <<'PY', ['python3', 'popen.py'], 'hang.deadlock.processes', qr/popen\.py:<module>:3/],
import subprocess
p = subprocess.Popen(["yes"], stdout=subprocess.PIPE)
p.wait()
PY
	['a thread that is no daemon, at exit', 'thread.py', <<'PY', ['python3', 'thread.py'], 'hang.exit.threads', qr/thread\.py:poll:3/],
import threading, time
def poll():
    time.sleep(1000)
threading.Thread(target=poll).start()
PY
	['the pipe of a background job', 'job.sh', <<'SH', ['sh', 'job.sh'], 'hang.pipe.leaked_writer', qr/sleep \(pid \d+\) still holds/],
x=$( (setsid sleep 1000 &) ; echo started)
echo "$x"
SH
	['two file locks in opposite order', 'locks.py', <<'PY', ['python3', 'locks.py'], 'hang.deadlock.processes', qr/locks\.py:take:\d/],
import fcntl, os, time
def take(a, b):
    x = open(a, "w"); fcntl.flock(x, fcntl.LOCK_EX)
    time.sleep(0.3)
    y = open(b, "w"); fcntl.flock(y, fcntl.LOCK_EX)
if os.fork() == 0:
    take("left", "right")
    os._exit(0)
take("right", "left")
PY
);

for my $h (@hangs) {
	my ($name, $file, $text, $command, $id, $word) = @$h;
	SKIP: {
		skip 'no python3', 5 if $command->[0] eq 'python3' && !$python;
		my $dir = new_dir();
		write_file("$dir/$file", $text);
		my $r = run_spec(['--timeout-ms', $limit, 'run', '--', @$command], dir => $dir);
		is($r->{code}, 124, "$name: ended");
		my $found = decode_json(read_file("$dir/.artifacts/findings.json") // '{"findings":[]}');
		is($found->{findings}[0]{pattern_id}, $id, "$name: $id comes first")
			or diag join ' ', map { $_->{pattern_id} } @{ $found->{findings} };
		like($r->{err}, $word, "$name: the console names the place") or diag $r->{err};
		no_survivors($r, "$name: nothing is left alive");
		like(read_file("$dir/.artifacts/report.md") // '', qr/^## 1\. /m, "$name: the report tells it");
	}
}

# Slow and well: silent for long, or at work, and ended by itself or by its limit.
my @well = (
	['silent, then done', ['sh', '-c', 'sleep 1.2'], 0],
	['at work until its limit', ['sh', '-c', 'while sleep 0.1; do echo tick; done'], 124],
	['fails by itself', ['sh', '-c', 'sleep 0.3; exit 3'], 3],
);
for my $w (@well) {
	my ($name, $command, $code) = @$w;
	my $dir = new_dir();
	my $r = run_spec(['--timeout-ms', $limit, '--liveness-stall-ms', 400, 'run', '--', @$command], dir => $dir);
	is($r->{code}, $code, "$name: exit code $code");
	my $found = decode_json(read_file("$dir/.artifacts/findings.json") // '{"findings":[]}');
	no_survivors($r, "$name: nothing is left alive");
	ok(!(grep { $_->{pattern_id} =~ /^hang\./ } @{ $found->{findings} }), "$name: no hang is found")
		or diag join ' ', map { $_->{pattern_id} } @{ $found->{findings} };
}
done_testing();
