#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# look.pl - a tree of 100 processes and 1,000 threads: how long the copy takes, and the whole diagnosis, as recorded in a
# run and as a user's `inspect` from start to end. BENCH_LOOK_RUNS: how many (5).
use strict;
use warnings;
use lib 'tests/lib', 'tests/bench';
use JSON::PP;
use Row;
use SpecRunner;
use Time::HiRes qw(sleep time);

my $runs = $ENV{BENCH_LOOK_RUNS} // 5;
# As real programs are built; ours keep frame pointers, which a stop must tell.
my $dir = new_dir();
system(($ENV{CC} // "cc") . " -O2 -g -D_GNU_SOURCE -I. tests/zoo/looked.c -o $dir/looked -lpthread") == 0 or die;
my (@copied, @diagnosed, @whole, $threads, $seen);
for (1 .. $runs) {
	my $r = start_spec(['run', '--timeout-ms', 4000, '--profile-level', 'basic', '--', "$dir/looked", "tree", 100, 10]);
	wait_until(20, sub { my $n = () = (read_file($r->{out_path}) // '') =~ /threads/g; $n == 100 })
		or die 'the tree does not grow';
	my ($supervisor) = split ' ', read_file("/proc/$r->{pid}/task/$r->{pid}/children");
	my ($top) = split ' ', read_file("/proc/$supervisor/task/$supervisor/children");
	my $from = time;
	system "@{[spec()]} inspect --json $top >/dev/null";
	push @whole, (time - $from) * 1000;
	finish_spec($r, 60);
	my ($file) = glob "$r->{dir}/.artifacts/raw/*/snapshot-1.json" or die $r->{err};
	my $d = decode_json(read_file($file));
	my ($copy) = grep { $_->{name} eq 'snapshot' } @{ $d->{collectors} };
	push @copied, $copy->{duration_ms};
	push @diagnosed, $d->{duration_ms};
	my @t = map { @{ $_->{threads} } } @{ $d->{processes} };
	$threads = @t;
	$seen = grep { $_->{status} eq 'ok' && @{ $_->{frames} } } @t;
	kill_tagged($r->{tag});
}
my ($copied, $diagnosed, $whole) = map { median(@$_) } \@copied, \@diagnosed, \@whole;
row('100 processes, 1,000 threads: copied, as recorded in a run', sprintf('%.0f ms', $copied), '', "$threads threads, $seen with their stacks",
	'< 300 ms', $copied < 300 && $threads == 1000);
row('and diagnosed (stacks, names, lines, waits)', sprintf('%.0f ms', $diagnosed), '', '', '< 2,000 ms', $diagnosed < 2000 && $seen == $threads);
row('the same by `inspect PID`, from start to end', sprintf('%.0f ms', $whole), '', '', '< 2,000 ms', $whole < 2000);
finish_rows();
