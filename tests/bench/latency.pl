#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# latency.pl - how late a stall is noticed, and how soon a command that ends early in its grace period
# is returned. BENCH_LATENCY_RUNS: how many of each (50).
use strict;
use warnings;
use lib 'tests/lib', 'tests/bench';
use Row;
use SpecRunner;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my $runs = $ENV{BENCH_LATENCY_RUNS} // 50;
my (@late, @return);
for (1 .. $runs) {
	my $r = run_spec(['run', '--profile-level', 'basic', '--liveness-level', 'strict', '--liveness-stall-ms', 100,
			'--diagnose-ms', 0, '--', zoo('silent')]);
	my $t = trace_of($r) or die $r->{err};
	my ($wait) = spans($t, 'subprocess.wait');
	my ($stall) = grep { $_->{attrs}{reason_token} =~ /^stall\.subprocess/ } events($t, 'watchdog');
	push @late, ($stall->{ts_ns} - $wait->{start_ns}) / 1e6 - 100;
	no_left($r);

	$r = start_spec(['run', '--timeout-ms', 100, '--profile-on-fail', 'off', '--', zoo('tidy'), 20, 0, 'clock']);
	waitpid $r->{pid}, 0;
	my $now = clock_gettime(CLOCK_MONOTONIC);
	read_file($r->{out_path}) =~ /^(\d+)$/m or die 'the command was not asked to end';
	push @return, $now * 1000 - $1 / 1e6;
	no_left($r);
}

sub no_left {
	my ($r) = @_;
	my %left = tagged($r->{tag});
	die 'left: ' . join ' ', %left if %left;
}

my ($l, $e) = (median(@late), median(@return));
row("a stall is noticed after it is due, median of $runs", sprintf('%.2f ms', $l), '', '', '≤ 5 ms', $l >= 0 && $l <= 5);
row("an early end in the grace period is returned, median of $runs", sprintf('%.2f ms', $e), '', '', '≤ 20 ms', $e >= 0 && $e <= 20);
finish_rows();
