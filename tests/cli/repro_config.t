#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# repro: the keys of spec-runner.yaml, a selection of one's own, and what the history gets to know.
use strict;
use warnings;
use lib 'tests/lib';
use History;
use JSON::PP;
use SpecRunner;
use Test::More;
use Time::HiRes;

my $dir = new_dir();
mkdir "$dir/.git";
my $json = JSON::PP->new;
my $file; # repro.sh of the newest
sub config { write_file("$dir/spec-runner.yaml", "version: 1\n$_[0]\n") }
sub repro { return run_spec(['repro', @_], dir => $dir, timeout => 60) }
sub newest { my ($f) = sort { (Time::HiRes::stat($b))[9] <=> (Time::HiRes::stat($a))[9] } glob "$dir/.artifacts/repro/*/repro.json"; $file = $f =~ s/json$/sh/r; return $json->decode(read_file($f)) }

# --- a suite: all of it, or the test that it is given
write_file("$dir/suite", <<'EOF');
#!/bin/sh
if [ $# -gt 0 ]; then echo "1..1"; echo "not ok 1 - $1"; exit 1; fi
printf '1..3\nok 1 - a\nnot ok 2 - bad one\nok 3 - c\n'
exit 1
EOF
chmod 0755, "$dir/suite";
is run_spec(['run', '--', './suite'], dir => $dir)->{code}, 1, 'a run with a failed test';
config('repro: {runs: 2, until: end, perturb: none, limit_ms: 9s, select: {argv: [./suite, "{test}"]}}');
my $r = repro();
is $r->{code}, 0, 'keys of the file: reproduced' or diag $r->{err};
my $v = newest();
like read_file($file), qr/^exec '.\/suite' 'bad one'$/m, 'repro.select: the test stands for {test}, as one word';
is_deeply $v->{selection}{tests}, ['bad one'], 'which tests';
like $r->{err}, qr/repro\.select: 1 of 3 tests/, 'and how';
is scalar @{ $v->{runs} }, 2, 'repro.runs, repro.until';
config('repro: {limit_ms: auto, for_ms: 30s}');
is repro('--runs', 1, '--select', './suite', '--select', 'x{test}', '--limit-ms', 'auto')->{code}, 0, 'auto, and --select';
newest();
like read_file($file), qr/^exec '.\/suite' 'xbad one'$/m, 'words of --select';
for (['select: [a]', qr/2:17: 'repro\.select' must be \{argv: \[WORD, \.\.\.\]\}/], ['select: {}', qr/'repro\.select' must be/],
	['select: {argz: [a]}', qr/unknown key 'argz'/], ['runs: 0', qr/'runs' must be a whole number from 1/], ['nonsense: 1', qr/unknown key 'nonsense'/]) {
	config("repro: {$_->[0]}");
	$r = repro();
	is $r->{code}, 2, "repro: {$_->[0]}: exit 2";
	like $r->{err}, qr/spec-runner\.yaml:.*?$_->[1]/, 'and why';
}

# --- the history: kind repro, and it counts for nothing else
SKIP: {
	skip 'the history was left out', 6 unless has_history();
	config("history: {dir: h}");
	write_file("$dir/hangs", "#!/bin/sh\necho 1..2; echo ok 1 - a\nexec sleep 300\n");
	chmod 0755, "$dir/hangs";
	is run_spec(['run', '--timeout-ms', '700', '--', './hangs'], dir => $dir)->{code}, 124, 'a run that hangs';
	$r = repro('--runs', 3, '--until', 'end', '--perturb', 'none');
	is $r->{code}, 0, 'it is reproduced' or diag $r->{err};
	my %at = (SPEC_RUNNER_HISTORY => undef);
	my $runs = history_json($dir, 'runs', \%at)->{runs};
	is join(' ', sort map { $_->{kind} } @$runs), 'repro run', 'the run, and the first that hung again';
	obeys('history_v1.yaml', 'history runs', history($dir, 'runs', '--json', \%at)->{out});
	is history_json($dir, 'hangs', \%at)->{hangs}[0]{count}, 1, 'what was provoked is no recurrence';
	is history_json($dir, 'tests', \%at)->{tests}[0]{attempts}, 1, 'nor are its tests results';
}
no_survivors($r);
done_testing;
