#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# guard_starts.pl [STARTS] - starts short commands on a machine that is kept busy, with every way to begin badly: a closed
# or finished stdin, a sandbox that refuses a call the guard rests on, each --contain. A guard that takes a run for dead
# ends a command that lives: every command must print all it has to and keep its exit code, and nothing may be left.
# One line a variant that failed, one line of sums; exit 1 where one did. From the project's folder, after make tests-built.
#
#   GUARD_SEED   seed, which is printed      GUARD_WORKERS (6)   starts at once
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);

BEGIN { $ENV{TMPDIR} = tempdir('/tmp/guard-starts.XXXXXX') }
use SpecRunner;

my $starts = shift // 2000;
my $workers = $ENV{GUARD_WORKERS} // 6;
my $seed = $ENV{GUARD_SEED} // $$;
my $refuse = ($ENV{TEST_BUILD} // '.artifacts/build') . '/tests/lib/refuse';
$refuse = Cwd::abs_path($refuse);
my @calls = (('') x 3, qw(clone_shared clone_silent dup3 close_range setsid prctl clone3 kill pidfd_send_signal));
my %stdin = (none => sub { }, closed => sub { POSIX::close(0) }, ended => sub {
	pipe my $r, my $w or die $!;
	close $w;
	POSIX::dup2(fileno $r, 0);
}, high => sub { # a number that the pipe of the guard would have had
	open my $null, '<', '/dev/null' or die $!;
	POSIX::dup2(fileno $null, $_) for 3 .. 12;
	POSIX::close($_) for 4, 6;
});
my @contain = (qw(auto auto subreaper group), $> == 0 ? qw(cgroup pidns) : ());

# Guards whose front is gone.
sub guards {
	my $n = 0;
	for my $dir (glob '/proc/[0-9]*') {
		next if (read_file("$dir/comm") // '') ne "sr-guard\n";
		my ($parent) = (read_file("$dir/status") // '') =~ /^PPid:\t(\d+)/m or next;
		$n++ if (read_file("/proc/$parent/comm") // '') !~ /^spec-runner/;
	}
	return $n;
}

sub one {
	my ($call, $errno) = ($calls[rand @calls], (qw(EPERM ENOSYS))[rand 2]);
	my $in = (sort keys %stdin)[rand keys %stdin];
	my ($contain, $nap, $lines) = ($contain[rand @contain], (0, 0.001, 0.003, 0.006, 0.02)[rand 5], 1 + int rand 3);
	$contain = 'subreaper' if $call eq 'clone3' && $contain eq 'pidns';
	my @argv = (spec(), 'run', '--profile-on-fail', 'off', '--contain', $contain, '--', '/bin/sh', '-c',
		"for i in \$(seq $lines); do sleep $nap; echo line; done; exit 7");
	unshift @argv, $refuse, $errno, $call if $call;
	my $r = run_plain(\@argv, setup => $stdin{$in}, timeout => 10);
	my %left = tagged($r->{tag});
	kill_tagged($r->{tag}) if %left;
	my $good = $r->{code} eq '7' && $r->{out} eq "line\n" x $lines && !%left;
	unlink $r->{out_path}, $r->{err_path};
	remove_tree($r->{dir});
	return $good ? '' : "$call $errno stdin $in contain $contain nap $nap: code $r->{code}, " . length($r->{out}) . " bytes, left "
		. join(' ', values %left) . ": $r->{err}";
}

my $before = guards();
my @load = map { fork() // die $! or do { 1 while getppid() != 1; POSIX::_exit(0) } } 1 .. 4;
my @pid;
for my $w (0 .. $workers - 1) {
	my $pid = fork // die $!;
	if ($pid) { push @pid, $pid; next }
	srand $seed * 1000 + $w;
	my $bad = 0;
	for (1 .. int($starts / $workers) + ($w < $starts % $workers)) {
		my $why = one();
		next if $why eq '';
		$bad = 1;
		print STDERR "$why\n";
	}
	POSIX::_exit($bad);
}
my $failed = 0;
for (@pid) { waitpid $_, 0; $failed ||= $? }
kill KILL => @load;
waitpid $_, 0 for @load;
remove_tree($ENV{TMPDIR});
my $left = guards() - $before;
printf "%d starts, seed %d: %s; %d guards left\n", $starts, $seed, $failed ? 'some commands were ended or lost' : 'every command whole', $left;
exit($failed || $left > 0 ? 1 : 0);
