#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# mcp: the official inspector of npm calls every tool in each era of the protocol, and finds no fault in their schemas; then a
# hostile peer: a line of 100 MB, 2,000 requests at once that end in the middle, a client that is killed.
# Usage: tests/show/mcp_inspector.pl, after contrib/install-deps.sh web. Exit 1 where something failed.
use strict;
use warnings;
use lib 'tests/lib';
use History;
use IPC::Open3;
use JSON::PP;
use SpecRunner;
use Test::More;
use Time::HiRes qw(time);

my $inspector = ($ENV{WEB_MODULES} // SpecRunner::root() . '/.artifacts/web') . '/node_modules/.bin/mcp-inspector';
my $json = JSON::PP->new->utf8->canonical;
my $dir = new_dir();
my (@paths, @runs);
for my $i (1 .. 6) {
	my ($path, $id) = write_trace($dir, id => sprintf('%08x', $i), at => time - 3600 * (10 - $i), status => $i % 2 ? 'pass' : 'fail',
		repo => { uri => 'https://h/r', rev => 'a' x 40, branch => 'main', dirty => JSON::PP::false },
		tests => [['s', 'steady', 'pass', 100 + $i], ['s', 'wavers', $i % 2 ? 'pass' : 'fail', 10]], $i == 4 ? (hang => 'f-0123456789ab') : ());
	push @paths, $path;
	push @runs, $id;
}
is history($dir, 'record', @paths)->{code}, 0, 'six runs are recorded';
write_file("$dir/app.py", "def fetch(u):\n\treturn open(u)\n\ndef process(xs):\n\treturn [fetch(x) for x in xs]\n");
write_file("$dir/spec-runner.yaml", "version: 1\naudit:\n  actions:\n    - {name: act, entry_points: [app.process]}\n");
my %calls = (history_runs => { limit => 3 }, run_findings => { run_id => $runs[3] }, hang_history => {}, flaky_tests => {}, test_history => { id => 'wavers' },
	compare_runs => { base => "$runs[0],$runs[2]", candidate => $runs[4] }, evidence_pack => { run_id => $runs[3] },
	history_sql => { query => 'SELECT run_id, status FROM runs ORDER BY run_id' }, code_path_audit => { action_name => 'act' });

sub inspect {
	my ($era, @words) = @_;
	return run_plain([$inspector, '--cli', '--protocol-era', $era, '--connect-timeout', 60000 * slow_factor(), '-q', spec(), 'mcp', '--history', "$dir/h", @words], dir => $dir,
		timeout => 120, env => { HOME => $dir });
}

SKIP: {
	skip 'no inspector here: contrib/install-deps.sh web', 1 unless -x $inspector;
	for my $era (qw(legacy auto modern)) {
		my $r = inspect($era, '--method', 'tools/list', '--strict');
		is $r->{code}, 0, "$era: tools/list --strict" or diag $r->{err};
		my @tools = map { $_->{name} } @{ (eval { $json->decode($r->{out}) } // {})->{tools} // [] };
		is_deeply [sort @tools], [sort keys %calls], "$era: all tools" or diag $r->{out};
		for my $tool (sort keys %calls) {
			$r = inspect($era, '--method', 'tools/call', '--tool-name', $tool, '--tool-args-json', $json->encode($calls{$tool}));
			my $v = eval { $json->decode($r->{out}) } // {};
			ok $r->{code} eq '0' && ref $v->{structuredContent} eq 'HASH' && !$v->{isError}, "$era: $tool" or diag "$r->{code} $r->{out} $r->{err}";
		}
	}
}

# --- a hostile peer
sub peak_kib { my ($pid) = @_; return (read_file("/proc/$pid/status") // '') =~ /VmHWM:\s+(\d+)/ ? $1 : -1 }
sub request { my ($id, $method, $params) = @_; return $json->encode({ jsonrpc => '2.0', id => $id, method => $method, $params ? (params => $params) : () }) . "\n" }
$SIG{PIPE} = 'IGNORE';
my $pid = open3(my $in, my $out, undef, spec(), 'mcp', '--history', "$dir/h");
for my $what ('x' x 1000, '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"history_sql","arguments":{"query":"' . 'x' x 900) {
	print $in $what;
	print $in 'y' x (1 << 20) for 1 .. 100;
	print $in "\n";
	print $in request(2, 'ping');
	$in->flush;
	my ($first, $second) = (scalar <$out>, scalar <$out>);
	like $first, qr/-32700/, 'a line of 100 MB is refused';
	like $second, qr/"id":2,"result"/, 'and the server lives on';
}
my $peak = peak_kib($pid);
cmp_ok $peak, '<', 64 << 10, "its memory: $peak KiB at most";
close $in;
waitpid $pid, 0;
is $?, 0, 'the end of input ends it';

$pid = open3($in, $out, undef, spec(), 'mcp', '--history', "$dir/h");
my $n = 2000;
if (!(my $writer = fork() // die)) {
	print $in join '', map { $_ % 3 == 0 ? request("a$_", 'ping') : $_ % 3 == 1 ? request($_, 'tools/call', { name => 'history_runs', arguments => { limit => 2 } }) : "{broken $_\n" } 1 .. $n;
	print $in '{"jsonrpc":"2.0","id":"last","method":"pi';
	close $in;
	POSIX::_exit(0);
}
close $in;
my %seen;
while (my $l = <$out>) { my $v = $json->decode($l); $seen{ defined $v->{id} ? $v->{id} =~ /^a/ ? 'ping' : 'call' : 'broken' }++ }
waitpid $pid, 0;
is_deeply \%seen, { ping => int($n / 3), call => int(($n + 2) / 3), broken => $n - int($n / 3) - int(($n + 2) / 3) + 1 }, "$n requests at once, and a sudden end: every answer" or diag explain \%seen;
wait;

my $from = time;
my $client = fork() // die;
if (!$client) {
	pipe(my $r, my $w);
	my $server = fork();
	if (!$server) { open STDIN, '<&', $r; close $w; open STDOUT, '>', "$dir/out"; exec spec(), 'mcp', '--history', "$dir/h" }
	write_file("$dir/server", $server);
	close $r;
	syswrite $w, request(1, 'ping') . '{"jsonrpc"';
	sleep 100;
}
wait_until(30, sub { (read_file("$dir/out") // '') =~ /"id":1/ });
kill KILL => $client;
waitpid $client, 0;
my $server = read_file("$dir/server");
ok wait_until(10, sub { !-e "/proc/$server" || (read_file("/proc/$server/stat") // ') Z') =~ /\) Z/ }), 'a client that is killed: the server ends';
done_testing();
