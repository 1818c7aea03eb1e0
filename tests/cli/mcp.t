#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# mcp: both eras of the protocol, every tool against its verb, bad requests, hostile peers; the official clients of npm where
# they are installed (contrib/install-deps.sh web).
use strict;
use warnings;
use lib 'tests/lib';
use History;
use IPC::Open3;
use Encode ();
use JSON::PP;
use SpecRunner;
use Test::More;
use Time::HiRes qw(time);

my $spec = spec();
my $libexec = ($spec =~ s{[^/]*$}{}r) . '.artifacts/libexec';
plan skip_all => 'mcp was left out: its packages are missing' unless -x "$libexec/spec-runner-mcp" && has_history();
my $dir = new_dir();
my $json = JSON::PP->new->utf8->canonical;
my $now = time;
my (@paths, @runs);
for my $i (1 .. 6) {
	my ($path, $id) = write_trace($dir, id => sprintf('%08x', $i), at => $now - 3600 * (10 - $i), status => $i % 2 ? 'pass' : 'fail',
		repo => { uri => 'https://h/r', rev => 'a' x 40, branch => 'main', dirty => JSON::PP::false },
		tests => [['s', 'steady', 'pass', 100 + $i], ['s', 'wavers', $i % 2 ? 'pass' : 'fail', 10]], $i == 4 ? (hang => 'f-0123456789ab') : ());
	push @paths, $path;
	push @runs, $id;
}
is history($dir, 'record', @paths)->{code}, 0, 'six runs are recorded';
our $home = { SPEC_RUNNER_HISTORY => "$dir/h" };

# Lines in, answers out: by id where they have one. Everything else that came back is in {''}.
my $last;
sub talk {
	my @lines = map { ref $_ ? $json->encode($_) : $_ } @_;
	write_file("$dir/in", join '', map { "$_\n" } @lines);
	$last = run_spec(['mcp'], dir => $dir, stdin => "$dir/in", env => $home);
	my %by;
	for (split /\n/, $last->{out}) {
		my $v = eval { $json->decode($_) };
		ok 0, "an answer is JSON: $_" unless $v;
		push @{ $by{ $v->{id} // '' } }, $v if ref $v eq 'HASH';
	}
	return \%by;
}
sub request { my ($id, $method, $params) = @_; return { jsonrpc => '2.0', id => $id, method => $method, $params ? (params => $params) : () } }
my $meta = { 'io.modelcontextprotocol/protocolVersion' => '2026-07-28', 'io.modelcontextprotocol/clientCapabilities' => {}, 'io.modelcontextprotocol/clientInfo' => { name => 't', version => '1' } };

# --- the old era
for my $v (qw(2025-11-25 2025-06-18 2025-03-26 2024-11-05 2024-10-07), '1999-01-01') {
	my $r = talk(request(1, 'initialize', { protocolVersion => $v, capabilities => {}, clientInfo => { name => 't', version => '1' } }))->{1}[0]{result};
	is $r->{protocolVersion}, $v eq '1999-01-01' ? '2025-11-25' : $v, "initialize with $v";
	ok $r->{capabilities}{tools} && $r->{serverInfo}{name} && !exists $r->{resultType}, 'as that era wants it';
}
my $r = talk(request('x', 'ping'), request(2, 'tools/list'), { jsonrpc => '2.0', method => 'notifications/initialized' });
is_deeply $r->{x}[0]{result}, {}, 'ping';
is_deeply [sort keys %$r], [qw(2 x)], 'a notification gets no answer';
my @tools = @{ $r->{2}[0]{result}{tools} };
my $audit = -x "$libexec/spec-runner-audit" ? 1 : 0;
is_deeply [map { $_->{name} } @tools], [qw(history_runs run_findings hang_history flaky_tests test_history compare_runs evidence_pack history_sql),
	$audit ? 'code_path_audit' : ()], 'all tools';
is_deeply [grep { !$_->{annotations}{readOnlyHint} || $_->{inputSchema}{additionalProperties} || $_->{inputSchema}{type} ne 'object' } @tools], [], 'each reads only and takes nothing unknown';
ok !exists $r->{2}[0]{result}{resultType}, 'no resultType in this era';
is $last->{err}, '', 'nothing on stderr';

# --- the new era
$r = talk(request(1, 'server/discover', { _meta => $meta }), request(2, 'tools/list', { _meta => $meta }),
	request(3, 'tools/call', { name => 'history_runs', arguments => {}, _meta => $meta }), request(4, 'ping', { _meta => $meta }),
	request(5, 'tools/list', { _meta => { 'io.modelcontextprotocol/protocolVersion' => '2030-01-01' } }), request(6, 'server/discover'));
my $d = $r->{1}[0]{result};
is_deeply $d->{supportedVersions}, ['2026-07-28'], 'server/discover';
ok $d->{capabilities}{tools} && $d->{serverInfo}{name} eq 'spec-runner' && $d->{resultType} eq 'complete' && $d->{ttlMs} >= 0 && $d->{cacheScope} =~ /^(public|private)$/, 'is whole';
ok $r->{2}[0]{result}{resultType} eq 'complete' && defined $r->{2}[0]{result}{ttlMs} && $r->{2}[0]{result}{cacheScope}, 'lists may be cached';
is $r->{3}[0]{result}{resultType}, 'complete', 'results are complete';
ok !exists $r->{3}[0]{result}{ttlMs}, 'and calls are not cached';
is $r->{4}[0]{error}{code}, -32601, 'ping is gone';
is_deeply $r->{5}[0]{error}, { code => -32022, message => 'unsupported protocol version', data => { supported => ['2026-07-28'], requested => '2030-01-01' } }, 'another version';
is $r->{6}[0]{result}{resultType}, 'complete', 'server/discover without a version';

# --- each tool says what its verb says
sub verb { my $x = run_spec([@_, '--json'], dir => $dir, env => $home); return eval { $json->decode($x->{out}) } // $x }
my %same = (
	history_runs => [{ limit => 3 }, 'history', 'runs', '--limit', 3], hang_history => [{}, 'history', 'hangs'], flaky_tests => [{}, 'history', 'flaky'],
	test_history => [{ id => 'wavers' }, 'history', 'test', 'wavers'], history_sql => [{ query => 'SELECT run_id, status FROM runs ORDER BY run_id' }, 'history', 'sql', 'SELECT run_id, status FROM runs ORDER BY run_id'],
	compare_runs => [{ base => "$runs[0],$runs[2]", candidate => $runs[4] }, 'compare', "$runs[0],$runs[2]", $runs[4]],
);
$r = talk(map { request($_, 'tools/call', { name => $_, arguments => $same{$_}[0] }) } sort keys %same);
for my $name (sort keys %same) {
	my $is = $r->{$name}[0]{result};
	is_deeply $is->{structuredContent}, verb(@{ $same{$name} }[1 .. $#{ $same{$name} }]), "$name is the verb's JSON";
	is_deeply $json->decode(Encode::encode_utf8($is->{content}[0]{text})), $is->{structuredContent}, 'and its text block the same';
	ok !$is->{isError}, 'no error';
}
$r = talk(request(1, 'tools/call', { name => 'run_findings', arguments => { run_id => $runs[3] } }), request(2, 'tools/call', { name => 'evidence_pack', arguments => { run_id => $runs[3] } }),
	request(3, 'tools/call', { name => 'run_findings', arguments => { run_id => 'latest' } }));
is $r->{1}[0]{result}{structuredContent}{findings}[0]{finding_id}, 'f-0123456789ab', 'run_findings';
is_deeply $r->{2}[0]{result}{structuredContent}, do { my $x = run_spec(['evidence', '--run-id', $runs[3]], dir => $dir, env => $home); $json->decode($x->{out}) }, 'evidence_pack';
is $r->{3}[0]{result}{structuredContent}{run_id}, $runs[5], 'latest is a run';

# --- failures of tools, bad words
$r = talk(request(1, 'tools/call', { name => 'run_findings', arguments => { run_id => 'run-x' } }), request(2, 'tools/call', { name => 'history_sql', arguments => { query => 'DELETE FROM runs' } }),
	request(3, 'tools/call', { name => 'history_sql', arguments => { query => "ATTACH '/etc/passwd' AS x" } }), request(4, 'tools/call', { name => 'history_sql', arguments => { query => "SELECT load_extension('x')" } }),
	request(5, 'tools/call', { name => 'compare_runs', arguments => { base => "$dir/in", candidate => 'last:1' } }));
ok $r->{$_}[0]{result}{isError} && length $r->{$_}[0]{result}{content}[0]{text}, "failure $_ is the tool's own" for 1 .. 5;
is verb('history', 'info')->{runs}, 6, 'and nothing was changed';
my @bad = ([{ name => 'history_runs', arguments => { x => 1 } }, -32602], [{ name => 'history_runs', arguments => { limit => 'x' } }, -32602], [{ name => 'history_runs', arguments => { limit => 0 } }, -32602],
	[{ name => 'history_runs', arguments => [] }, -32602], [{ name => 'history_sql', arguments => {} }, -32602], [{ name => 'history_sql', arguments => { query => '' } }, -32602],
	[{ name => 'compare_runs', arguments => { base => 'a', candidate => 'b', metrics => [1] } }, -32602], [{ name => 'no_such_tool' }, -32602], [{}, -32602], ['x', -32602]);
$r = talk(map { request($_ + 1, 'tools/call', $bad[$_][0]) } 0 .. $#bad);
is $r->{ $_ + 1 }[0]{error}{code}, $bad[$_][1], 'call ' . $json->canonical->allow_nonref->encode($bad[$_][0]) for 0 .. $#bad;
$r = talk('{broken', '', '   ', '[]', '[1]', '5', '"x"', '{"jsonrpc":"1.0","id":1,"method":"ping"}', '{"jsonrpc":"2.0","id":{},"method":"ping"}', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}',
	'{"jsonrpc":"2.0","id":2,"result":{}}', "\xff\xfe", '{"jsonrpc":"2.0","id":3,"method":"ping","method":"ping"}', '[' x 100000, request(9, 'nothing'), request(10, 'ping'));
is $r->{9}[0]{error}{code}, -32601, 'unknown method';
is_deeply $r->{10}[0]{result}, {}, 'and the server lives on';
is_deeply [map { $_->{error}{code} } @{ $r->{''} }], [-32700, -32600, -32600, -32600, -32600, -32600, -32600, -32700, -32700, -32700], 'what is broken, and what is no request';
is $r->{1}[0]{error}{code}, -32600, 'another JSON-RPC';
$r = talk(request(1, 'initialize', { protocolVersion => '2025-03-26', capabilities => {}, clientInfo => {} }), [request(2, 'ping'), request(3, 'ping')]);
is ref((grep { ref eq 'ARRAY' } map { eval { $json->decode($_) } } split /\n/, $last->{out})[0]), 'ARRAY', '2025-03-26 has batches';

# --- size: nothing larger than 256 KiB, and a request of megabytes
$r = talk(request(1, 'tools/call', { name => 'history_sql', arguments => { query => "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) SELECT i, 'x\"y\\z' AS t FROM n" } }));
cmp_ok length((split /\n/, $last->{out})[0]), '<=', 256 << 10, 'a large result is cut';
ok $r->{1}[0]{result}{structuredContent}{truncated} && @{ $r->{1}[0]{result}{structuredContent}{rows} } > 1000, 'and says so';
is_deeply $r->{1}[0]{result}{structuredContent}{rows}[7], { i => 8, t => 'x"y\\z' }, 'its rows are whole';
$r = talk(request(1, 'tools/call', { name => 'history_sql', arguments => { query => 'SELECT 1 -- ' . 'x' x 60000 } }), 'y' x (17 << 20), request(2, 'ping'));
ok !$r->{1}[0]{result}{isError}, 'a long query';
is $r->{''}[0]{error}{code}, -32700, 'a line of 17 MiB is refused';
ok $r->{2}, 'and the next is answered';

# --- interleaving, a sudden end, a client that is gone
my $pid = open3(my $in, my $out, undef, $spec, 'mcp', '--history', "$dir/h");
print $in join '', map { $json->encode(request($_, 'tools/call', { name => 'history_runs', arguments => {} })) . "\n" } 1 .. 20;
print $in '{"jsonrpc":"2.0","id":21,"met';
close $in;
my $from = time;
my @answers = <$out>;
waitpid $pid, 0;
is $? >> 8, 0, 'the end of input in the middle of a message ends it well';
is scalar @answers, 21, 'with every answer, and one that the last is broken';
$pid = open3($in, $out, undef, $spec, 'mcp', '--history', "$dir/h");
close $out;
{ local $SIG{PIPE} = 'IGNORE'; print $in join '', map { $json->encode(request($_, 'ping')) . "\n" } 1 .. 5000; close $in; }
waitpid $pid, 0;
is $? & 127, 0, 'a client that does not listen any more is no crash';
is run_spec(['mcp', 'x'], dir => $dir)->{code}, 2, 'an argument is exit 2';
$r = do { local $home = { SPEC_RUNNER_HISTORY => "$dir/none" }; talk(request(1, 'tools/call', { name => 'history_runs', arguments => {} })) };
like $r->{1}[0]{result}{content}[0]{text}, qr/no history in/, 'a store that was never made is said';
ok !-e "$dir/none", 'and not made';

SKIP: {
	skip 'spec-runner audit is not built', 6 unless $audit;
	my $audited = new_dir();
	write_file("$audited/app.py", "def fetch(u):\n\treturn open(u)\n\ndef process(xs):\n\treturn [fetch(x) for x in xs]\n");
	write_file("$audited/spec-runner.yaml", "version: 1\naudit:\n  actions:\n    - {name: act, entry_points: [app.process]}\n");
	write_file("$audited/in", join '', map { $json->encode(request($_->[0], 'tools/call', { name => 'code_path_audit', arguments => $_->[1] })) . "\n" }
		[1, {}], [2, { action_name => 'app.proces' }], [3, { action_name => 'act' }], [4, { action_name => 'app.fetch', max_depth => 1 }]);
	my $x = run_spec(['mcp'], dir => $audited, stdin => "$audited/in", timeout => 60);
	my @got = map { eval { $json->decode($_)->{result} } } split /\n/, $x->{out};
	is scalar @got, 4, 'code_path_audit: an answer a line' or diag $x->{out};
	ok $got[0]{isError}, 'bad arguments are its own failure';
	like $got[1]{content}[0]{text}, qr/'app\.process'/, 'an unknown action gets the nearest names';
	my $want = $json->decode(run_spec(['audit', '--action', 'act', '--format', 'json'], dir => $audited)->{out});
	my ($markdown) = map { delete $want->{$_} } qw(markdown mermaid);
	is_deeply $got[2]{structuredContent}, $want, 'an action is what audit says';
	is $got[2]{content}[0]{text}, $markdown, 'its text is the Markdown';
	is_deeply $got[3]{structuredContent}{action}{entry_points}, ['app.fetch'], 'a function, too';
}

# --- the official clients
my $modules = $ENV{WEB_MODULES} // SpecRunner::root() . '/.artifacts/web';
SKIP: {
	skip 'no official MCP clients here: contrib/install-deps.sh web', 9 unless -d "$modules/node_modules/\@modelcontextprotocol/sdk" && -d "$modules/node_modules/\@modelcontextprotocol/client";
	my @calls = ((map { { name => $_, arguments => $same{$_}[0] } } sort keys %same), { name => 'run_findings', arguments => { run_id => $runs[3] } }, { name => 'evidence_pack', arguments => { run_id => $runs[3] } });
	for (['sdk', undef], ['legacy', '2025-11-25'], ['auto', '2026-07-28']) {
		my $x = run_plain(['node', SpecRunner::root() . '/tests/web/mcp_client.mjs', $_->[0], $spec, 'mcp'], dir => $dir, timeout => 60,
			env => { %$home, WEB_MODULES => $modules, MCP_CALLS => $json->encode(\@calls) });
		my $v = eval { $json->decode($x->{out}) } // {};
		is scalar @{ $v->{tools} // [] }, scalar @tools, "client $_->[0]: all tools" or diag $x->{err};
		is $v->{protocol}, $_->[1], 'the protocol it chose';
		is_deeply [grep { $_->{isError} || $_->{thrown} || !$_->{structuredContent} } @{ $v->{calls} // [{ thrown => 1 }] }], [], 'every tool answers';
	}
}
done_testing();
