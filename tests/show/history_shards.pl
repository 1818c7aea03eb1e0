#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# history_shards.pl - parts of 2,000 tests of real durations: those of a Debian package's suite (libpython3.11-testsuite), run once
# under `run` with a store, which takes some minutes. The longest part beside the best that could be for 2 to 64 parts; parts of
# 64 jobs that ask at once.
#
#   tests/show/history_shards.pl [TESTS]
use strict;
use warnings;
use lib 'tests/show';
use HistoryShow;
use JSON::PP;

my $wanted = shift // 2000;
my $dir = scratch();
my %home = (env => { SPEC_RUNNER_HISTORY => "$dir/h", SPEC_RUNNER_HISTORY_DSN => undef, map { $_ => undef } qw(GITHUB_RUN_ID CI_PIPELINE_ID) });
my @modules = qw(test_json test_re test_email test_collections test_datetime test_typing test_unittest test_decimal test_itertools test_functools test_argparse
	test_enum test_dataclasses test_pathlib test_zipfile test_struct test_string test_set test_dict test_list test_bytes test_unicode test_int test_float
	test_statistics test_random test_heapq);
print "| what | figure | bound | |\n|---|---|---|---|\n";
my ($python) = grep { -x } '/usr/bin/python3.11', '/usr/bin/python3' or die "no python3\n";
-e '/usr/lib/python3.11/test/test_json' or die "apt-get install libpython3.11-testsuite\n";
my $run = measured([spec(), 'run', '--quiet', '--history-ms', 600_000, '--', $python, '-m', 'test', '-v', @modules], %home, dir => $dir);
my @known;
for (my $at = 0; ; $at += 10_000) {
	my ($out, $code, $err) = out_of(spec(), 'history', 'sql', "SELECT suite, case_id, SUM(duration_ms) AS ms FROM v_test_results WHERE result = 'pass' AND duration_ms IS NOT NULL"
		. " GROUP BY suite, case_id ORDER BY suite, case_id LIMIT 10000 OFFSET $at", '--json', \%home);
	die $err if $code;
	my $rows = decode_json($out)->{rows};
	push @known, @$rows;
	last if @$rows < 10_000;
}
die "only " . @known . " tests were seen\n" if @known < 100;
# every so-manieth, so that all modules are there
my $step = @known > $wanted ? @known / $wanted : 1;
my @tests = map { $known[$_ * $step] } 0 .. (@known > $wanted ? $wanted : @known) - 1;
my %ms = map { ($_->{suite} eq '' ? $_->{case_id} : "$_->{suite} $_->{case_id}") => $_->{ms} } @tests;
put("$dir/list", join '', map { "$_\n" } sort keys %ms);
my ($sum, $most) = (0, 0);
for (values %ms) { $sum += $_; $most = $_ if $_ > $most }
row('tests of ' . @modules . ' modules of CPython (libpython3.11-testsuite)', keys(%ms) . sprintf(' of %d, %.1f s in all, longest %.2f s, median %.2f ms', scalar @known, $sum / 1000, $most / 1000, median(values %ms)));

# No plan is shorter than the mean of its parts, than the longest test, or than k + 1 tests of the k * N + 1 longest: so many
# share a part wherever they go.
sub least_of {
	my ($n, @p) = @_; # longest first
	my $sum = 0;
	$sum += $_ for @p;
	my $least = $sum / $n > $p[0] ? $sum / $n : $p[0];
	for (my $k = 1; $k * $n < @p; $k++) {
		my $together = 0;
		$together += $_ for @p[$k * $n - $k .. $k * $n];
		$least = $together if $together > $least;
	}
	return $least;
}

sub parts_of {
	my ($what, $bound, %ms) = @_;
	my @sorted = sort { $b <=> $a } values %ms;
	put("$dir/part-list", join '', map { "$_\n" } sort keys %ms);
	my ($worst, $worst_n, $not_whole, $empty) = (0, 2, 0, 0);
	my @shown;
	for my $n (2 .. 64) {
		my (undef, $code, $err) = out_of(spec(), 'shard', "1/$n", "$dir/part-list", '--plan-out', "$dir/plan.json", \%home);
		die $err if $code;
		my $plan = decode_json(get("$dir/plan.json"));
		my (@load, @names) = ();
		my %seen;
		@load = @names = (0) x $n;
		for my $i (0 .. $#{ $plan->{names} }) { my $part = $plan->{parts}[$i] - 1; $load[$part] += $ms{ $plan->{names}[$i] }; $names[$part]++; $seen{ $plan->{names}[$i] }++ }
		my ($longest) = sort { $b <=> $a } @load;
		my $over = $longest / least_of($n, @sorted) - 1;
		($worst, $worst_n) = ($over, $n) if $over > $worst;
		$not_whole++ if keys(%seen) != keys(%ms) || grep { $_ > 1 } values %seen;
		$empty++ if grep { !$_ } @names;
		push @shown, sprintf '%d: %.2f %%', $n, 100 * $over if grep { $n == $_ } 2, 4, 8, 16, 32, 64;
	}
	row("$what: longest part over the ideal, for 2 to 64 parts, at worst", sprintf('%.2f %% (of %d parts)', 100 * $worst, $worst_n), $bound ? '<= 2 %' : '', $bound ? $worst <= 0.02 : undef);
	row('some of them', join(', ', @shown));
	row('plans that are not disjoint and complete, or have an empty part', $not_whole + $empty, '0', !$not_whole && !$empty);
}
parts_of('all ' . keys(%ms), 1, %ms);
# without the few that are most of the whole: then what is best is not known, and the least is a bound that may be out of reach
my %short = map { $_ => $ms{$_} } grep { $ms{$_} < $sum / 400 } keys %ms;
parts_of(keys(%short) . ' without those of ' . sprintf('%.0f ms and more', $sum / 400), 0, %short);

# --- 64 jobs ask at once, while a run is being recorded that changes the times
my @jobs = map { start_job([spec(), 'shard', "$_/64", "$dir/list", '--plan-key', 'many'], %home) } 1 .. 64;
my ($text) = quick_trace(id => 'ffffffff', at => time, tests => [map { my ($s, $c) = split / /, $_, 2; [$s, $c // '', 'pass', 1 + rand 500] } grep { !/["\\]/ } sort keys %ms]);
my $writer = start_job([spec(), 'history', 'record', put("$dir/more.json", $text)], %home);
my (%got, %plans, $failed);
for my $job (map { end_job($_) } @jobs) {
	$failed++ if $job->{code};
	$got{$_}++ for split /\n/, get($job->{out});
	$plans{ get($job->{err}) =~ /plan (\w+)/ ? $1 : 'none' }++;
}
end_job($writer);
row('64 jobs ask at once while a run is recorded: plans, names given to no or two jobs', keys(%plans) . ', ' . (grep { ($got{$_} // 0) != 1 } keys %ms), '1, 0',
	keys(%plans) == 1 && !$failed && !grep { ($got{$_} // 0) != 1 } keys %ms);
finish_rows();
