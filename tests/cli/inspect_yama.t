#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# inspect_yama.t - looking under Yama's ptrace_scope 1, as a plain user: only ancestors may. The run's front is one, so
# stacks, memory and micro-stops are all there; a stranger gets what /proc tells everybody, the exact reason and the
# way around it. tests/lib/yama stands for Yama on kernels without it.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Cwd qw(abs_path);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

# A sanitised build looks for leaks by stopping itself from a process beside it, which is what is forbidden here.
$ENV{ASAN_OPTIONS} = ($ENV{ASAN_OPTIONS} // '') . ':detect_leaks=0';
my $build = $ENV{TEST_BUILD} // abs_path('.artifacts/build');
my $yama = "$build/tests/lib/yama";
my $looked = zoo('looked');
my @user = $> ? () : qw(setpriv --reuid=65534 --regid=65534 --clear-groups);
# A kernel that has Yama obeys its own scope as well.
my $real = (read_file('/proc/sys/kernel/yama/ptrace_scope') // 0) + 0;

plan skip_all => 'no seccomp user notification here' if system("$yama 1 true") >> 8 == 77;
plan skip_all => 'the programs lie where a plain user may not look'
	if @user && system("@user test -x $looked -a -x @{[spec()]} 2>/dev/null");

sub user_dir {
	my $dir = new_dir();
	chown 65534, 65534, $dir if @user;
	chmod 0755, $ENV{TMPDIR};
	return $dir;
}

sub supervised {
	my ($scope, $command, @options) = @_;
	my $dir = user_dir();
	my $r = run_plain([$yama, $scope, @user, spec(), 'run', '--timeout-ms', 1200, '--profile-level', 'basic', @options, '--', @$command],
		dir => $dir);
	my ($file) = glob "$dir/.artifacts/raw/*/snapshot-1.json";
	my $d = $file ? eval { decode_json(read_file($file)) } : undef;
	diag($r->{err}) unless $d;
	return ($r, $d // { processes => [], collectors => [] }, trace_of($r) // {});
}

# On a crowded machine a thread may get no CPU to stop on; that is said, and no denial.
sub seen { return grep { $_->{status} =~ /^(?:ok|partial)$/ && @{ $_->{frames} } > 2 } @_ }
sub functions { my ($t) = @_; return map { $_->{function} // () } @{ $t->{frames} } }
sub threads { my ($d, $comm) = @_; return map { @{ $_->{threads} } } grep { $_->{comm} eq $comm } @{ $d->{processes} } }

for my $scope ($real ? 1 : (1, 0)) {
	my ($r, $d, $trace) = supervised($scope, ['sh', '-c', "(setsid $looked blocked &) ; $looked blocked"]);
	is $r->{code}, 124, "scope $scope: ended at its limit";
	my @t = threads($d, 'looked');
	is scalar @t, 4, 'the command below a shell, and an orphan of another session' or diag explain [map { $_->{comm} } @{ $d->{processes} }];
	is scalar(seen(@t)), 4, 'all are seen'
		or diag explain [map { "$_->{status} $_->{intrusion} " . ($_->{reason} // '') } @t];
	is scalar(grep { grep { $_ eq 'blocked_reader' } functions($_) } @t), 2, 'by their functions';
	is scalar(grep { ($_->{waits_on}{kind} // '') eq 'pipe_read' } @t), 2, 'and what they wait for';
	my @rows = map { $_->{attrs} } grep { $_->{attrs}{event} eq 'diagnose.collector' } events($trace, 'checkpoint');
	is_deeply [map { $_->{status} } grep { $_->{collector} =~ /^(?:snapshot|native|waits)$/ } @rows], [qw(ok ok ok)],
		'the trace has each collector, and how it fared' or diag explain \@rows;
	no_survivors($r);

	($r, $d, $trace) = supervised($scope, [$looked, 'busy']);
	my ($busy) = grep { grep { $_ eq 'busy_worker' } functions($_) } threads($d, 'looked');
	ok $busy, "scope $scope: a thread on a CPU is seen";
	is $busy->{intrusion}, 1, 'by a micro-stop';
	is $busy->{verdict}, 'spinning', 'and a second look tells that it spins' or diag explain $busy;
	my ($verdict) = map { $_->{attrs} } grep { $_->{attrs}{event} eq 'diagnose.verdict' } events($trace, 'checkpoint');
	is $verdict->{verdict}, 'spinning', 'the trace tells it too';
	my ($row) = map { $_->{attrs} } grep { $_->{attrs}{event} eq 'diagnose.collector' && $_->{attrs}{collector} eq 'snapshot' } events($trace, 'checkpoint');
	is $row->{intrusion}, 1, 'and the level that was needed';
	no_survivors($r);
}

SKIP: {
	my ($python) = grep { -x } '/usr/bin/python3';
	skip 'no python3', 2 unless $python;
	my $dir = user_dir();
	write_file("$dir/busy.py", "import threading\ndef spins_here():\n\tn = 0\n\twhile True:\n\t\tn += 1\n" .
		"def waits_here():\n\tthreading.Event().wait()\nthreading.Thread(target=waits_here, daemon=True).start()\nspins_here()\n");
	my ($r, $d) = supervised(1, [$python, "$dir/busy.py"]);
	my @f = map { [functions($_)] } threads($d, 'python3'), threads($d, 'python');
	ok scalar(grep { grep { /\bspins_here$/ } @$_ } @f), 'a busy Python thread, read while it was held' or diag explain \@f;
	ok scalar(grep { grep { /\bwaits_here$/ } @$_ } @f), 'and one that waits, through the memory that was handed over' or diag explain \@f;
	no_survivors($r);
}

# A stranger: no ancestor.
my $target = fork // die;
if (!$target) {
	open STDOUT, '>', '/dev/null';
	exec @user, $looked, 'blocked' or POSIX::_exit(127);
}
wait_until(5, sub { (read_file("/proc/$target/comm") // '') eq "looked\n" && @{[glob "/proc/$target/task/*"]} == 2 });
sleep 0.1;
SKIP: {
	skip 'a plain user may not judge what made itself undumpable', 7 if $> && !$real;
	my $text = `cd / && $yama 1 @user @{[spec()]} inspect --json $target 2>&1`;
	my $d = eval { decode_json($text) } // {};
	my @t = $d->{processes} ? threads($d, 'looked') : ();
	is scalar @t, 2, 'a stranger sees the threads' or diag $text;
	is scalar(grep { $_->{status} eq 'denied' } @t), 2, 'but is denied their stacks';
	like $t[1]{reason}, qr/ptrace_scope is 1\b.*start the command under spec-runner.*CAP_SYS_PTRACE/, 'knows the rule and what would allow it';
	is $t[1]{waits_on}{kind}, 'pipe_read', 'the wait channel still tells what it waits for';
	ok !$t[1]{waits_on}{proved}, 'without a proof';
	my ($snapshot) = grep { $_->{name} eq 'snapshot' } @{ $d->{collectors} };
	is $snapshot->{status}, 'denied', 'the collector says so too';
	skip 'this kernel has a Yama of its own', 1 if $real;
	$text = `cd / && $yama 0 @user @{[spec()]} inspect --json $target 2>&1`;
	$d = eval { decode_json($text) } // {};
	is scalar(seen(threads($d, 'looked'))), 2, 'under scope 0 a stranger of the same user may' or diag $text;
}
kill KILL => $target;
waitpid $target, 0;
done_testing;
