#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The history in PostgreSQL: the same answers as SQLite, many first writers at once, roles, a server that goes away, and
# nothing of the DSN in any message.
use strict;
use warnings;
use lib 'tests/lib';
use History;
use JSON::PP;
use Postgres;
use SpecRunner;
use Test::More;

plan skip_all => 'the history was left out: its packages are missing' unless has_history();
my $port = postgres_start() or plan skip_all => 'no PostgreSQL server can be started here (package postgresql)';
my $dir = new_dir();
my $psql = (reverse sort glob '/usr/lib/postgresql/*/bin/psql')[0];

sub psql { my ($db, $sql) = @_; return scalar qx{$psql -qAtX -h 127.0.0.1 -p $port -U postgres -d $db -c "$sql" 2>&1} }
psql('postgres', 'CREATE DATABASE runs');
psql('postgres', "CREATE ROLE reader LOGIN PASSWORD 'geheim-reader'");
my $dsn = "host=127.0.0.1 port=$port user=postgres dbname=runs password=geheim-writer";
my $pg = { SPEC_RUNNER_HISTORY_DSN => $dsn, SPEC_RUNNER_HISTORY => "$dir/pg" };
my $lite = { SPEC_RUNNER_HISTORY => "$dir/lite" };

# --- the same rows, the same answers
my (@paths, @ids);
for my $n (0 .. 24) {
	my ($path, $id) = write_trace($dir, id => sprintf('%08x', $n), at => time - 4000 + $n, $n % 9 == 4 ? (status => 'fail', total => 'timeout', hang => 'f-0123456789abcdef') : (),
		repo => { uri => 'u', rev => sprintf('%040x', $n / 2), branch => 'main', dirty => JSON::PP::false },
		tests => [map { ["s\\u\tx", "t'$_ \x{fc}", $n % 5 == $_ ? 'fail' : 'pass', 10.125 + $_, 'x.c', $_] } 1 .. 4]);
	push @paths, $path;
	push @ids, $id;
}
is history($dir, 'record', @paths, $lite)->{code}, 0, 'into SQLite';
my $r = history($dir, 'record', @paths, $pg);
is $r->{code}, 0, 'into PostgreSQL' or diag $r->{err};
is psql('runs', 'SELECT count(*) FROM v_test_results'), "100\n", 'anyone may read them';
for my $verb (['runs'], ['show', $ids[4]], ['tests'], ['test', "t'1 \x{fc}"], ['flaky'], ['hangs'], ['limits'], ['regressions'],
	['sql', 'SELECT suite, case_id, result, duration_ms FROM v_test_results ORDER BY run_id, suite, case_id']) {
	my ($a, $b) = map { my $x = history($dir, @$verb, '--json', $_)->{out}; $x =~ s/"artifact_id":"[^"]*"//g; $x } $lite, $pg;
	is $b, $a, "$verb->[0]: the same answer";
}
is_deeply [map { run_spec(['shard', '1/2', '-'], dir => $dir, env => $_, stdin => $paths[0])->{code} } $lite, $pg], [0, 0], 'shard';

# --- what is newer than the rows: flags, the report of a run, a trace taken in, the audit's graph
my @pass = grep { $_ % 9 != 4 } 0 .. 24;
my @sides = (join(',', @ids[@pass[0 .. 9]]), join(',', @ids[@pass[10 .. 19]]));
for my $at ($lite, $pg) {
	my $name = $at == $pg ? 'PostgreSQL' : 'SQLite';
	run_spec(['compare', @sides], dir => $dir, env => $at);
	my $flags = history_json($dir, 'sql', "SELECT COUNT(*) AS n FROM metrics WHERE metric_name = 'regression_flags' AND value = 0", $at)->{rows}[0]{n};
	cmp_ok $flags, '>', 0, "$name: flags are kept ($flags)";
	my $report = run_spec(['report', '--run-id', $ids[13]], dir => $dir, env => $at);
	is $report->{code}, 0, "$name: report --run-id" or diag $report->{err};
	like $report->{out}, qr/^Against the baseline \Q$ids[12]\E:/m, "$name: against the run before";
	like $report->{out}, qr/^- the hang f-0123456789abcdef was seen 3 times/m, "$name: its hang";
	my ($trace) = write_trace($dir, id => 'eeeeeeee', at => time);
	is run_spec(['ingest', 'artifacts', '--path', $trace], dir => $dir, env => $at)->{code}, 0, "$name: a trace is taken in";
}
psql('runs', "DELETE FROM runs WHERE run_id LIKE '%-eeeeeeee'");
$lite = { SPEC_RUNNER_HISTORY => "$dir/lite2" };
is history($dir, 'record', @paths, $lite)->{code}, 0, 'into SQLite again';

# --- SQLite to PostgreSQL and back: the same bytes
my $one = history($dir, 'export', $lite)->{out};
write_file("$dir/one.jsonl", $one);
psql('postgres', 'CREATE DATABASE copy');
my $copy = { SPEC_RUNNER_HISTORY_DSN => "postgresql://postgres:geheim-writer\@127.0.0.1:$port/copy", SPEC_RUNNER_HISTORY => "$dir/copy" };
is history($dir, 'import', "$dir/one.jsonl", $copy)->{code}, 0, 'import';
is history($dir, 'export', $copy)->{out}, $one, 'export of it: the same bytes';

# --- twelve first writers
psql('postgres', 'CREATE DATABASE many');
my $many = { SPEC_RUNNER_HISTORY_DSN => "host=127.0.0.1 port=$port user=postgres dbname=many", SPEC_RUNNER_HISTORY => "$dir/many" };
my @jobs = map { start_spec(['history', 'record', $paths[$_]], dir => $dir, env => $many) } 0 .. 11;
finish_spec($_) for @jobs;
is_deeply [grep { $_ } map { $_->{code} } @jobs], [], 'twelve first writers at once' or diag map { $_->{err} } @jobs;
is psql('many', 'SELECT count(*) FROM runs'), "12\n", 'and nothing is lost';

# --- roles and read scope
psql('runs', 'GRANT USAGE ON SCHEMA public TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader');
my $reader = { %$pg, SPEC_RUNNER_HISTORY_READ_DSN => "host=127.0.0.1 port=$port user=reader dbname=runs password=geheim-reader" };
is history($dir, 'flaky', $reader)->{code}, 0, 'SELECT alone is enough to read';
is history($dir, 'sql', 'SELECT current_user', '--json', $reader)->{out} =~ /reader/ ? 1 : 0, 1, 'by the role for reading';
for my $sql ('DELETE FROM runs', "SELECT pg_read_file('/etc/passwd')", "SELECT pg_catalog.pg_read_file('/etc/passwd')", 'SELECT 1; DELETE FROM runs',
	"SELECT lo_import('/etc/passwd')", 'SELECT pg_terminate_backend(1)', "COPY runs TO PROGRAM 'id'", 'WITH x AS (DELETE FROM runs RETURNING 1) SELECT * FROM x',
	'SELECT "pg_read_file"(\'/etc/passwd\')', "SELECT E'\\\\', pg_read_file('/etc/passwd')", "SELECT \$x\$ ' \$x\$, pg_read_file('/etc/passwd')",
	"SELECT pg_read_file /* x */ ('/etc/passwd')", "SELECT set_config('x.y', '1', false)", 'SELECT 1) AS a; DELETE FROM runs; --') {
	$r = history($dir, 'sql', $sql, $pg);
	ok $r->{code} == 2 || $r->{code} == 1, "refused: $sql" or diag $r->{out};
}
is history($dir, 'sql', 'SELECT random() > 2 AS x', $pg)->{code}, 0, 'random() may be used';
is psql('runs', 'SELECT count(*) FROM runs'), "25\n", 'nothing changed';

# --- a role that may not write, a server that is away: the trace waits in the spool, the run does not care
my $weak = { %$pg, SPEC_RUNNER_HISTORY_DSN => "host=127.0.0.1 port=$port user=reader dbname=runs password=geheim-reader" };
$r = run_spec(['run', '--', 'true'], dir => $dir, env => $weak);
is $r->{code}, 0, 'a role that may not write: the run passes';
like $r->{err}, qr/\Aspec-runner: history: [^\n]*\n\z/, 'with one line';
my @waiting = files_in("$dir/pg/spool");
is scalar @waiting, 1, 'the trace waits';
my @said = ($r->{err});
postgres_stop();
$r = run_spec(['run', '--', 'true'], dir => $dir, env => $pg);
is $r->{code}, 0, 'no server: the run passes';
push @said, $r->{err}, history($dir, 'runs', $pg)->{err}, history($dir, 'runs', $copy)->{err};
is scalar(@{[files_in("$dir/pg/spool")]}), 2, 'its trace waits, too';
unlike join('', @said), qr/geheim|user=|password|postgresql:/, 'no message holds a part of the DSN' or diag @said;
done_testing();
