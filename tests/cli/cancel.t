#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# cancel.t - signals to spec-runner itself, the death of either of its processes, and the recovery
# of what a dead one left.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Test::More;

my %number = (HUP => 1, INT => 2, QUIT => 3, TERM => 15);
my $d = ['--profile-level', 'detailed'];

sub running {
	my ($r, $text) = @_;
	return wait_until(10, sub { (read_file($r->{out_path}) // '') =~ /\Q$text\E/ });
}

for my $sig (qw(INT TERM HUP)) {
	my $r = start_spec(['run', @$d, '--', zoo('handles'), $number{$sig}, 0]);
	ok running($r, 'ready'), "$sig: runs";
	kill $sig => $r->{pid};
	finish_spec($r, 12);
	is $r->{code}, 128 + $number{$sig}, "$sig: 128+$number{$sig}";
	is $r->{signal}, 0, "$sig: by exit";
	like $r->{out}, qr/summary after signal $number{$sig}/, "$sig: the command got it first and could print its summary";
	no_survivors($r);
	my $t = trace_of($r);
	is $t->{status}, 'fail', "$sig: the trace is no pass";
	my ($wait) = spans($t, 'subprocess.wait');
	is $wait->{status}, 'cancelled', "$sig: the wait was cancelled";
	is run_spec(['verify', "$r->{dir}/.artifacts/run-trace.json"])->{code}, 0, "$sig: verify agrees";
}

for my $sig (qw(INT TERM)) {
	my $r = start_spec(['run', @$d, '--', zoo('ignore_term'), 'grandchild']);
	ok running($r, 'ignoring'), "$sig, ignored: runs";
	my $at = Time::HiRes::time();
	kill $sig => $r->{pid};
	finish_spec($r, 12);
	cmp_ok Time::HiRes::time() - $at, '<', 7 * slow_factor(), "$sig, ignored: all is sealed within 7 s";
	is $r->{code}, 128 + $number{$sig}, "$sig, ignored: exit code";
	no_survivors($r);
	ok trace_of($r), "$sig, ignored: a trace";
}

my $q = start_spec(['run', @$d, '--', zoo('ignore_term')]);
running($q, 'ignoring');
my $at = Time::HiRes::time();
for (1 .. 3) {
	kill INT => $q->{pid};
	select undef, undef, undef, 0.2;
}
finish_spec($q, 12);
cmp_ok Time::HiRes::time() - $at, '<', 3 * slow_factor(), 'three times: it hurries';
is $q->{code}, 130, 'three times: exit code';
no_survivors($q);

my $off = start_spec(['run', '--', zoo('silent')]);
wait_until(10, sub { my %all = tagged($off->{tag}); grep { $_ eq 'silent' } values %all });
kill TERM => $off->{pid};
finish_spec($off, 12);
is $off->{code}, 143, 'level off: exit code';
ok trace_of($off), 'level off: a cancelled run failed, so there is a trace';
no_survivors($off);

my $seed = $ENV{CANCEL_SEED} // int(time * 1000) % 1_000_000;
srand $seed;
note "CANCEL_SEED=$seed";
# Either of our processes is killed, at random instants once the journal exists.
# The supervisor is the front's child; the command's process has our name too before its exec.
sub ours {
	my ($r) = @_;
	my %all = tagged($r->{tag});
	# the oldest first: the guard passes through a child of the front, and helpers are children, too
	my @found = sort { $a <=> $b } grep { $all{$_} =~ /^spec-runner/ && (read_file("/proc/$_/status") // '') =~ /^PPid:\t$r->{pid}$/m } keys %all;
	return @found; # sort has no value in scalar context
}

sub journal {
	my ($r) = @_;
	my @found = glob "$r->{dir}/.artifacts/*.journal"; # in scalar context glob would be an iterator
	return @found;
}

my $runs = $ENV{GUARDIAN_RUNS} // 24;
my (@bad, $killed_front, $killed_supervisor);
for my $i (1 .. $runs) {
	my $victim = $i % 2 ? 'front' : 'supervisor';
	my $r = start_spec(['run', @$d, '--profile-heartbeat-ms', 20, '--liveness-kill-grace-ms', 300, '--', '/bin/bash', '-c',
			q(echo first; (trap '' TERM; setsid sleep 40 &) ; for ((n = 0; n < 2000; n++)); do echo $n; /bin/true; sleep 0.002; done)]);
	my @sup;
	if (!wait_until(10, sub { journal($r) && (@sup = ours($r)) })) {
		push @bad, "$i: no journal or no second process";
		finish_spec($r, 1);
		next;
	}
	select undef, undef, undef, rand 0.3; # of the printed seed
	my ($pid) = $victim eq 'front' ? $r->{pid} : @sup;
	kill KILL => $pid;
	$victim eq 'front' ? $killed_front++ : $killed_supervisor++;
	finish_spec($r, 15);
	push @bad, "$i $victim: exit code $r->{code}" if $r->{code} ne ($victim eq 'front' ? '137' : '125');
	push @bad, "$i $victim: processes are left" unless wait_until(8, sub { my %left = tagged($r->{tag}); !%left });
	kill_tagged($r->{tag});
	my $path = "$r->{dir}/.artifacts/run-trace.json";
	wait_until(3, sub { -s $path });
	my $t = -s $path ? trace_of($r) : undef;
	if (!$t) {
		push @bad, "$i $victim: no trace: " . join ' ', files_in($r->{dir});
		next;
	}
	push @bad, "$i $victim: status $t->{status}" if $t->{status} ne 'fail';
	push @bad, "$i $victim: no supervisor_lost" unless grep { (($_->{error} // {})->{category} // '') eq 'supervisor_lost' } @{ $t->{spans} };
	# it may have died before it had started anything
	push @bad, "$i $victim: spawn not recorded" if ($r->{out} // '') =~ /^first/ && !grep { $_->{attrs}{state} eq 'spawned' } events($t, 'subprocess_state');
	my $v = run_spec(['verify', $path]);
	push @bad, "$i $victim: verify: $v->{out}$v->{err}" if $v->{code} ne '0';
}
is_deeply \@bad, [], "one of ours is killed, $runs times" or diag(join "\n", @bad[0 .. ($#bad < 10 ? $#bad : 10)]);
ok $killed_front && $killed_supervisor, 'each of the two';

# Both are killed: nothing of ours is left to seal, and the next one does it.
sub kill_both {
	my ($dir) = @_;
	my $r = start_spec(['run', @$d, '--profile-heartbeat-ms', 20, '--', zoo('prints'), 20, 2000], dir => $dir);
	wait_until(60, sub { journal($r) && ours($r) && -s $r->{out_path} }) or diag('no journal, no child, or nothing printed in a minute');
	select undef, undef, undef, 0.2;
	# Stopped first, so that neither sees the other die.
	kill STOP => $r->{pid}, ours($r);
	kill KILL => $r->{pid}, ours($r);
	kill_tagged($r->{tag});
	finish_spec($r, 5);
	return $r;
}
my $dir = new_dir();
mkdir "$dir/.git";
my $lost = kill_both($dir);
my ($left) = journal($lost);
ok $left, 'both killed: the journal is there';
my $rec = run_spec(['recover'], dir => $dir);
is $rec->{code}, 0, 'recover' or diag($rec->{err});
my ($recovered) = glob "$dir/.artifacts/recovered/run-*/run-trace.json";
ok $recovered, 'recover: sealed below recovered/';
my $t = $recovered ? trace_of($recovered) : { spans => [] };
is $t->{status}, 'fail', 'recover: status fail';
ok scalar(grep { (($_->{error} // {})->{category} // '') eq 'supervisor_lost' } @{ $t->{spans} }), 'recover: supervisor_lost';
is run_spec(['verify', $recovered // 'none'])->{code}, 0, 'recover: verify agrees';
ok !-e ($left // ''), 'recover: the journal is gone';
$lost = kill_both($dir);
my $next = run_spec(['run', '--', '/bin/true'], dir => $dir);
is $next->{code}, 0, 'the next run passes';
is scalar(my @all = glob "$dir/.artifacts/recovered/run-*/run-trace.json"), 2, 'and has sealed what the dead one left' or diag($next->{err}, `ls -lR $dir/.artifacts`, "$lost->{code}: ", read_file($lost->{err_path}) // '');
($left) = journal($lost);
ok !$left, 'no journal is left';

# Two in one root at the same time.
my @two = map { start_spec(['run', @$d, '--', '/bin/sh', '-c', "sleep 0.5; echo $_; exit 1$_"], dir => $dir) } 1, 2;
finish_spec($_, 15) for @two;
is_deeply [map { $_->{code} } @two], [11, 12], 'two runs in one root: their own codes';
ok trace_of($two[0]), 'one whole trace';
is scalar(my @journals = journal($two[0])), 0, 'and no journal stays';

# PID 1 of a container reaps what others leave and obeys signals.
SKIP: {
	my @ns = ('/usr/bin/unshare', '--pid', '--fork', '--mount-proc', ($> ? '--map-root-user' : ()));
	skip 'no PID namespace may be made here', 4 if run_plain([@ns, '/bin/true'])->{code} ne '0';
	my $r = run_plain([@ns, spec(), 'run', @$d, '--', '/bin/sh', '-c', '(setsid sh -c "sleep 0.1" &); echo $PPID; exit 9']);
	is $r->{code}, 9, 'as PID 1: exit code' or diag($r->{err});
	no_survivors($r);
	$r = run_plain([@ns, spec(), 'run', '--drain-ms', 200, '--liveness-kill-grace-ms', 200, '--', zoo('leave'), 'daemon', 'pipe']);
	is $r->{code}, 0, 'as PID 1: a daemon is left behind' or diag($r->{err});
	no_survivors($r);
	$r = run_plain([@ns, '--kill-child=KILL', '/bin/sh', '-c', spec() . ' run -- ' . zoo('silent') . ' & sleep 1; kill -TERM $!; wait $!']);
	is $r->{code}, 143, 'in a container: TERM is obeyed' or diag($r->{err});
	no_survivors($r);
}

done_testing;
