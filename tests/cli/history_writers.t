#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Many writers at once on one folder, some of them killed: what was acknowledged is there, no run is there in part, and nobody
# is told that the database is locked.
use strict;
use warnings;
use lib 'tests/lib';
use History;
use SpecRunner;
use Test::More;
use Time::HiRes qw(sleep);

plan skip_all => 'the history was left out: its packages are missing' unless has_history();
my $dir = new_dir();
my $home = { SPEC_RUNNER_HISTORY => "$dir/h" };
my $seed = $ENV{TEST_SEED} // time;
srand $seed;
diag "TEST_SEED=$seed" if $ENV{TEST_SEED};
my ($writers, $runs, $tests) = (20, 3, 50);
my (@jobs, %acknowledged);

for my $w (1 .. $writers) {
	my @paths = map { (write_trace($dir, id => sprintf('%04x%04x', $w, $_), at => time - 100 + $_, tests => [map { ['s', "t$_", 'pass', 1] } 1 .. $tests]))[0] } 1 .. $runs;
	push @jobs, start_spec(['history', 'record', @paths], dir => $dir, env => $home);
}
for my $i (1 .. 8) {
	sleep rand 0.004;
	kill 'KILL', $jobs[$#jobs - int rand 6]{pid};
}
my ($killed, @said) = (0);
for my $job (@jobs) {
	finish_spec($job);
	$killed++ if $job->{code} == 137;
	push @said, $job->{err} if $job->{err} =~ /\S/ || ($job->{code} && $job->{code} != 137);
	$acknowledged{$_}++ for $job->{out} =~ /^recorded (\S+)\n/mg;
}
note "$killed of $writers were killed, " . keys(%acknowledged) . ' runs acknowledged';
is_deeply \@said, [], 'nobody else was told anything';
my %there = map { $_->{run_id} => $_->{n} } @{ history_json($dir, 'sql', 'SELECT run_id, COUNT(*) AS n FROM v_test_results GROUP BY run_id', $home)->{rows} };
is_deeply [grep { !$there{$_} } keys %acknowledged], [], 'every acknowledged run is there';
is_deeply [grep { $there{$_} != $tests } keys %there], [], 'and none in part';
is scalar(@{ history_json($dir, 'runs', '--limit', 1000, $home)->{runs} }), scalar(keys %there), 'nor a run without its tests';
is history($dir, 'sql', 'SELECT COUNT(*) FROM runs', $home)->{code}, 0, 'no repair was needed';
cmp_ok scalar(keys %acknowledged), '>=', ($writers - $killed) * $runs, 'who was not killed recorded all';
done_testing();
