#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# compare, regressions, flaky, limits and shards out of stores and files with known truth.
use strict;
use warnings;
use lib 'tests/lib';
use History;
use JSON::PP;
use SpecRunner;
use Test::More;

plan skip_all => 'the history was left out: its packages are missing' unless has_history();
my $json = JSON::PP->new->canonical;
my $dir = new_dir();
my $home = { SPEC_RUNNER_HISTORY => "$dir/h" };

sub verb {
	my ($stdin, @words) = @_;
	my $r = run_spec(\@words, dir => $dir, env => $home, defined $stdin ? (stdin => $stdin) : ());
	return $r;
}
sub compare_json { my $r = verb(undef, 'compare', @_, '--json'); return ($r, eval { $json->decode($r->{out}) } // {}) }

# --- compare of files
my @base = map { 100 + $_ } 0 .. 9;
write_file("$dir/a.json", $json->encode({ version => 1, metrics => { t => { values => \@base, unit => 'ms', better => 'lower' },
	f => { values => \@base, unit => '1/s', better => 'higher' }, few => { values => [1, 2, 3], unit => '', better => 'lower' } } }));
write_file("$dir/b.json", $json->encode({ version => 1, metrics => { t => { values => [map { 1.5 * $_ } @base], unit => 'ms', better => 'lower' },
	f => { values => [map { 1.5 * $_ } @base], unit => '1/s', better => 'higher' }, few => { values => [9, 9, 9], unit => '', better => 'lower' } } }));
my ($r, $v) = compare_json('a.json', 'b.json');
is $r->{code}, 1, 'something regressed: exit 1';
is join(' ', map { "$_->{metric}:$_->{verdict}" } @{ $v->{results} }), 'f:improved few:insufficient t:regressed', 'by which is better';
my ($t) = grep { $_->{metric} eq 't' } @{ $v->{results} };
is sprintf('%.4f %.6g %.6g', $t->{change}, $t->{p}, $t->{p_adjusted}), '0.5000 1.08251e-05 1.08251e-05', 'change, p (exact), adjusted';
ok $t->{ci99}[0] > 0.4 && $t->{ci99}[1] < 0.6, 'its interval';
is_deeply $v->{summary}, { regressed => 1, improved => 1, unchanged => 0, inconclusive => 0, insufficient => 1 }, 'the summary';
my @answers = ($r->{out});
($r, $v) = compare_json('a.json', 'a.json');
is "$r->{code} $v->{summary}{regressed}", '0 0', 'the same: exit 0';
push @answers, $r->{out};
write_file("$dir/bad.json", '{"version": 1, "metrics": {"x": {"values": [1, "2"], "better": "lower"}}}');
is verb(undef, 'compare', 'a.json', 'bad.json')->{code}, 2, 'a bad file: exit 2';
like verb(undef, 'compare', 'a.json', 'bad.json')->{err}, qr/bad\.json: x: a value is not a number/, 'and what is wrong';
is verb(undef, 'compare', 'a.json', 'b.json', '--alpha', 'x')->{code}, 2, 'a bad number: exit 2';

# --- a store: 30 runs of one branch; test slow is 60 % slower from run 20 on
my (@ids, @paths);
srand 7;
for my $n (0 .. 29) {
	my @tests = map { ['s', sprintf('t%02d', $_), 'pass', 200 + $_ + rand 4] } 1 .. 5;
	push @tests, ['s', 'slow', 'pass', ($n < 20 ? 500 : 800) + rand 20];
	push @tests, ['s', 'shaky', $n % 7 == 3 ? 'fail' : 'pass', 10];
	push @tests, ['s', 'shaky', 'pass', 10] if $n == 10;
	push @tests, ['s', 'dead', $n < 25 ? 'pass' : 'fail', 10];
	my ($path, $id) = write_trace($dir, id => sprintf('%08x', $n), at => time - 86400 + $n * 60, tests => \@tests,
		repo => { uri => 'u', rev => sprintf('%040x', $n), branch => 'main', dirty => JSON::PP::false });
	push @ids, $id;
	push @paths, $path;
}
is verb(undef, 'history', 'record', @paths)->{code}, 0, 'recorded';
$r = verb(undef, 'history', 'regressions', '--json');
is $r->{code}, 1, 'regressions: exit 1';
push @answers, $r->{out};
$v = $json->decode($r->{out});
is join(' ', map { "$_->{series}:$_->{index}:$_->{verdict}:$_->{run_id}" } @{ $v->{results} }), "test:s slow:20:regressed:$ids[20]", 'the one that is slower, where';
is $v->{results}[0]{repo_rev}, sprintf('%040x', 20), 'since which commit';
is verb(undef, 'history', 'regressions', '--last', '5')->{code}, 0, 'not within the last 5';
($r, $v) = compare_json(join(',', @ids[5 .. 14]), join(',', @ids[20 .. 29]));
is join(' ', map { $_->{metric} } grep { $_->{verdict} eq 'regressed' } @{ $v->{results} }), 'run_duration_ms test:s slow', 'compare of runs';
push @answers, $r->{out};
is((compare_json('last:3', 'rev:' . sprintf('%040x', 4)))[0]{code}, 0, 'too few runs: nothing is said');
is verb(undef, 'compare', 'last:5', 'rev:nope')->{code}, 1, 'no such run: exit 1';
verb(undef, 'history', 'record', '--device', 'other', (write_trace($dir, id => 'dddddddd'))[0]);
is verb(undef, 'compare', 'last:5', 'last:5')->{code}, 2, 'several devices: exit 2';

# --- flaky
$v = history_json($dir, 'flaky', $home);
is join(' ', map { "$_->{case_id}:$_->{state}" } grep { $_->{case_id} !~ /^t/ } @{ $v->{tests} }), 'dead:broken shaky:flaky slow:stable', 'states';
my ($shaky) = grep { $_->{case_id} eq 'shaky' } @{ $v->{tests} };
is_deeply $shaky->{evidence}, [{ repo_rev => sprintf('%040x', 10), pass_run_id => $ids[10], fail_run_id => $ids[10] }], 'its evidence: both results of one commit';
my ($dead) = grep { $_->{case_id} eq 'dead' } @{ $v->{tests} };
is $dead->{since_rev}, sprintf('%040x', 25), 'broken since';

# --- limits
$v = history_json($dir, 'limits', '--device', history_json($dir, 'show', $ids[0], $home)->{run}{device_id}, $home);
my %limit = map { $_->{case_id} => $_ } @{ $v->{limits} };
is "$limit{t01}{n} $limit{t01}{limit_ms}", '30 10000', 'a quick test: the least limit';
is $limit{dead}{n}, 25, 'only passes count';
ok $v->{run}{n} == 30 && $v->{run}{limit_ms} == 60000, 'the run';

# --- limits of a run
for my $n (0 .. 20) {
	verb(undef, 'history', 'record', '--workload', 'W', '--device', 'D', (write_trace($dir, id => sprintf('aa%06x', $n), at => time - 5000 + $n, ms => 100, tests => [['', 'quick', 'pass', 5]]))[0]);
}
write_file("$dir/quick.sh", "echo TAP version 13; echo 1..1; echo 'ok 1 - quick'\n");
$r = verb(undef, 'run', '--timeout-ms', 'auto', '--test-timeout-ms', 'auto', '--workload', 'W', '--device', 'D', '--profile-level', 'basic', '--', 'sh', 'quick.sh');
is $r->{code}, 0, '--timeout auto, --test-timeout auto' or diag $r->{err};
my ($told) = grep { ($_->{attrs}{event} // '') eq 'limits.history' } @{ decode_json(read_file("$dir/.artifacts/run-trace.json"))->{events} };
is_deeply $told->{attrs}, { event => 'limits.history', timeout_ms => 60000, tests => 1, test_timeout_ms => { quick => 10000 } }, 'the limits used stand in the trace';
is verb(undef, 'run', '--timeout-ms', 'automatic', '--', 'true')->{code}, 2, 'another word is exit 2';
is verb(undef, 'run', '--timeout-ms', 'auto', '--workload', 'unknown', '--', 'true')->{code}, 0, 'no history of it: no limit';

# --- shards
my @device = ('--device', history_json($dir, 'show', $ids[0], $home)->{run}{device_id});
my @names = ('slow', 'dead', map { sprintf 't%02d', $_ } 1 .. 5);
write_file("$dir/list", join '', map { "$_\n" } @names, 'unknown');
my (@parts, %seen);
for my $i (1 .. 3) {
	$r = verb(undef, 'shard', "$i/3", 'list', @device);
	is $r->{code}, 0, "part $i";
	like $r->{err}, qr/\Aspec-runner: plan [0-9a-f]{12}: part $i of 3, \d of 8 names, expected [\d.]+ s, longest part [\d.]+ s\n\z/, 'what it expects';
	push @parts, [split /\n/, $r->{out}];
	$seen{$_}++ for @{ $parts[-1] };
}
is join(' ', sort keys %seen), join(' ', sort @names, 'unknown'), 'parts are complete';
is scalar(grep { $_ > 1 } values %seen), 0, 'and disjoint';
is_deeply [grep { my $p = $_; grep { $_ eq 'slow' } @$p } @parts]->[0], ['slow'], 'the longest is alone';
is verb(undef, 'shard', '1/3', 'list', '--plan-key', 'K', '--plan-out', "$dir/plan.json")->{code}, 0, 'a plan under a key';
push @answers, read_file("$dir/plan.json");
is verb(undef, 'shard', '2/3', '--plan', "$dir/plan.json")->{code}, 0, 'a part of a plan of a file';
write_file("$dir/list2", "x\ny\n");
is verb(undef, 'shard', '2/3', 'list2', '--plan-key', 'K')->{code}, 1, 'another list under that key: exit 1';
is verb(undef, 'shard', '2/3', 'list2', '--plan', "$dir/plan.json")->{code}, 1, 'or that plan';
is verb(undef, 'shard', '4/3', 'list')->{code}, 2, 'no such part: exit 2';
my $auto = run_spec(['shard', 'auto', 'list', @device], dir => $dir, env => { %$home, SLURM_ARRAY_TASK_ID => 7, SLURM_ARRAY_TASK_MIN => 5, SLURM_ARRAY_TASK_COUNT => 3 });
is $auto->{out}, join('', map { "$_\n" } @{ $parts[2] }), 'auto: the third of a Slurm array';

# 16 ask at once: one plan
write_file("$dir/list3", join '', map { "n$_\n" } 1 .. 200);
my @jobs = map { start_spec(['shard', "$_/16", 'list3', '--plan-key', 'many'], dir => $dir, env => $home) } 1 .. 16;
my (%all, %plans);
for my $job (@jobs) {
	finish_spec($job);
	$all{$_}++ for split /\n/, $job->{out};
	$plans{ $job->{err} =~ /plan (\w+)/ ? $1 : $job->{err} }++;
}
is scalar(keys %plans), 1, '16 jobs at once: one plan';
is scalar(keys %all) . ' ' . scalar(grep { $_ > 1 } values %all), '200 0', 'complete and disjoint';

obeys('history_v1.yaml', 'every answer', @answers);
done_testing();
