#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# report --run-id, regression_flags, a trace that is taken in, parts of `test` by plan.
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

sub verb { my @words = @_; return run_spec(\@words, dir => $dir, env => $home) }
sub sql { return history_json($dir, 'sql', $_[0])->{rows} }

# --- a trace taken in is the run that it is of
my @ids;
for my $n (0 .. 20) {
	my ($path, $id) = write_trace($dir, id => sprintf('%08x', $n), at => time - 86400 + $n * 60, ms => ($n < 10 ? 1000 : 2000) + $n,
		tests => [['s<b>', 'one|two', 'pass', 5], ['s<b>', 'bad', $n == 20 ? 'fail' : 'pass', 5, 'a_b.c', 7]],
		status => $n == 20 ? 'fail' : 'pass', ($n == 20 ? (hang => 'f-0123456789abcdef') : ()),
		repo => { uri => 'u', rev => sprintf('%040x', $n), branch => 'main', dirty => JSON::PP::false });
	my $r = verb('ingest', 'artifacts', '--path', $path, '--json');
	$r->{code} == 0 or fail "trace $n: $r->{err}";
	my $v = $json->decode($r->{out});
	obeys('ingest_v1.yaml', 'its answer', $r->{out}) unless $n;
	is "$v->{run_id} $v->{artifacts}[0]{kind}", "$id trace", "trace $n: its own run, its artifact" if $n % 10 == 0;
	my ($tests) = grep { $_->{metric_name} eq 'tests_total' } @{ $v->{metrics} };
	is $tests->{value}, 2, "trace $n: its metrics" unless $n;
	push @ids, $id;
}
is sql("SELECT COUNT(*) AS n FROM runs WHERE kind = 'run'")->[0]{n}, 21, '21 runs';
is sql('SELECT COUNT(*) AS n FROM v_test_results')->[0]{n}, 42, 'their tests';
my $again = verb('ingest', 'artifacts', '--kind', 'trace', '--path', "$dir/t-$ids[3]/run-trace.json");
is "$again->{code} " . ($again->{out} =~ /^(\S+)/)[0], "0 $ids[3]", 'twice is one run';
is sql('SELECT COUNT(*) AS n FROM runs')->[0]{n}, 21, 'none was added';
write_file("$dir/no.json", '{"run_id": 3, "started_at": 1}');
is verb('ingest', 'artifacts', '--path', 'no.json')->{code}, 2, 'what is no trace: exit 2';

# --- flags
my @sides = (join(',', @ids[0 .. 9]), join(',', @ids[10 .. 19]));
is verb('compare', @sides)->{code}, 1, 'it regressed';
my $flags = sql("SELECT run_id, value, tags_json FROM metrics WHERE metric_name = 'regression_flags' ORDER BY run_id, tags_json");
my ($mine) = grep { $_->{run_id} eq $ids[12] && $_->{tags_json}{metric} eq 'run_duration_ms' } @$flags;
is "$mine->{value} $mine->{tags_json}{verdict}", '1 regressed', 'the candidate has the flag';
is scalar(grep { $_->{run_id} eq $ids[0] } @$flags), 0, 'the base has none';
is scalar(grep { $_->{value} != ($_->{tags_json}{verdict} eq 'regressed') } @$flags), 0, 'flags are 0 or 1 by their verdict';
verb('compare', @sides);
is sql("SELECT COUNT(*) AS n FROM metrics WHERE metric_name = 'regression_flags'")->[0]{n}, scalar @$flags, 'once each';
is verb('history', 'verify')->{code}, 0, 'the store is whole';

# a reader waits for no writer: not even to keep what it found
open my $lock, '+<', "$dir/h/lock" or die;
flock $lock, 2 or die;
my $waited = run_spec(['compare', $sides[1], $sides[0]], dir => $dir, env => $home, timeout => 60);
is $waited->{code}, 0, 'compare while a writer holds the store';
close $lock;
is sql("SELECT COUNT(*) AS n FROM metrics WHERE metric_name = 'regression_flags'")->[0]{n}, scalar @$flags, 'what it found is not kept then';

# --- the report of a stored run
my $r = verb('report', '--run-id', $ids[20]);
is "$r->{code} $r->{err}", '0 ', 'report --run-id';
like $r->{out}, qr/\A# \Q$ids[20]\E: failed, exit code 1\n/, 'its first line';
like $r->{out}, qr/^\| fail \| s&lt;b> \| bad \| 1 \| 5\.0 ms \| a_b\.c:7 \|$/m, 'the test that failed, as text';
like $r->{out}, qr/^- the hang f-0123456789abcdef was seen 1 time in \d+ runs/m, 'its hang, and how often';
like $r->{out}, qr/^Against the baseline \Q$ids[19]\E:\n\n\| metric .*?^\| run_duration_ms \| 2019\.000 \| 2020\.000 \|/ms, 'against the run before';
like $r->{out}, qr/^## \Q$_\E$/m, "section $_" for 'Findings', 'Tests', 'History', 'KPIs', 'Artifacts', 'Risk and the way back';
unlike $r->{out}, qr/^## (Hotspots|Patches|Windows)/m, 'nothing is said of what is not there';
like verb('report', '--run-id', $ids[12])->{out}, qr/^\| process \| regression_flags \| 1\.000 \| flag \| .*run_duration_ms/m, 'flags are told';
$r = verb('report', '--run-id', 'latest', '--format', 'html', '-o', 'page.html');
is "$r->{code} $r->{out}", '0 ', 'a page into a file';
my $page = read_file("$dir/page.html");
like $page, qr/<td>s&lt;b&gt;<\/td>/, 'escaped';
unlike $page, qr/<script|<b>/, 'no script, no markup of a test';
is $json->decode(verb('report', '--run-id', 'latest:main', '--format', 'json')->{out})->{run}{run_id}, $ids[20], 'as JSON';
like verb('report', '--run-id', 'run-nope')->{err}, qr/no run 'run-nope' in the history/, 'no such run';
is verb('report', '--run-id', 'run-nope')->{code}, 1, 'exit 1';
is verb('report', '--run-id', 'latest', '--format', 'tap')->{code}, 2, 'a format that it has not: exit 2';
is verb('report', '--run-id', 'latest', 'x.json')->{code}, 2, 'and a trace: exit 2';

# --- what is not there, what names a database, answers of the keepers
is verb('history', 'merge', 'nowhere')->{code}, 1, 'merge of nothing: exit 1';
is verb('history', 'import', 'nowhere')->{code}, 1, 'import of nothing: exit 1';
write_file("$dir/broken.jsonl", "{\"spec_runner_history\": 1, \"schema\": 1}\n{nonsense\n");
$r = verb('history', 'import', 'broken.jsonl');
is $r->{code}, 2, 'import of what is no export: exit 2';
like $r->{err}, qr/broken\.jsonl:2:/, 'file and line';
is $json->decode(verb('history', $_, '--json')->{out})->{version}, 1, "$_ --json" for 'verify', 'gc', 'migrate';
is_deeply $json->decode(verb('history', 'verify', '--json')->{out})->{faults}, [], 'no fault';
for my $words (['run', '--history', 'postgresql://u:secret@h/d', '--', 'touch', 'ran'], ['history', 'runs', '--history', 'host=h dbname=d password=secret']) {
	$r = verb(@$words);
	is $r->{code}, 2, "$words->[0]: a database in a flag is an error";
	like $r->{err}, qr/SPEC_RUNNER_HISTORY_DSN/, 'and where it belongs';
	unlike $r->{err}, qr/secret/, 'without repeating it';
}
ok !-e "$dir/ran", 'nothing was run';

# --- analyze --static: the audit's graph; a program that answers like it does stands in where the grammars are missing
my $code = new_dir();
write_file("$code/a.py", "class A:\n    def f(self): return g(3)\ndef g(x):\n    return x\ndef main():\n    A().f()\n");
write_file("$code/st.folded", "a.main;a.A.f;a.g 70\na.main 30\n");
my $node = sub { my ($name, $kind, $line, $end) = @_; return qq("$name":{"fqname":"$name","kind":"$kind","file":"a.py","line":$line,"end_line":$end}) };
write_file("$code/spec-runner-audit", "#!/bin/sh\ncat <<'E'\n{\"version\":1,\"nodes\":{" . join(',', $node->('a', 'module', 1, 6),
	$node->('a.A.f', 'method', 2, 2), $node->('a.g', 'function', 3, 4), $node->('a.main', 'function', 5, 6)) .
	"},\"edges\":{\"a.A.f\":[\"a.g\"],\"a.main\":[\"a.A.f\"]}}\nE\n");
chmod 0755, "$code/spec-runner-audit";
my %at_code = (dir => $code, env => { SPEC_RUNNER_HISTORY => "$code/h", PATH => "$code:$ENV{PATH}" });
my ($profile) = run_spec(['ingest', 'artifacts', '--path', 'st.folded'], %at_code)->{out} =~ /^(\S+)/;
$r = run_spec(['analyze', '--run-id', $profile, '--static', '--json'], %at_code);
is $r->{code}, 0, 'analyze --static' or diag $r->{err};
is $json->decode($r->{out})->{graph}{nodes}, 4, 'three functions and a class';
is run_spec(['analyze', '--run-id', $profile], %at_code)->{code}, 0, 'and then --runtime';
is_deeply history_json($code, 'sql', "SELECT symbol, file_path, line_start, line_end FROM hotspots WHERE symbol = 'a.g'")->{rows},
	[{ symbol => 'a.g', file_path => 'a.py', line_start => 3, line_end => 4 }], 'a hotspot has its place';
my $graph = history_json($code, 'sql', "SELECT a.path AS path, g.metadata_json FROM graphs g JOIN artifacts a ON a.artifact_id = g.payload_artifact_id WHERE g.kind = 'PSG'")->{rows}[0];
is "$graph->{metadata_json}{nodes} $graph->{metadata_json}{edges}", '4 4', 'two calls, one member both ways';
my $psg = $json->decode(read_file("$code/h/$graph->{path}"));
is join(' ', map { "$_->{kind}:$_->{symbol}" } @{ $psg->{nodes} }), 'function:a.A.f function:a.g function:a.main class:a.A', 'its nodes';
my %by = map { ("$_->{kind} $psg->{nodes}[$_->{from}]{symbol} $psg->{nodes}[$_->{to}]{symbol}" => 1) } @{ $psg->{edges} };
is_deeply [sort keys %by], ['call_static a.A.f a.g', 'call_static a.main a.A.f', 'hasmember a.A a.A.f', 'ismember a.A.f a.A'], 'its edges';
like $psg->{nodes}[1]{body_hash}, qr/\A[0-9a-f]{64}\z/, 'with hashes of bodies';
is $psg->{nodes}[1]{signature}, 'def g(x):', 'and signatures';
my $pack = $json->decode(run_spec(['evidence', '--run-id', $profile, '--symbol', 'a.A.f'], %at_code)->{out});
is_deeply $pack->{items}[0]{psg}, { callers => ['a.main'], callees => ['a.g'], owner => 'a.A', refs => [], config_guards => [] }, 'the pack has its neighbours';

# --- test --shard: one plan, out of the history's times
my $suite = new_dir();
my $env = { SPEC_RUNNER_HISTORY => "$suite/h" };
mkdir "$suite/specs";
write_file("$suite/specs/a.spec.yaml", "version: 1\nsuite: cli\ncases:\n" . join '', map {
	"  - {id: C-$_, harness: {type: cli.run, argv: [sleep, '" . ($_ == 4 ? 0.6 : 0.01) . "']}, expect: {must: [{target: exit_code, equals: 0}]}}\n" } 1 .. 6);
is run_spec(['test'], dir => $suite, env => $env)->{code}, 0, 'a first run';
my $part = sub { return run_spec(['test', '--list', '--shard', @_], dir => $suite, env => $env) };
is $part->('1/2')->{out}, "C-4\n", 'the long one is a part of its own';
is $part->('2/2')->{out}, join('', map { "C-$_\n" } 1, 2, 3, 5, 6), 'the others are the other';
like $part->('2/2')->{err}, qr/plan [0-9a-f]{12}: part 2 of 2, 5 of 6 names/, 'which plan';
is $part->('1/3', '--plan-key', 'k')->{code}, 0, 'a plan under a key';
$r = $part->('1/2', '--plan-key', 'k');
is $r->{code}, 2, 'another number of parts under that key is an error';
like $r->{err}, qr/the plan 'k' has 3 parts, not 2/, 'and says so';
$env = {};
is $part->('1/2', '--plan-key', 'k')->{code}, 2, 'a key without a store is an error';
is $part->('1/2')->{out}, "C-1\nC-3\nC-5\n", 'without a store: in turn';
done_testing;
