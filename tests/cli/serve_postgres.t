#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# serve and mcp over PostgreSQL, with a role that may do nothing but SELECT: the same answers as over SQLite, and nothing of the
# DSN in any of them.
use strict;
use warnings;
use lib 'tests/lib';
use History;
use JSON::PP;
use Postgres;
use Serve;
use SpecRunner;
use Test::More;

plan skip_all => 'serve was left out: its packages are missing' unless has_serve() && has_history();
my $port = postgres_start() or plan skip_all => 'no PostgreSQL server can be started here (package postgresql)';
my $dir = new_dir();
my $psql = (reverse sort glob '/usr/lib/postgresql/*/bin/psql')[0];
sub psql { my ($db, $sql) = @_; return scalar qx{$psql -qAtX -h 127.0.0.1 -p $port -U postgres -d $db -c "$sql" 2>&1} }
psql('postgres', 'CREATE DATABASE runs');
psql('postgres', "CREATE ROLE reader LOGIN PASSWORD 'geheim-reader'");
my %dsn = (SPEC_RUNNER_HISTORY_DSN => "host=127.0.0.1 port=$port user=postgres dbname=runs password=geheim-writer",
	SPEC_RUNNER_HISTORY_READ_DSN => "host=127.0.0.1 port=$port user=reader dbname=runs password=geheim-reader");

my (@paths, @ids);
for my $n (1 .. 8) {
	my ($path, $id) = write_trace($dir, id => sprintf('%08x', $n), at => time - 4000 + $n * 60, $n % 4 == 0 ? (status => 'fail', hang => 'f-0123456789abcdef') : (),
		repo => { uri => 'u', rev => sprintf('%040x', $n / 2), branch => 'main', dirty => JSON::PP::false },
		tests => [map { ["s\\u x", "t'$_ \x{fc}", $n % 4 == 0 && $_ == 1 ? 'stalled' : 'pass', 10.125 + $_, 'x.c', $_] } 1 .. 3]);
	push @paths, $path;
	push @ids, $id;
}
is history($dir, 'record', @paths, { SPEC_RUNNER_HISTORY => "$dir/lite" })->{code}, 0, 'into SQLite';
is history($dir, 'record', @paths, { %dsn, SPEC_RUNNER_HISTORY => "$dir/pg" })->{code}, 0, 'into PostgreSQL';
psql('runs', 'GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader');

my @targets = ('/runs?limit=3', "/runs?before=$ids[4]&status=succeeded&branch=main", "/runs/$ids[3]", (map { "/runs/$ids[3]/$_" } qw(metrics tests findings hotspots graphs patches evaluations report)),
	'/tests', '/tests?state=new', "/tests/s%5Cu%20x/t'1%20%C3%BC", '/hangs', "/compare?base=$ids[0],$ids[1]&candidate=$ids[2]");
my @pages = ('/', "/?before=$ids[5]", "/ui/runs/$ids[3]", '/ui/tests', "/ui/tests/s%5Cu%20x/t'1%20%C3%BC", '/ui/hangs', '/ui/hangs/f-0123456789abcdef', "/ui/compare?base=$ids[0]&candidate=$ids[1]");
my (%of, $all);
for my $kind ('lite', 'pg') {
	my $s = serve_start($dir, '--history', "$dir/$kind", { env => $kind eq 'pg' ? \%dsn : {} });
	$of{$kind}{$_} = http('GET', $_) for @targets, @pages;
	is scalar(grep { $of{$kind}{$_}{status} != 200 } @targets, @pages), 0, "$kind: everything is there" or
		diag join "\n", map { "$_: $of{$kind}{$_}{status} $of{$kind}{$_}{body}" } grep { $of{$kind}{$_}{status} != 200 } @targets, @pages;
	is api('POST', '/runs', { workload_id => 'w' })->{status}, 201, "$kind: a run is made";
	like api('GET', '/runs?limit=1')->{json}{runs}[0]{status}, qr/created/, 'and seen';
	$all .= $_->{raw} for values %{ $of{$kind} };
	serve_stop($s);
	is $s->{code}, 0, 'and it ends well';
	$all .= $s->{out} . $s->{err};
}
for my $t (@targets) {
	my ($lite, $pg) = map { $of{$_}{$t}{body} =~ s/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/x/gr } 'lite', 'pg';
	is $pg, $lite, "$t: the same from both";
}
my $in = join '', map { JSON::PP->new->encode({ jsonrpc => '2.0', id => $_->[0], method => 'tools/call', params => { name => $_->[1], arguments => $_->[2] } }) . "\n" }
	[1, 'history_runs', { limit => 2 }], [2, 'run_findings', { run_id => $ids[3] }], [3, 'history_sql', { query => 'SELECT count(*) AS n FROM v_test_results' }],
	[4, 'history_sql', { query => "SELECT pg_read_file('/etc/passwd')" }], [5, 'history_sql', { query => 'DELETE FROM runs' }], [6, 'test_history', { id => "t'1 \x{fc}" }];
utf8::encode($in) if utf8::is_utf8($in);
write_file("$dir/in", $in);
my $r = run_spec(['mcp', '--history', "$dir/pg"], dir => $dir, stdin => "$dir/in", env => \%dsn);
my @got = map { JSON::PP->new->utf8->decode($_)->{result} } split /\n/, $r->{out};
is_deeply [map { $_->{isError} ? 1 : 0 } @got], [0, 0, 0, 1, 1, 0], 'mcp: tools read, and nothing else' or diag $r->{out};
is $got[2]{structuredContent}{rows}[0]{n}, 24, 'all results';
postgres_stop();
my $s = serve_start($dir, '--history', "$dir/lite");
serve_stop($s);
$r = run_spec(['mcp', '--history', "$dir/pg"], dir => $dir, stdin => "$dir/in", env => \%dsn);
unlike $all . $r->{out} . $r->{err}, qr/geheim|password=/, 'nothing of the DSN anywhere, also without a server';
done_testing();
