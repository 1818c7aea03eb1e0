#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# history_change.pl - how well `history regressions` and `compare` tell what changed, on series and suites of known truth, all
# through the program's own files and answers. Noise is log-normal, 8 %; 3 % of the values are spikes of 1.5 to 4 times, as in
# CI. OTAVA.git is the git directory of Apache Otava, whose ten assertions about TigerBeetle's series are held, too.
#
#   tests/show/history_change.pl [OTAVA.git]          TEST_SEED=N repeats one; SERIES=4000
use strict;
use warnings;
use lib 'tests/show';
use HistoryShow;
use JSON::PP;

my $otava = shift;
my $seed = $ENV{TEST_SEED} // 20261130;
my $series = $ENV{SERIES} // 4000;
srand $seed;
my $dir = scratch();
my %home = (env => { SPEC_RUNNER_HISTORY => undef, SPEC_RUNNER_HISTORY_DSN => undef });
print "seed $seed\n\n| what | figure | bound | |\n|---|---|---|---|\n";

sub regressions {
	my ($of, @more) = @_;
	put("$dir/s.json", encode_json({ version => 1, series => $of }));
	my ($out, $code, $err) = out_of(spec(), 'history', 'regressions', '--series', "$dir/s.json", '--json', @more, \%home);
	die $err if $code > 1;
	return @{ decode_json($out)->{results} };
}

# --- Otava's own assertions
if ($otava) {
	my ($py) = out_of('git', "--git-dir=$otava", 'show', 'HEAD:tests/tigerbeetle_test.py');
	my ($values) = $py =~ /return \[([\d, ]+)\]/ or die "no series in it\n";
	my @values = map { 0 + $_ } split /,\s*/, $values;
	my ($held, $all) = (0, 0);
	while ($py =~ /def (test_\w+)\(\):.*?window_len=(\d+), max_pvalue=([\d.]+), min_magnitude=([\d.]+)\).*?assert indexes == \[([\d, ]*)\]/sg) {
		my ($name, $window, $p, $magnitude, $want) = ($1, $2, $3, $4, $5);
		$want =~ s/\s//g;
		my $got = join ',', map { $_->{index} } regressions({ t => \@values }, '--method', 'hunter', '--window', $window, '--max-pvalue', $p, '--min-magnitude', $magnitude);
		$all++;
		$held += $got eq $want;
		print STDERR "$name: $got, not $want\n" if $got ne $want;
	}
	row("Otava's assertions about TigerBeetle's series (@{[scalar @values]} values) by --method hunter", "$held of $all", '10', $held == $all && $all == 10);
}

# --- false points
sub value { my $x = 100 * exp(0.08 * gauss()); $x *= 1.5 + rand 2.5 if rand() < 0.03; return $x }
sub rounded { return map { 0 + sprintf '%.4f', $_ } @_ }
sub make { my ($n, $before, $after, $effect) = @_; return { map { my $k = $_; sprintf('s%05d', $k) => [rounded((map { value() } 1 .. $before), map { (1 + $effect) * value() } 1 .. $after)] } 1 .. $n } }

my $null = make($series, 200, 0, 0);
for my $method (['robust', '<= 0.06'], ['hunter', '']) {
	my @of = regressions($null, '--method', $method->[0]);
	row("false points a series of 200 without a change, --method $method->[0] ($series series)", sprintf('%.3f', @of / $series), $method->[1],
		$method->[1] ? @of / $series <= 0.06 : undef);
}

# --- found within 8 runs: of a series of 200, and of shorter ones; a point at most 3 values beside the true one
for my $of ([192, 1], [100], [60], [40]) {
	my ($before, $judged) = @$of;
	for my $change ([0.2, 0.85], [0.5, 0.97]) {
		# the same series, as a CI that asks after each run sees them grow
		my ($all, @rates, %ever) = (make($series / 4, $before, 12, $change->[0]));
		for my $after (5 .. 8, 12) {
			my %cut = map { $_ => [@{ $all->{$_} }[0 .. $before + $after - 1]] } keys %$all;
			my %found = map { $_->{series} => 1 } grep { abs($_->{index} - $before) <= 3 && $_->{verdict} eq 'regressed' } regressions(\%cut);
			$ever{$_} = 1 for $after <= 8 ? keys %found : ();
			push @rates, keys(%found) / ($series / 4) if $after == 5 || $after >= 8;
		}
		row(sprintf('+%d %% found after 5, 8, 12 runs, with %d runs before it (told by one of the runs 5 to 8: %.1f %%)', 100 * $change->[0], $before, 100 * keys(%ever) / ($series / 4)),
			join(' ', map { sprintf '%.1f %%', 100 * $_ } @rates),
			$judged ? sprintf('>= %d %% within 8', 100 * $change->[1]) : '', $judged ? $rates[1] >= $change->[1] : undef);
	}
}

# --- compare
sub compare {
	my ($base, $candidate, @more) = @_;
	for my $side (['a', $base], ['b', $candidate]) {
		put("$dir/$side->[0].json", encode_json({ version => 1, metrics => { map { $_ => { values => [rounded(@{ $side->[1]{$_} })], unit => 'ms', better => 'lower' } } keys %{ $side->[1] } } }));
	}
	my ($out, $code, $err) = out_of(spec(), 'compare', "$dir/a.json", "$dir/b.json", '--json', @more, \%home);
	die $err if $code > 1;
	return decode_json($out);
}
# one metric a call, as in an A/B of a change: 2 % noise, 10 against 10
my ($pairs, %said) = ($ENV{PAIRS} // 1000);
for my $of (['equal', 0], ['-5 %', -0.05], ['+5 %', 0.05]) {
	for (1 .. $pairs) {
		my $v = compare({ t => [map { 100 * exp(0.02 * gauss()) } 1 .. 10] }, { t => [map { 100 * (1 + $of->[1]) * exp(0.02 * gauss()) } 1 .. 10] });
		$said{ $of->[0] }{ $v->{results}[0]{verdict} }++;
	}
}
sub share { my ($what, $verdict) = @_; return ($said{$what}{$verdict} // 0) / $pairs }
row("A/B of equal sides, 2 % noise, 10 against 10, regressed ($pairs pairs)", sprintf('%.2f %%', 100 * share('equal', 'regressed')), '<= 1 %', share('equal', 'regressed') <= 0.01);
row('the same, improved', sprintf('%.2f %%', 100 * share('equal', 'improved')), '<= 1 %', share('equal', 'improved') <= 0.01);
row('-5 % found (improved)', sprintf('%.1f %%', 100 * share('-5 %', 'improved')), '>= 95 %', share('-5 %', 'improved') >= 0.95);
row('+5 % found (regressed)', sprintf('%.1f %%', 100 * share('+5 %', 'regressed')), '>= 95 %', share('+5 %', 'regressed') >= 0.95);

# --- a suite of 500 tests, 10 against 10 runs, recorded into a store, the later ones on a machine that is 8 % slower
sub suite {
	my ($name, $slower, $slow_tests) = @_;
	my @mean = map { 200 * exp(gauss()) } 1 .. 500;
	my (@paths, @ids);
	for my $run (0 .. 39) {
		my @t;
		for my $k (0 .. 499) {
			my $ms = $mean[$k] * exp(0.1 * gauss());
			$ms *= 1.5 + rand 2.5 if rand() < 0.02;
			$ms *= 1 + $slower if $run >= 20;
			$ms *= 1.3 if $run >= 20 && $k < $slow_tests;
			push @t, ['s', "t$k", 'pass', $ms];
		}
		my ($text, $id) = quick_trace(id => sprintf('%08x', $run), at => 1_790_000_000 + $run * 60, tests => \@t);
		push @paths, put("$dir/$name-$run.json", $text);
		push @ids, $id;
	}
	my %store = (env => { SPEC_RUNNER_HISTORY => "$dir/$name", SPEC_RUNNER_HISTORY_DSN => undef });
	my (undef, $code, $err) = out_of(spec(), 'history', 'record', @paths, \%store);
	die $err if $code;
	unlink @paths;
	return map { my $n = $_; my ($out) = out_of(spec(), 'compare', join(',', @ids[20 - $n .. 19]), join(',', @ids[20 .. 19 + $n]), '--json', \%store); decode_json($out) } 10, 20;
}
for my $round (1 .. 3) {
	my @v = suite("slow$round", 0.08, 0);
	my @false = map { scalar grep { $_->{metric} =~ /^test:/ && $_->{verdict} eq 'regressed' } @{ $_->{results} } } @v;
	row("500 tests on a machine 8 % slower, 10 and 20 runs a side, round $round: tests that regressed", join(' and ', @false) . sprintf(' (common mode %+.1f %% told)', 100 * $v[0]{common_mode}{shift}), '0', !$false[0] && !$false[1]);
}
my @v = suite('real', 0.08, 5);
for my $k (0, 1) {
	my @hit = grep { $_->{verdict} eq 'regressed' && $_->{metric} =~ /^test:s t(\d+)$/ } @{ $v[$k]{results} };
	my $right = grep { $_->{metric} =~ /^test:s t[0-4]$/ } @hit;
	row(sprintf('5 of those 500 are 30 %% slower besides, %d runs a side: found, and false', $k ? 20 : 10), "$right of 5, " . (@hit - $right) . ' false', 'no false', @hit == $right);
}
finish_rows();
