#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# zoo.t - every animal gets the end that it must get: exit code, reason tokens, output, and no
# survivor. A new animal is a program in tests/zoo and a row here.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Test::More;

my ($WAIT, $DRAIN, $STALL, $CAP, $TERM, $KILL) = qw(timeout.subprocess.wait timeout.subprocess.io_drain
	stall.subprocess.no_output_no_event timeout.hard_cap.emergency watchdog.kill.term watchdog.kill.killed);
my $slow = slow_factor();
my $ms = sub { return $_[0] * ($slow > 1 ? 3 : 1) };

# What the rows are run with. The grace is long where an animal must get the time that it takes.
my %with = (
	limit => ['--timeout-ms', $ms->(400), '--liveness-kill-grace-ms', 300],
	strict => ['--liveness-level', 'strict', '--liveness-stall-ms', $ms->(600), '--liveness-kill-grace-ms', 300],
	basic => ['--liveness-level', 'basic', '--liveness-stall-ms', $ms->(400)],
	off => ['--liveness-level', 'off', '--liveness-stall-ms', 200, '--liveness-hard-cap-ms', 300],
	cap => ['--liveness-hard-cap-ms', $ms->(400), '--liveness-kill-grace-ms', 300],
	drain => ['--drain-ms', 300, '--liveness-kill-grace-ms', 300],
	long => ['--timeout-ms', $ms->(400), '--liveness-kill-grace-ms', 8000],
	tick => ['--liveness-level', 'strict', '--liveness-stall-ms', 2500, '--liveness-kill-grace-ms', 300],
);

my @rows = (
	# name, with, command, code, tokens, further expectations
	['ignores TERM', limit => ['ignore_term'], 124, [$WAIT, $TERM, $KILL]],
	['a grandchild ignores TERM', limit => ['ignore_term', 'grandchild'], 124, [$WAIT, $TERM, $KILL]],
	['sleeps silently, strict', strict => ['silent'], 124, [$STALL, $TERM]],
	['sleeps silently, basic: recorded, not ended', basic => ['silent', $ms->(1200), 5], 5, [$STALL]],
	['sleeps silently, off: nothing is watched', off => ['silent', 900, 6], 6, []],
	['a limit holds at every level', limit => ['silent'], 124, [$WAIT, $TERM], { more => ['--liveness-level', 'off'] }],
	['the hard cap ends it at basic', cap => ['silent'], 124, [$CAP, $TERM]],
	['leaves a child with the pipe', drain => ['leave', 'child', 'pipe'], 0, [$DRAIN, $TERM], { out => "leaving\n", holder => 'leave' }],
	['leaves a child without the pipe', drain => ['leave', 'child', 'nopipe'], 0, [$TERM], { out => "leaving\n" }],
	['leaves a daemon with the pipe', drain => ['leave', 'daemon', 'pipe'], 0, [$DRAIN, $TERM], { out => "leaving\n", holder => 'leave' }],
	['leaves a daemon without the pipe', drain => ['leave', 'daemon', 'nopipe'], 0, [$TERM], { out => "leaving\n" }],
	['leaves a child that ends within the drain', limit => ['leave', 'child', 'pipe', 150], 0, [],
		{ out => "leaving\nlate\n", more => ['--timeout-ms', 0, '--drain-ms', $ms->(3000)] }],
	['flees through sessions after exit', drain => ['hop', 'exit'], 0, [$DRAIN, $TERM, $KILL]],
	['flees through sessions', limit => ['hop'], 124, [$WAIT, $TERM, $KILL]],
	['forks on and on', limit => ['forks', 4, 5000], 124, [$WAIT, $TERM, $KILL]],
	['stops itself', strict => ['stops', 'self'], 124, [$STALL, $TERM], { state => 'stopped' }],
	['waits for a stopped child', strict => ['stops', 'child'], 124, [$STALL, $TERM]],
	['closes its output and hangs', limit => ['closes', 'hang'], 124, [$WAIT, $TERM], { out => "closing\n" }],
	['closes its output, then exits', limit => ['closes', 'exit'], 3, [], { out => "closing\n", more => ['--timeout-ms', 0] }],
	['prints slowly: no stall', strict => ['prints', 150, 8], 0, [],
		{ out => join('', map { "line $_\n" } 0, 2, 4, 6), err => join('', map { "line $_\n" } 1, 3, 5, 7) }],
	['prints, then stops', strict => ['prints', 100, 3, 'hang'], 124, [$STALL, $TERM], { out => "line 0\nline 2\n" }],
	(map { ["dies by signal $_", limit => ['dies', $_], 128 + $_, []] } 1, 2, 3, 6, 9, 10, 11, 13, 14, 15, 34, 64),
	['zombies, never reaped', limit => ['zombies', 20], 124, [$WAIT, $TERM]],
	['zombies left behind', limit => ['zombies', 20, 'exit'], 0, []],
	['becomes another program in a thread', limit => ['execs', 'sh', '-c', 'echo became; exit 9'], 9, [],
		{ out => "became\n", more => ['--timeout-ms', 0] }],
	['becomes another program that hangs', limit => ['execs', 'sleep', '40'], 124, [$WAIT, $TERM]],
	['moves into another group and session', limit => ['group'], 124, [$WAIT, $TERM]],
	['tidies up within its grace', long => ['tidy', 300, 0], 124, [$WAIT, $TERM],
		{ out => "ready\ntidied\n", within => $ms->(400) + 300 + 700 }],
	['200 threads in a lock', strict => ['threads', 200], 124, [$STALL, $TERM]],
	['silent but sends WATCHDOG=1', strict => ['notifies', 150, 10], 0, []],
	['silent but sends STATUS=', strict => ['notifies', 150, 10, 'STATUS=loading'], 0, []],
	['sends what is no progress', strict => ['notifies', 150, 100, 'X_NOTHING=1'], 124, [$STALL, $TERM]],
	['waits in vfork', limit => ['vforks'], 124, [$WAIT, $TERM]],
	['a subreaper of its own', limit => ['subreaper'], 124, [$WAIT, $TERM, $KILL]],
	['a subreaper left behind', drain => ['subreaper', 'exit'], 0, [$DRAIN, $TERM, $KILL]],
	['a herd of 60', limit => ['herd', 60], 124, [$WAIT, $TERM, $KILL], { more => ['--timeout-ms', $ms->(800)] }],
	['silent, new commands all the time: progress', tick => ['spawns.sh', 'new', 20], 0, []],
	['silent, the same command again and again: a stall', tick => ['spawns.sh', 'same', 40], 124, [$STALL, $TERM]],
	['a pipeline that waits', limit => ['pipe_chain.sh'], 124, [$WAIT, $TERM]],
	['waits for a child that waits for its reader', strict => ['hangs.py'], 124, [$STALL, $TERM],
		{ out => "waiting\n", more => ['--liveness-stall-ms', 2000] }],
);

sub start {
	my ($row) = @_;
	my ($name, $with, $cmd, $code, $tokens, $also) = @$row;
	my ($program, @args) = @$cmd;
	return start_spec(['run', '--profile-level', 'detailed', '--pty', 'never', @{ $with{$with} },
			@{ $also->{more} // [] }, '--', zoo($program), @args]);
}

sub check {
	my ($row, $r) = @_;
	my ($name, $with, $cmd, $code, $tokens, $also) = @$row;
	subtest $name => sub {
		is $r->{code}, $code, 'exit code' or diag($r->{err});
		is $r->{out}, $also->{out}, 'stdout' if defined $also->{out};
		(my $err = $r->{err}) =~ s/^(?:spec-runner: .*\n)+//mg;
		is $err, $also->{err}, 'stderr' if defined $also->{err};
		no_survivors($r);
		cmp_ok $r->{ms}, '<', $also->{within}, 'returned as soon as it was gone' if $also->{within};
		my $t = trace_of($r);
		ok $t, 'has a trace' or return;
		my %seen = map { $_ => 1 } tokens($t);
		is_deeply [sort keys %seen], [sort @$tokens], 'reason tokens';
		is $t->{exit_code}, $code, 'exit code in the trace';
		is $t->{status}, $code ? 'fail' : 'pass', 'status in the trace';
		if ($also->{holder}) {
			my ($drain) = grep { $_->{attrs}{reason_token} eq $DRAIN } events($t, 'watchdog');
			my $attrs = JSON::PP->new->canonical->encode($drain ? $drain->{attrs} : {});
			like $attrs, qr/"comm":"\Q$also->{holder}\E"/, 'the holder of the pipe is named';
		}
		if ($also->{state}) {
			ok scalar(grep { $_->{attrs}{state} eq $also->{state} } events($t, 'subprocess_state')), "recorded: $also->{state}";
		}
		my $v = run_spec(['verify', "$r->{dir}/.artifacts/run-trace.json"]);
		is $v->{code}, 0, 'verify agrees' or diag($v->{out}, $v->{err});
	};
}

# Those with a bound on time run alone, the others side by side.
my @alone = grep { $_->[5] && $_->[5]{within} } @rows;
my @others = grep { !($_->[5] && $_->[5]{within}) } @rows;
check($_, finish_spec(start($_), 20)) for @alone;
while (my @batch = splice @others, 0, 6) {
	my @runs = map { start($_) } @batch;
	check($batch[$_], finish_spec($runs[$_], 30)) for 0 .. $#batch;
}

subtest 'a huge argument vector and environment' => sub {
	my @many = map { "argument-$_" . 'x' x 60 } 1 .. 8000;
	my %env = map { ("ZOO_BIG_$_" => 'y' x 400) } 1 .. 500;
	my $plain = run_plain(['/bin/sh', '-c', 'echo $#; env | wc -c', 'sh', @many], env => \%env);
	my $r = run_spec(['run', '--', '/bin/sh', '-c', 'echo $#', 'sh', @many], env => \%env);
	is $r->{code}, 0, 'exit code' or diag(substr $r->{err}, 0, 300);
	is $r->{out}, "8000\n", 'every argument arrived';
	is $plain->{code}, 0, 'as without us';
	no_survivors($r);
};

subtest 'a leftover that may stay running' => sub {
	my $r = run_spec(['run', '--profile-level', 'detailed', '--drain-ms', 200, '--leave-running', 'leave', '--',
			zoo('leave'), 'daemon', 'nopipe', 3000]);
	is $r->{code}, 0, 'exit code' or diag($r->{err});
	my %left = tagged($r->{tag});
	is scalar(keys %left), 1, 'the daemon lives on';
	my $t = trace_of($r);
	is_deeply [tokens($t)], [], 'no reason token';
	like read_file("$r->{dir}/.artifacts/run-trace.json"), qr/"leave"/, 'and is recorded';
	kill_tagged($r->{tag});
};

done_testing;
