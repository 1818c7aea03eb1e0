#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# throughput.pl - bytes through: `run -- head -c N /dev/zero` against `head -c N /dev/zero | cat`, three times
# alternating; the memory of all our processes meanwhile, and the size of the trace.
# BENCH_GB: how much (2).
use strict;
use warnings;
use lib 'tests/lib', 'tests/bench';
use Row;
use SpecRunner;
use Time::HiRes qw(time);

my $bytes = int(($ENV{BENCH_GB} // 2) * 1e9);
my ($peak, $trace_size, @ours, @theirs) = (0, 0);

sub resident {
	my ($tag) = @_;
	my %all = tagged($tag);
	my $sum = 0;
	for my $pid (grep { $all{$_} =~ /^spec-runner/ } keys %all) {
		$sum += $1 if (read_file("/proc/$pid/smaps_rollup") // '') =~ /^Rss:\s+(\d+)/m;
	}
	return $sum;
}

for (1 .. 3) {
	my $r = start_spec(['run', '--profile-level', 'detailed', '--', 'head', '-c', $bytes, '/dev/zero'], out => '/dev/null');
	while (waitpid($r->{pid}, 1) == 0) {
		my $now = resident($r->{tag});
		$peak = $now if $now > $peak;
		# Seldom enough not to take a processor from what is measured.
		select undef, undef, undef, 0.2;
	}
	die "exit status $?" if $?;
	# The polling above is no clock: a second time without it.
	my $start = time;
	system('sh', '-c', 'cd "$0" && "$1" run --profile-level detailed -- head -c ' . $bytes . ' /dev/zero >/dev/null', $r->{dir}, spec()) == 0 or die;
	push @ours, time - $start;
	$trace_size = -s "$r->{dir}/.artifacts/run-trace.json";
	$start = time;
	system('sh', '-c', "head -c $bytes /dev/zero | cat >/dev/null") == 0 or die;
	push @theirs, time - $start;
}
my ($a, $b) = (median(@ours), median(@theirs));
row(sprintf('%.0f GB through `run`, median of 3', $bytes / 1e9), sprintf('%.2f s', $a), sprintf('`head \\| cat`: %.2f s', $b),
	sprintf('%.2f ×', $a / $b), '≤ 1.25 ×', $a / $b <= 1.25);
row('resident memory of all our processes meanwhile', sprintf('%.1f MiB', $peak / 1024), '', '', '≤ 16 MiB', $peak > 0 && $peak <= 16 * 1024);
row('trace of that run, detailed', sprintf('%.0f KiB', $trace_size / 1024), '', '', '≤ 1 MiB', $trace_size > 0 && $trace_size <= 1 << 20);
finish_rows();
