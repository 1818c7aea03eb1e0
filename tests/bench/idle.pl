#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# idle.pl - what it costs to watch 100 sleeping processes at level detailed: processor time of all our
# processes as the scheduler counts it. BENCH_IDLE_SECONDS: how long (20).
use strict;
use warnings;
use lib 'tests/lib', 'tests/bench';
use Row;
use SpecRunner;
use Time::HiRes qw(time sleep);

my $seconds = $ENV{BENCH_IDLE_SECONDS} // 20;

sub cpu_ns {
	my ($tag) = @_;
	my %all = tagged($tag);
	my $sum = 0;
	for my $pid (grep { $all{$_} =~ /^spec-runner/ } keys %all) {
		for my $file (glob "/proc/$pid/task/*/schedstat") {
			$sum += $1 if (read_file($file) // '') =~ /^(\d+)/;
		}
	}
	return $sum;
}

my $r = start_spec(['run', '--profile-level', 'detailed', '--', '/bin/sh', '-c',
		'i=0; while [ $i -lt 100 ]; do sleep 300 & i=$((i+1)); done; echo ready; wait']);
wait_until(10, sub { (read_file($r->{out_path}) // '') =~ /ready/ }) or die 'does not start';
sleep 1;
my ($before, $start) = (cpu_ns($r->{tag}), time);
sleep $seconds;
my $share = (cpu_ns($r->{tag}) - $before) / 1e9 / (time - $start) * 100;
kill TERM => $r->{pid};
finish_spec($r, 15);
row("watching 100 sleeping processes, detailed, $seconds s", sprintf('%.3f %% of a core', $share), '', '', '< 0.3 %', $share > 0 && $share < 0.3);
finish_rows();
