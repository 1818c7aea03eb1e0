#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The history's store: what runs leave in it, what a trace becomes, export and import, verify, gc, spool, versions.
use strict;
use warnings;
use lib 'tests/lib';
use History;
use JSON::PP;
use SpecRunner;
use Test::More;

plan skip_all => 'the history was left out: its packages are missing' unless has_history();

sub shape { my ($v) = @_; return join ' ', map { "$_=" . ($v->{$_} // 'null') } sort keys %$v }

# --- named nowhere: nothing; named: every run, and nothing else changes
my $dir = new_dir();
write_file("$dir/t.tap", "TAP version 13\n1..2\nok 1 - first\nnot ok 2 - second\n");
my $r = run_spec(['run', '--', 'cat', 't.tap'], dir => $dir);
is_deeply [files_in($dir)], ['t.tap'], 'no store is named: a passing run leaves nothing';
my $plain = $r->{out};
$r = run_spec(['run', '--', 'cat', 't.tap'], dir => $dir, env => { SPEC_RUNNER_HISTORY => "$dir/h" });
is $r->{code}, 0, 'with a store: the same exit code';
is $r->{out}, $plain, 'the same output';
is $r->{err}, '', 'and not a word';
my $runs = history_json($dir, 'runs')->{runs};
is scalar @$runs, 1, 'the run is remembered';
is "$runs->[0]{status} $runs->[0]{kind} $runs->[0]{exit_code}", 'succeeded run 0', 'what it was';
like $runs->[0]{workload_id}, qr/\Acat-[0-9a-f]{8}\z/, 'its workload: the command and a hash of its words';
like $runs->[0]{device_id}, qr/\A\w+-\d+-\d+-[0-9a-f]{8}\z/, 'a class of machines';
my $rows = history_json($dir, 'sql', 'SELECT suite, case_id, attempt, result, duration_ms, file, line FROM v_test_results ORDER BY case_id')->{rows};
is join(' ', map { "$_->{case_id}:$_->{result}:$_->{attempt}" } @$rows), 'first:pass:1 second:fail:1', 'its tests';
is_deeply [grep { !m{^h/(history\.db|lock|artifacts/)} && $_ ne 't.tap' } files_in($dir)], [], 'nothing else is left behind';
is sprintf('%o', (stat "$dir/h/history.db")[2] & 07777), '600', 'files are ours alone';
is sprintf('%o', (stat "$dir/h/artifacts")[2] & 07777), '700', 'folders, too';
$r = run_spec(['run', '--', 'sh', '-c', 'exit 3'], dir => $dir, env => { SPEC_RUNNER_HISTORY => "$dir/h" });
is $r->{code}, 3, 'a failing command keeps its code';
is history_json($dir, 'show', 'latest')->{run}{exit_code}, 3, 'latest is that run';

# --- a hang: first time, then seen before
for my $n (0 .. 2) {
	$r = run_spec(['run', '--timeout-ms', '700', '--', 'sleep', '300'], dir => $dir, env => { SPEC_RUNNER_HISTORY => "$dir/h" });
	is $r->{code}, 124, "hang $n: ended";
	no_survivors($r);
	like $r->{err}, $n ? qr/^spec-runner: seen before: $n times since an unknown revision \(first \d{4}-\d\d-\d\d, last \d{4}-\d\d-\d\d\), last in run-\S+$/m
		: qr/^spec-runner: first time/m, "hang $n: what was seen before";
}
my $note = read_file("$dir/.artifacts/history.json");
obeys('history_v1.yaml', 'history.json', $note);
like read_file("$dir/.artifacts/report.md"), qr/^## History\n\n- seen before: 2 times/m, 'report.md has the line';
my $again = run_spec(['report', '--format', 'markdown'], dir => $dir);
like $again->{out}, qr/^- seen before: 2 times/m, 'report makes it again';
like run_spec(['report', '--format', 'html'], dir => $dir)->{out}, qr/seen before: 2 times/, 'the page has it';
my $hangs = history_json($dir, 'hangs')->{hangs};
is scalar @$hangs, 1, 'one hang';
is "$hangs->[0]{count} $hangs->[0]{runs} $hangs->[0]{rate}", '3 3 1', 'its count, runs and rate';
unlike read_file("$dir/.artifacts/findings.json"), qr/seen before/, 'findings.json does not depend on history';

# --- record by hand: once; what a trace tells
$dir = new_dir();
my $repo = { uri => 'https://x/y.git', rev => 'a' x 40, branch => 'main', dirty => JSON::PP::false };
my ($trace, $id) = write_trace($dir, id => '00000001', status => 'fail', repo => $repo, total => 'timeout', exit_code => 124, hang => 'f-0123456789abcdef',
	tests => [['s', 'a', 'pass', 12.345, 'x.c', 7], ['s', 'b', 'stalled', 5], ['', 'c', 'skip', 0], ['s', 'a', 'fail', 1]]);
$r = history($dir, 'record', $trace);
is "$r->{code} $r->{out}", "0 recorded $id\n", 'recorded';
$r = history($dir, 'record', $trace, $trace);
is $r->{code}, 0, 'the same trace again';
my $show = history_json($dir, 'show', $id);
is shape($show->{run}), 'branch=main ci_json=null command=run make check created_at=' . $show->{run}{created_at} .
	" device_id=$show->{run}{device_id} duration_ms=20.345 ended_by=watchdog exit_code=124 finished_at=$show->{run}{finished_at} kind=run" .
	' parent_run_id=null repo_dirty=0 repo_rev=' . 'a' x 40 . " repo_uri=https://x/y.git run_id=$id shard=null status=failed" .
	" toolchain_id=null workload_id=$show->{run}{workload_id}", 'the row of the run';
is join(' ', map { "$_->{suite}/$_->{case_id}/$_->{attempt}:$_->{result}:" . ($_->{duration_ms} // '-') . ':' . ($_->{file} // '-') . ':' . ($_->{line} // '-') }
	@{ $show->{tests} }), '/c/1:skip:0:-:- s/a/1:pass:12.345:x.c:7 s/a/2:fail:1:-:- s/b/1:stalled:5:-:-', 'its tests, with attempts';
is join(' ', map { "$_->{metric_name}=$_->{value}$_->{unit}" } @{ $show->{metrics} }),
	'longest_idle_ms=12.5ms output_bytes=15bytes run_duration_ms=20.345ms tests_failed=2count tests_total=4count', 'its metrics';
is join(' ', map { $_->{kind} } @{ $show->{artifacts} }), 'findings trace', 'its artifacts';
is history_json($dir, 'sql', 'SELECT signature, case_id FROM v_hangs')->{rows}[0]{case_id}, 'b', 'v_hangs names the test that hung';
$r = history($dir, 'record', '--repo-rev', 'bbb', '--branch', 'dev', '--repo-dirty', '--workload', 'W', '--device', 'D', (write_trace($dir, id => '00000002'))[0]);
my $two = history_json($dir, 'show', 'latest:dev')->{run};
is "$two->{repo_rev} $two->{branch} $two->{repo_dirty} $two->{workload_id} $two->{device_id}", 'bbb dev 1 W D', 'options go before the trace';
is history($dir, 'show', 'run-nope')->{code}, 1, 'an unknown run is exit 1';
like history($dir, 'show', 'run-nope')->{err}, qr/'run-nope'/, 'with its name';

# --- a trace that is none, a spool with a bad file
write_file("$dir/none.json", '{"run_id": "x"}');
is history($dir, 'record', "$dir/none.json")->{code}, 1, 'not a trace';
my ($text3, $id3) = make_trace(id => '00000003');
write_file("$dir/h/spool/$id3.json", $text3);
write_file("$dir/h/spool/run-bad.json", '{"run_id": ');
$r = history($dir, 'record', $trace);
like $r->{err}, qr/^spec-runner: history: 1 file in the spool could not be read: see \S*run-bad\.json\.bad$/m, 'a bad file of the spool is named';
is history_json($dir, 'show', $id3)->{run}{run_id}, $id3, 'a good one is taken in';
is_deeply [files_in("$dir/h/spool")], ['run-bad.json.bad'], 'the spool is empty but for the bad one';

# --- export, import, export: the same bytes; a changed run is a conflict
$r = history($dir, 'export', "$dir/one.jsonl", '--with-artifacts', "$dir/files");
is $r->{code}, 0, 'export';
my $one = read_file("$dir/one.jsonl");
like $one, qr/\A\{"spec_runner_history": 1, "schema": 1\}\n\{"table":"runs"/, 'its head';
my $h2 = { SPEC_RUNNER_HISTORY => "$dir/h2" };
$r = history($dir, 'import', "$dir/one.jsonl", '--with-artifacts', "$dir/files", $h2);
is "$r->{code} $r->{out}", "0 imported 3 runs, 0 known already\n", 'import';
is history($dir, 'export', $h2)->{out}, $one, 'export of the import: the same bytes';
is history($dir, 'verify', $h2)->{out}, "ok\n", 'and whole';
is history($dir, 'import', "$dir/one.jsonl", $h2)->{out}, "imported 0 runs, 3 known already\n", 'a second import changes nothing';
(my $other = $one) =~ s/"result":"skip"/"result":"pass"/;
write_file("$dir/other.jsonl", $other);
$r = history($dir, 'import', "$dir/other.jsonl", $h2);
is $r->{code}, 1, 'other content: exit 1';
like $r->{err}, qr/\Q$id\E/, 'with its name';
is history($dir, 'export', $h2)->{out}, $one, 'and nothing of it changed';
write_file("$dir/broken.jsonl", "{\"spec_runner_history\": 1, \"schema\": 1}\n{\"table\":\"runs\",\"row\":{\"run_id\":3}}\n");
like history($dir, 'import', "$dir/broken.jsonl", $h2)->{err}, qr/broken\.jsonl:2: runs\.run_id is of another type/, 'a bad line is named';
is history($dir, 'merge', "$dir/h", { SPEC_RUNNER_HISTORY => "$dir/h3" })->{out}, "imported 3 runs, 0 known already\n", 'merge';
is history($dir, 'verify', { SPEC_RUNNER_HISTORY => "$dir/h3" })->{out}, "ok\n", 'with its artifacts';

# --- verify
my ($file) = grep { /\.json$/ } files_in("$dir/h2/artifacts");
chmod 0600, "$dir/h2/artifacts/$file";
write_file("$dir/h2/artifacts/$file", 'changed');
write_file("$dir/h2/artifacts/aa/stray.bin", 'x') if -d "$dir/h2/artifacts/aa" || mkdir "$dir/h2/artifacts/aa";
symlink '/etc/passwd', "$dir/h2/artifacts/aa/link.bin";
$r = history($dir, 'verify', $h2);
is $r->{code}, 1, 'verify finds faults';
like $r->{out}, qr/^ERROR: artifacts: \Qartifacts\/$file\E: another number of bytes/m, 'a changed file';
like $r->{out}, qr/^ERROR: artifacts: artifacts\/aa\/stray\.bin: no row names it$/m, 'a stray file';
like $r->{out}, qr/^ERROR: artifacts: artifacts\/aa\/link\.bin: a symbolic link$/m, 'a link';

# --- sql: SELECT alone
for my $sql ('DELETE FROM runs', 'SELECT 1; SELECT 2', "ATTACH 'x' AS y", 'PRAGMA user_version = 9', 'CREATE TEMP TABLE t (a)',
	"SELECT load_extension('x')", "SELECT writefile('x', 'y')", 'VACUUM', "INSERT INTO runs (run_id) VALUES ('x')", '') {
	my $before = history($dir, 'export')->{out};
	$r = history($dir, 'sql', $sql);
	ok $r->{code} == 2 || $sql =~ /writefile/ && $r->{code} == 1, "refused: $sql" or diag "exit code $r->{code}: $r->{err}";
	is history($dir, 'export')->{out}, $before, 'and nothing changed';
}
is history($dir, 'sql', 'SELECT nope FROM runs')->{code}, 1, 'an error of SQL is exit 1';
is history($dir, 'sql', 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n')->{code}, 1, 'too many rows';

# --- versions, another program's database, a DSN in a flag, wrong words
is history($dir, 'migrate', '--dry-run')->{out}, "schema version 1, this program has 1: nothing to do\n", 'migrate --dry-run';
SKIP: {
	skip 'no sqlite3 here', 3 if system('command -v sqlite3 >/dev/null') != 0;
	system('sqlite3', "$dir/h3/history.db", 'PRAGMA user_version = 99');
	my $bytes = read_file("$dir/h3/history.db");
	$r = history($dir, 'runs', { SPEC_RUNNER_HISTORY => "$dir/h3" });
	is $r->{code}, 125, 'a newer schema is refused';
	like $r->{err}, qr/version 99.*up to 1/, 'both versions are named';
	is read_file("$dir/h3/history.db"), $bytes, 'and left as it is';
}
is history($dir, 'runs', { SPEC_RUNNER_HISTORY => "$dir/nowhere" })->{code}, 1, 'no store: exit 1';
$r = history($dir, 'runs', '--history', 'postgresql://u:secret@h/db');
is $r->{code}, 2, 'a DSN in a flag is exit 2';
unlike $r->{err}, qr/secret/, 'and is not repeated';
$r = history($dir, 'rnus');
is $r->{code}, 2, 'an unknown command';
like $r->{err}, qr/did you mean 'runs'/, 'with the nearest';

# --- gc: age and number, but never the last of a branch
for my $n (1 .. 30) {
	history($dir, 'record', '--workload', 'G', '--branch', 'g', (write_trace($dir, id => sprintf('000001%02d', $n), at => time - 86400 * 400 + $n))[0]);
}
history($dir, 'gc');
is scalar @{ history_json($dir, 'runs', '--branch', 'g')->{runs} }, 20, 'gc drops what is old, and keeps the last 20 of a branch';
is history($dir, 'verify')->{out}, "ok\n", 'and the store is whole' unless -e "$dir/h/artifacts/aa/link.bin";

my $hmopt = (spec() =~ s{[^/]*$}{}r) . '.artifacts/libexec/hmopt';
is scalar(qx{cd $dir && SPEC_RUNNER_HISTORY=$dir/h $hmopt history info}), history($dir, 'info')->{out}, 'hmopt is another name';
obeys('history_v1.yaml', 'every answer', map { my $x = history($dir, @$_, '--json'); $x->{out} } ['runs'], ['show', $id], ['tests'], ['test', 's a'],
	['flaky'], ['hangs'], ['limits'], ['info'], ['sql', 'SELECT 1 AS x']);
done_testing();
