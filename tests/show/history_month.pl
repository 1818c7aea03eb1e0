#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# history_month.pl - a month of CI of known truth, recorded run by run: which tests are flaky, broken, stable, and how often,
# since when and how frequently each hang was seen. What the generator plants is written down before the program is asked.
#
#   tests/show/history_month.pl [SEED]
use strict;
use warnings;
use lib 'tests/show';
use HistoryShow;
use JSON::PP;

my $seed = shift // 4711;
srand $seed;
my $dir = scratch();
my %home = (env => { SPEC_RUNNER_HISTORY => "$dir/h", SPEC_RUNNER_HISTORY_DSN => undef });
my ($days, $per_day) = (30, 10);
my $runs = $days * $per_day;
my $now = time;

# Each run is of a commit; every fourth one is the same commit again (somebody pressed "run again"), every ninth on a dirty tree.
my @run;
for my $n (0 .. $runs - 1) {
	my $again = $n && $n % 4 == 3;
	my $dirty = !$again && $n % 9 == 5;
	push @run, { n => $n, at => $now - ($runs - $n) * 86400 / $per_day + 600, rev => $again ? $run[-1]{rev} : sprintf('%08x%032x', $n, $seed), dirty => $again ? $run[-1]{dirty} : $dirty, again => $again };
}
my $from = $runs - 100; # the window: the last 100 runs, which are of the last 10 days

# What each test does in a run: pass or fail, or '' where it is not run.
my (%does, %truth);
sub plant { my ($state, $n, $make) = @_; for my $i (1 .. $n) { my $name = "$state-$make->[0]-$i"; $truth{$name} = $state; $does{$name} = $make->[1]->($i) } }
my @pairs = grep { $run[$_]{again} && !$run[$_]{dirty} && $_ > $from } 0 .. $#run; # this and the one before are one clean commit
plant('stable', 200, ['always', sub { sub { 'pass' } }]);
plant('stable', 20, ['long-forgotten', sub { sub { $_[0] < $from - 2 && rand() < 0.3 ? 'fail' : 'pass' } }]);
plant('stable', 20, ['was-broken-once', sub { my $at = $from + 10 + int rand 40; $at += ($at % 4 == 3); my $end = $at + 8 - $at % 4; sub { $_[0] >= $at && $_[0] < $end ? 'fail' : 'pass' } }]);
plant('stable', 10, ['skipped-often', sub { sub { rand() < 0.5 ? 'skip' : 'pass' } }]);
# both results only where the tree was dirty: no commit says it, and a single time is no suspicion
my ($dirty_pair) = grep { $run[$_]{again} && $run[$_]{dirty} && $_ > $from } 0 .. $#run;
plant('stable', 10, ['dirty-tree', sub { sub { defined $dirty_pair && $_[0] == $dirty_pair ? 'fail' : 'pass' } }]);
plant('flaky', 30, ['retried', sub { my $at = $pairs[rand @pairs]; sub { $_[0] == $at ? 'fail' : 'pass' } }]);
plant('flaky', 20, ['often', sub { my $at = $pairs[rand @pairs]; sub { $_[0] == $at ? 'pass' : $_[0] == $at - 1 ? 'fail' : rand() < 0.2 ? 'fail' : 'pass' } }]);
plant('flaky', 10, ['times-out', sub { my $at = $pairs[rand @pairs]; sub { $_[0] == $at ? 'timeout' : 'pass' } }]);
plant('broken', 20, ['since', sub { my $at = $runs - 3 - int rand 60; $at-- while $run[$at]{again}; sub { $_[0] >= $at ? 'fail' : 'pass' } }]);
plant('broken', 5, ['always', sub { sub { 'error' } }]);
plant('suspect', 10, ['by-commit', sub { sub { my $c = $run[ $_[0] ]{again} ? $_[0] - 1 : $_[0]; $c >= $from && $c < $runs - 8 && int($c / 8) % 2 ? 'fail' : 'pass' } }]);
plant('new', 10, ['young', sub { my $since = $runs - 1 - int rand 4; sub { $_[0] >= $since ? 'pass' : '' } }]);

# Three hangs: in which runs, as the first of the findings; one run has a second that does not count.
my %hang = ('f-1111111111111111' => [5, 50, 120, 250, 299], 'f-2222222222222222' => [200 .. 206], 'f-3333333333333333' => [10]);
my %hung = map { my $s = $_; map { $_ => $s } @{ $hang{$s} } } keys %hang;

my @paths;
for my $r (@run) {
	my $n = $r->{n};
	my @t = map { my $what = $does{$_}->($n); $what eq '' ? () : ['month', $_, $what, 5 + rand 50] } sort keys %does;
	my $status = $hung{$n} || grep({ $_->[2] =~ /fail|error|timeout/ } @t) ? 'fail' : 'pass';
	my ($text, $id) = quick_trace(id => sprintf('%08x', $n), at => $r->{at}, rev => $r->{rev}, dirty => $r->{dirty}, status => $status, tests => \@t, $hung{$n} ? (total => 'timeout', exit_code => 124) : ());
	$r->{id} = $id;
	mkdir "$dir/$n";
	push @paths, put("$dir/$n/run-trace.json", $text);
	next unless $hung{$n};
	my @found = ({ finding_id => $hung{$n}, pattern_id => 'hang.lock.held', location => 'a.c:f:3' }, $n == 50 ? { finding_id => 'f-3333333333333333', pattern_id => 'hang.sleep', location => 'b.c:g:4' } : ());
	put("$dir/$n/findings.json", encode_json({ version => 1, run_id => $id, findings => [map { { %$_, confidence => 0.9, proved => JSON::PP::true, summary => 's' } } @found] }));
}
# in the order of a real CI, but for some that came late
@paths[60, 70] = @paths[70, 60];
my $record = measured([spec(), 'history', 'record', @paths], %home);
die get($record->{err}) if $record->{code};
print "seed $seed, $runs runs of ", scalar keys(%truth), " tests\n\n| what | figure | bound | |\n|---|---|---|---|\n";

my ($out, $code, $err) = out_of(spec(), 'history', 'flaky', '--json', '--limit', 100000, \%home);
($out, $code, $err) = out_of(spec(), 'history', 'flaky', '--json', \%home) if $code;
die $err if $code;
my %state = map { $_->{case_id} => $_ } @{ decode_json($out)->{tests} };
for my $s (qw(flaky broken stable suspect new)) {
	my $said = grep { ($state{$_}{state} // '') eq $s } keys %truth;
	my $is = grep { $_ eq $s } values %truth;
	my $right = grep { $truth{$_} eq $s && ($state{$_}{state} // '') eq $s } keys %truth;
	my ($precision, $recall) = ($said ? $right / $said : 0, $is ? $right / $is : 0);
	row("$s: precision, recall ($is planted)", sprintf('%.3f %.3f', $precision, $recall), '1.000 1.000', $precision == 1 && $recall == 1);
}
print STDERR "$_ is $truth{$_}, said ", $state{$_}{state} // 'nothing', "\n" for grep { ($state{$_}{state} // '') ne $truth{$_} } sort keys %truth;
# evidence is a commit that has both results, and nothing else
my ($shown, $wrong) = (0, 0);
my %by = map { $_->{id} => $_ } @run;
for my $t (grep { $_->{state} eq 'flaky' } values %state) {
	for my $x (@{ $t->{evidence} }) { $shown++; my ($p, $f) = map { $by{$_} // {} } @$x{qw(pass_run_id fail_run_id)}; $wrong++ unless ($p->{rev} // 1) eq ($f->{rev} // 2) && $p->{rev} eq $x->{repo_rev} && !$p->{dirty} }
	$wrong++ unless @{ $t->{evidence} };
}
row("evidence of flaky tests ($shown): pairs that are not one clean commit", $wrong, '0', !$wrong);
my @broken = grep { /^broken-since/ } keys %truth;
my $since_right = grep { my $name = $_; my $at = $runs - 1; $at-- while $at > 0 && $does{$name}->($at - 1) eq 'fail'; ($state{$name}{since_rev} // '') eq $run[$at]{rev} } @broken;
row('broken tests whose since_rev is the commit that broke them', $since_right . ' of ' . @broken, scalar @broken, $since_right == @broken);

my ($hangs) = map { decode_json($_)->{hangs} } (out_of(spec(), 'history', 'hangs', '--json', \%home))[0];
my %of = map { $_->{signature} => $_ } @$hangs;
my $exact = 0;
for my $s (sort keys %hang) {
	my ($first, $last) = @{ $hang{$s} }[0, -1];
	my $want = join ' ', scalar @{ $hang{$s} }, $run[$first]{rev}, $runs - $first;
	my $got = join ' ', map { $_ // '-' } @{ $of{$s} // {} }{qw(count first_rev runs)};
	my $rate_right = abs(($of{$s}{rate} // 0) - @{ $hang{$s} } / ($runs - $first)) < 1e-6;
	$exact++ if $got eq $want && $rate_right;
	print STDERR "$s: $got, not $want (rate $of{$s}{rate})\n" if $got ne $want || !$rate_right;
}
row('hangs whose count, first commit, runs since and rate are exact', "$exact of 3, " . scalar(@$hangs) . ' signatures', '3 of 3, 3', $exact == 3 && @$hangs == 3);
finish_rows();
