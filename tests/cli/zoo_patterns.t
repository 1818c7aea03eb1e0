#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# zoo_patterns.t - every hang pattern of the contract: an animal that it must match, and a near relative that it must not match. And
# programs that ask on a terminal.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Zoo;
use Cwd qw(abs_path);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

my $zoo = abs_path('tests/zoo/hang');
my $dir = new_dir();
my $cc = $ENV{CC} // 'cc';
my $slow = slow_factor();
my $py = -x '/usr/bin/python3' ? '/usr/bin/python3' : which('python3');
my ($freezer, $memory) = map { "/sys/fs/cgroup/$_/spec-runner-run-zoo-$$" } qw(freezer memory);
ok quietly("$cc -g -O1 -D_GNU_SOURCE $zoo/hang_c.c -o $dir/hang_c -lpthread"), 'the C animals are built' or BAIL_OUT('no compiler');

sub c { return ["$dir/hang_c", @_] }
sub sh { return ['sh', '-c', @_] }
sub py { return $py ? [$py, '-c', @_] : undef }

my $outside = "$dir/held.lock";
write_file($outside, '');
my $file_lock_holder = begin('flock', $outside, 'sleep', '120');
END { local $?; end($file_lock_holder) if $file_lock_holder }

my $unittest = <<'PY';
import atexit, sys, time, unittest
class T(unittest.TestCase):
    def test_a(self): pass
    def test_b(self):
        if "hang" in sys.argv: time.sleep(60)
        while "prints" in sys.argv: print("still at it", flush=True); time.sleep(0.05)
        while "ticks" in sys.argv: self.subTest(); time.sleep(0.05); print(".", flush=True); sys.argv.remove("ticks")
if "exit" in sys.argv: atexit.register(time.sleep, 60)
unittest.main(argv=["t"], verbosity=2)
PY
write_file("$dir/t.py", $unittest);
write_file("$dir/zombie_accept.py", "import os, socket\nif os.fork() == 0: os._exit(0)\ns = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(1); s.accept()\n");
my $job = 'x=$( (setsid sleep 60 &) ; echo started); echo "$x"';
my $stop = ['--liveness-level', 'strict', '--liveness-stall-ms', 900];

# pattern, must match: (what it does, command, more), must not: (what it does, command, more). `also`: it is there, but need not be first;
# `at`: called with the run while it runs.
my @matrix = (
	['hang.deadlock.locks', ['two mutexes in opposite order', c('mutex_abba')], ['the holder of a mutex sleeps', c('mutex_held')]],
	['hang.deadlock.processes',
		['waits for a child whose full pipe it does not read', py("import subprocess\nsubprocess.Popen(['yes'], stdout=-1).wait()")],
		['reads a little of such a child, then sleeps', py("import subprocess, time\nsubprocess.Popen(['yes'], stdout=-1).stdout.read(9); time.sleep(60)")]],
	['hang.lock.held', ['the holder of a mutex sleeps', c('mutex_held')], ['joins a thread that holds it', c('join')]],
	['hang.wait.child', ['a shell, a shell, a sleep', sh('sh -c "sleep 60; :"; :'), also => 1], ['the same without shells', ['sleep', '60']]],
	['hang.input.terminal', ['reads a terminal', c('tty')], ['reads a pipe', sh('sleep 60 | cat')]],
	['hang.input.stdin', ['read', sh('read x')], ['read from a file that is empty, then sleeps', sh('read x </dev/null; sleep 60')]],
	['hang.pipe.leaked_writer', ['$(...) with a daemon in it', sh($job)], ['$(...) with a child that is waited for', sh('x=$(sleep 60); :')]],
	['hang.net.connect', ['a backlog that is full', c('tcp_connect')], ['accept', c('tcp_accept')]],
	['hang.net.recv', ['a peer in the same process that says nothing', py("import socket\na, b = socket.socketpair(); a.recv(1)")],
		['accept', c('tcp_accept')]],
	['hang.net.accept', ['accept, and nobody connects', c('unix_accept')], ['a backlog that is full', c('tcp_connect')]],
	['hang.lock.file', ['another one holds the lock', ['flock', $outside, 'true']], ['holds a lock itself and sleeps', ['flock', "$dir/own.lock", 'sleep', '60']]],
	['hang.sleep', ['a loop that tries again', sh('until [ -e /no/such/file ]; do sleep 1; done')],
		['a loop that tells so, ended by its limit', sh('until [ -e /no/such/file ]; do echo waiting; sleep 0.1; done')]],
	['hang', ['a child that was first seen shortly before the limit', sh('sleep 60; :'), limit_ms => 1250],
		['new children all the time', sh('i=0; while :; do i=$((i + 1)); sh -c "sleep 0.1; : $i"; done'), limit_ms => 2300]],
	['hang.spin', ['a loop without end', sh('while :; do :; done'), limit_ms => 1500],
		['the same with a word now and then', sh('i=0; while :; do i=$((i + 1)); [ $((i % 2000)) -gt 0 ] || echo $i; done')]],
	['hang.output.no_progress', ['a test that prints for ever', [$py, "$dir/t.py", 'prints'], limit_ms => 2500, options => ['--dialect', 'unittest']],
		['a test that is silent', [$py, "$dir/t.py", 'hang'], options => ['--dialect', 'unittest']]],
	['hang.stopped', ['stops itself', sh('kill -STOP $$')], ['is stopped, continued, and sleeps', sh('(sleep 0.2; kill -CONT $$) & kill -STOP $$; sleep 60')]],
	['hang.unkillable', ['frozen by its cgroup', sh("echo \$\$ > $freezer/tasks; exec sleep 60"), cgroup => $freezer, at => sub {
				wait_until(5, sub { read_file("$freezer/tasks") =~ /\d/ });
				sleep 0.3;
				write_file("$freezer/freezer.state", 'FROZEN');
			}],
		['waits in vfork, in state D too', [zoo('vforks')]]],
	['hang.zombie', ['sleeps, and does not reap', c('zombie')], ['has a zombie, and waits for a client', [$py, "$dir/zombie_accept.py"]]],
	['hang.exit.threads', ['a thread that is not a daemon', [$py, "$zoo/hang.py", 'py_exit']], ['joins the thread', [$py, "$zoo/hang.py", 'py_join']]],
	['hang.exit.after_pass', ['hangs in atexit', [$py, "$dir/t.py", 'exit'], options => ['--dialect', 'unittest']],
		['hangs in its last test', [$py, "$dir/t.py", 'hang'], options => ['--dialect', 'unittest']]],
	['hang.start.before_first_test', ['hangs before the first test', sh('echo "[==========] Running 2 tests from 1 test suite."; sleep 60'), also => 1],
		['the tool names a test only at its end', sh('echo TAP version 13; sleep 60'), options => ['--dialect', 'tap']]],
	['hang.python.gil', ['a regular expression keeps the lock', [$py, "$zoo/hang.py", 'py_gil'], limit_ms => 1500],
		['a loop that gives it back', [$py, "$zoo/hang.py", 'py_spin'], limit_ms => 1500]],
	['machine.starved', ['idle priority beside four busy loops', ['chrt', '-i', '0', 'perl', '-e', 'alarm 30; 1 while 1'], busy => 4,
			options => ['--liveness-level', 'strict', '--liveness-stall-ms', 2000], limit_ms => 20000],
		['alone', ['perl', '-e', 'alarm 30; 1 while 1'], limit_ms => 1200]],
	['machine.oom', ['more memory than its cgroup has', sh("echo \$\$ > $memory/tasks; exec perl -e 'my \@a; push \@a, q(x) x 1000000 while 1'"),
			cgroup => $memory, limit_ms => 20000],
		['ends by TERM of its own', sh('kill -TERM $$')]],
	['leak.process', ['a daemon outlives it', [zoo('leave'), 'daemon', 'nopipe'], also => 1, options => ['--profile-level', 'detailed']],
		['a child that it waits for', sh('sleep 0.2 & wait'), options => ['--profile-level', 'detailed']]],
	['leak.pipe', ['a daemon holds its output', [zoo('leave'), 'daemon', 'pipe'], also => 1, options => ['--profile-level', 'detailed', '--drain-ms', 200]],
		['a daemon that closed it', [zoo('leave'), 'daemon', 'nopipe'], options => ['--profile-level', 'detailed', '--drain-ms', 200]]],
	['run.supervisor_lost', ['our supervisor is killed', ['sleep', '60'], also => 1, limit_ms => 20000, at => sub {
				my ($r) = @_;
				my @below;
				wait_until(5, sub { @below = grep { (read_file("/proc/$_/comm") // '') =~ /^spec-runner/ } Zoo::below($r->{pid}); @below });
				sleep 0.4;
				kill KILL => @below;
			}],
		['only the command is killed', sh('kill -KILL $$')]],
	['run.cancelled', ['TERM to us', ['sleep', '60'], also => 1, limit_ms => 20000, at => sub { my ($r) = @_; sleep 0.7; kill TERM => $r->{pid} }],
		['ended by its limit', ['sleep', '60']]],
	['run.diagnosis_denied', ['undumpable, and we are not root', py('import ctypes, time; ctypes.CDLL(None).prctl(4, 0); time.sleep(60)'), as => 65534, also => 1],
		['dumpable', py('import time; time.sleep(60)'), as => 65534]],
);

sub start_one {
	my ($a) = @_;
	my ($does, $argv, %o) = @$a;
	return { why => 'no such tool' } if !$argv || !$argv->[0];
	my $cgroup = $o{cgroup};
	return { why => 'no cgroup of version 1 that we may use' } if $cgroup && !mkdir $cgroup;
	write_file("$cgroup/memory.limit_in_bytes", '60M') if $cgroup && $cgroup eq $memory;
	my @busy = map { begin('perl', '-e', 'alarm 30; 1 while 1') } 1 .. ($o{busy} // 0);
	my @spec = (@{ $o{options} // [] }, '--timeout-ms', ($o{limit_ms} // 900) * $slow, '--liveness-kill-grace-ms', 300, 'run', '--pty', 'never', '--', @$argv);
	my $run_dir = new_dir();
	pipe my $hold_read, my $hold_write or die;
	chmod 0777, $run_dir if $o{as};
	chmod 0711, $ENV{TMPDIR} if $o{as} && $ENV{TMPDIR}; # of tests/run, for this test alone
	my $r = SpecRunner::start_cmd([$o{as} ? ('setpriv', "--reuid=$o{as}", "--regid=$o{as}", '--clear-groups') : (), spec(), @spec],
		dir => $run_dir, stdin => '/proc/self/fd/' . fileno($hold_read), setup => sub { close $hold_write });
	close $hold_read;
	$o{at}->($r) if $o{at};
	return { %o, run => $r, keep => $hold_write, others => \@busy };
}

# The run and its findings, or undef and why there is none.
sub finish_one {
	my ($state) = @_;
	my ($r, $cgroup) = @{$state}{qw(run cgroup)};
	return (undef, $state->{why}) if !$r;
	my @found = found_by_run($r);
	if ($cgroup) {
		write_file("$cgroup/freezer.state", 'THAWED') if $cgroup eq $freezer;
		kill KILL => split /\s+/, read_file("$cgroup/tasks") // '';
		wait_until(5, sub { rmdir $cgroup });
	}
	end($_) for @{ $state->{others} };
	close $state->{keep};
	kill_tagged($r->{tag});
	return (undef, 'we may not be run by another user') if $state->{as} && !@found && $r->{err} =~ /denied|not installed|No such file/;
	return ($r, @found);
}

sub row { my ($name, $a, $finding, @rest) = @_; zoo_row('patterns', { name => $name, does => $a->[0], finding => $finding, waits => '' }, '', '', @rest) }

sub place { my ($f) = @_; (my $place = $f->{location} // '') =~ s{\S*/}{}g; return $place }

my $only = $ENV{ZOO_ONLY} // '.';
for my $m (grep { $_->[0] =~ /$only/ } @matrix) {
	my ($id, $yes, $no) = @$m;
	my $is = sub { return !first_of({ finding => $id }, $_[0]{pattern_id}) };
	SKIP: {
		my (undef, undef, %o) = @$yes;
		skip 'not root', 2 if $> && ($o{cgroup} || $o{as});
		# a session of its own gets half of the machine then, whatever its threads' priority
		skip 'sched_autogroup gives each session its share', 2
			if $o{busy} && (read_file('/proc/sys/kernel/sched_autogroup_enabled') // 0) == 1;
		my ($good, $r, @found);
		my $like = $o{busy} ? undef : start_one($no);
		for (1 .. 2) { # a second time: on a busy machine a slow start gets no second
			($r, @found) = finish_one(start_one($yes));
			skip $found[0], 2 if !$r;
			$good = $o{also} ? grep { $is->($_) } @found : @found && $is->($found[0]);
			last if $good;
		}
		ok $good, "$id: $yes->[0]" or diag join ' ', map { "$_->{pattern_id} at " . ($_->{location} // '?') } @found;
		my ($hit) = $o{also} ? grep { $is->($_) } @found : @found;
		row("$id +", $yes, $o{also} ? "$id (among others)" : $id, $hit ? place($hit) : '', $good ? 'right' : 'WRONG: ' . ($found[0]{pattern_id} // 'nothing'));
		($r, @found) = finish_one($like // start_one($no));
		skip $found[0], 1 if !$r;
		my @wrong = grep { $is->($_) } @found;
		ok !@wrong, "$id is not said of: $no->[0]" or diag $wrong[0]{summary};
		row("$id -", $no, "not $id", @found ? place($found[0]) : '', @wrong ? "WRONG: $wrong[0]{pattern_id}" : 'right');
	}
}
zoo_section('patterns', 'Every hang pattern, and its near relative', 'With +, the animal that it must match; with -, one that looks alike, of which it may not be said.');

# ---- programs that ask ----
my $port_file = "$dir/port";
my $server = begin('perl', '-MIO::Socket::INET', '-e', <<'PERL', $port_file);
alarm 100;
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) or die;
open my $f, '>', "$ARGV[0].new"; print $f $s->sockport; close $f; rename "$ARGV[0].new", $ARGV[0];
while (my $c = $s->accept) { while (<$c>) { last if /^\r?\n/ } print $c "HTTP/1.0 401 no\r\nWWW-Authenticate: Basic realm=\"zoo\"\r\nContent-Length: 0\r\n\r\n" }
PERL
END { local $?; end($server) if $server }
wait_until(10, sub { -e $port_file });
my $port = read_file($port_file);
quietly("ssh-keygen -q -t ed25519 -N secret-phrase -f $dir/key") if which('ssh-keygen');
my @asks = (
	['git', 'git', 'a password for a server', "git ls-remote http://127.0.0.1:$port/repo.git", qr/git/],
	['git editor', 'git', 'an editor for the commit message', "git init -q $dir/r; cd $dir/r; git -c user.name=z -c user.email=z\@localhost -c core.editor='sh -c \"read line </dev/tty\"' commit -q --allow-empty", qr/sh|git/],
	['ssh-keygen', 'ssh-keygen', 'a pass phrase', "ssh-keygen -y -f $dir/key", qr/ssh-keygen/],
	['passwd', 'passwd', 'a new password', 'passwd', qr/passwd/],
	['getpass', 'python3', 'getpass of Python', q(python3 -c 'import getpass; getpass.getpass()'), qr/python/],
	['input', 'python3', 'input() on a terminal', q(python3 -c 'input("name? ")'), qr/python/],
	['bash', 'bash', 'read -p', q(bash -c 'read -r -p "go on? " x'), qr/bash|sh/],
	['rm', 'rm', 'rm -i', "touch $dir/file; rm -i $dir/file", qr/rm/],
	['openssl', 'openssl', 'a pass phrase', 'openssl enc -aes-256-cbc -pbkdf2 -in /etc/hostname -out /dev/null', qr/openssl/],
	['sudo', 'sudo', 'a password', 'sudo -k true; su nobody -s /bin/sh -c "sudo true"', qr/sudo/],
);
delete @ENV{qw(GIT_ASKPASS SSH_ASKPASS DISPLAY GIT_TERMINAL_PROMPT)};
SKIP: {
	skip 'no script (util-linux)', 1 unless which('script');
	for my $a (grep { $_->[0] =~ /$only/ } @asks) {
		my ($name, $tool, $does, $command, $who) = @$a;
		SKIP: {
			skip "no $tool", 1 unless which($tool);
			my ($good, @found);
			for my $limit (1200, 4000) {
				my $r = Zoo::start_run({ limit_ms => $limit }, 'script', '-qec', $command, '/dev/null');
				@found = found_by_run($r);
				kill_tagged($r->{tag});
				$good = @found && $found[0]{pattern_id} eq 'hang.input.terminal' && $found[0]{summary} =~ $who;
				last if $good;
			}
			ok $good, "$name asks for $does: hang.input.terminal" or diag join "\n", map { "$_->{pattern_id}: $_->{summary}" } @found;
			zoo_row('prompts', { name => $name, does => "asks: $does", finding => 'hang.input.terminal', waits => 'tty' }, '', '', @found ? place($found[0]) : '',
				$good ? 'right' : 'WRONG: ' . ($found[0]{pattern_id} // 'nothing'));
		}
	}
	zoo_section('prompts', 'Programs that ask on a terminal', 'Each under `script`, which gives it a terminal on which nobody answers.');
}
done_testing;
