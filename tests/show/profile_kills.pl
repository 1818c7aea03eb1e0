#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# profile_kills.pl - SIGKILL of each of our processes in the middle of a run that is sampled: at most the last second of samples is
# lost. A program burns CPU time for 4 s and says how much it had used, each 50 ms; one of ours is killed after 2.5 s, each in turn, and
# all at once; what was lost is the time between the last sample and the kill. Exit 1 where that is more than a second (and a bit).
#
#   tests/show/profile_kills.pl [--with perf,stop]
use strict;
use warnings;
use Getopt::Long;
use Time::HiRes qw(time sleep);
use lib 'tests/show';
use ProfileShow;

my $engines = 'perf,stop';
GetOptions('with=s' => \$engines) or die "usage: see the head of $0\n";
my $split = root() . '/.artifacts/build/tests/zoo/split';

# Processes of the run that are ours: pid => comm.
sub ours {
	my ($run_dir, $front) = @_;
	my %found;
	for my $dir (glob '/proc/[0-9]*') {
		my $cwd = readlink "$dir/cwd" // next;
		next unless $cwd eq $run_dir;
		my $exe = readlink "$dir/exe" // next;
		next unless $exe =~ m{/spec-runner(?:-\w+)?$};
		my ($pid) = $dir =~ /(\d+)/;
		$found{$pid} = $exe =~ /sampler$/ ? 'sampler' : $pid == $front ? 'front' : 'supervisor' if $exe =~ m{/spec-runner(?:-sampler)?$};
	}
	return %found;
}

print "| killed | engine | CPU before it, ms | sampled, ms | lost, ms | kept |\n|---|---|---|---|---|---|\n";
for my $with (split /,/, $engines) {
	my @todo = qw(front supervisor sampler all);
	while (defined(my $whom = shift @todo)) {
		my $dir = fresh();
		my $pid = fork // die;
		if (!$pid) {
			chdir $dir;
			open STDIN, '<', '/dev/null';
			open STDOUT, '>', "$dir/out";
			open STDERR, '>', "$dir/err";
			exec spec(), 'record', '--sample-with', $with, '--', '/bin/sh', '-c', "$split 4";
			exit 127;
		}
		my $child;
		for (1 .. 400) {
			sleep 0.05;
			($child) = grep { get("/proc/$_/comm") =~ /^split/ } map { /(\d+)/ } grep { (readlink("$_/cwd") // '') eq $dir } glob '/proc/[0-9]*';
			my $run = $child ? get("/proc/$child/schedstat") : '';
			last if $run =~ /^(\d+)/ && $1 > 2.5e9;
		}
		my %ours = ours($dir, $pid);
		my ($ran) = get("/proc/$child/schedstat") =~ /^(\d+)/;
		kill KILL => $whom eq 'all' ? keys %ours : grep { $ours{$_} eq $whom } keys %ours;
		waitpid $pid, 0;
		for (1 .. 200) { last if !%{ { ours($dir, 0) } }; sleep 0.05 }
		system("cd $dir && " . spec() . ' recover >/dev/null 2>&1') if !glob "$dir/.artifacts/raw/run-*/profile.json";
		my ($file) = (glob("$dir/.artifacts/raw/run-*/profile.json"), glob("$dir/.artifacts/recovered/*/raw/*/profile.json"), glob("$dir/.artifacts/recovered/*/profile.json"));
		my $p = $file ? json()->decode(get($file)) : { samples => [] };
		my $sampled = sum_ms($p, 5, sub { shift; grep { ($_->{function} // '') =~ /^(?:split_|work|main)/ } @_ });
		my $lost = $ran / 1e6 - $sampled;
		row($lost < 1100, $whom, $with, sprintf('%.0f', $ran / 1e6), sprintf('%.0f', $sampled), sprintf('%.0f', $lost));
		kill KILL => $child if $child && -e "/proc/$child" && get("/proc/$child/comm") =~ /^split/;
	}
}
finish_rows();
