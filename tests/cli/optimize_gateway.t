#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# optimize with a model server, gateway check and explain: what is sent, what never is, what the policy refuses without a
# connection, and what becomes of bad answers. The server is the test's own, on loopback.
use strict;
use warnings;
use lib 'tests/lib';
use Cwd qw(getcwd);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use ModelServer;
use OptimizeLoop;
use SpecRunner;
use Test::More;

# Of a process that lets nobody read its memory, or without /proc, the sanitizer can look for no leaks.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0' if $ENV{TEST_SANITIZED};

-x '.artifacts/libexec/spec-runner-gateway' && -x '.artifacts/libexec/spec-runner-optimize' or plan skip_all => 'the gateway is not part of this build';
my $json = JSON::PP->new->utf8;
my $schema = getcwd() . '/schemas/explanation_v1.yaml';

sub good {
	my ($agent, $n) = @_;
	return chat({ action => 'continue', hotspot => 'inner', strategy => 'cpu.hoist', justification => 'most self time' }) if $agent eq 'conductor';
	return chat({ classes => ['cpu'] }) if $agent eq 'trace_analyst';
	return chat({ diff => edit($n), rationale => 'x' }) if $agent eq 'coder';
	return (404, '{}');
}

subtest 'a loop with a model, and 504 secrets' => sub {
	my $s = server(\&good);
	my (%env, @planted);
	for my $i (1 .. 63) {
		my $v = sprintf 'Pl4nt-%03d/%s+=?', $i, join '', map { ('a' .. 'z', 'A' .. 'Z', 0 .. 9)[($i * 7 + $_ * 13) % 62] } 1 .. 18;
		$env{"SVC_${i}_TOKEN"} = $v;
		my $url = $v =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ger;
		my ($b0, $b1, $b2) = map { encode_base64(('x' x $_) . $v, '') } 0 .. 2;
		push @planted, $v, $url, $b0, substr($b1, 2), substr($b2, 3), $b0 =~ tr{+/}{-_}r, unpack('H*', $v), substr($json->encode([$v]), 2, -2);
	}
	my $dir = gateway_project("{api_base: 'http://127.0.0.1:$s->{port}/v1', api_key_env: LLM_KEY, models: {coding_fast: A, reasoning_strong: B}}",
		'src/planted.c' => join '', map { "// $_\n" } @planted);
	my $r = run_spec([qw(optimize --adapters a.yaml --dry-run --json --max-prompt-tokens 60000)], dir => $dir,
		env => { %env, LLM_KEY => 'the-gateway-key-0815', http_proxy => 'http://127.0.0.1:1', HTTPS_PROXY => 'http://127.0.0.1:1', ALL_PROXY => 'http://127.0.0.1:1' });
	is($r->{code}, 0, 'exit 0') or diag $r->{err};
	my $v = $json->decode($r->{out});
	is_deeply([map { $_->{verdict} } @{ $v->{results} }], [qw(unchanged improved regressed)], 'candidates of the model are judged like any other');
	my @q = $s->{requests}->();
	is(scalar @q, 9, '9 requests: analyst, conductor, coder of 3 iterations');
	is($v->{budget_used}{requests}, 9, 'which are counted');
	is($v->{budget_used}{tokens}, 1080, 'as the server tells tokens');
	my $all = join "\n", map { $_->{body} } @q;
	like($all, qr{planted\.c}, 'the file with secrets was sent');
	my @leaked = grep { my $p = $_; index($all, $p) >= 0 } @planted, values %env;
	is(scalar @leaked, 0, 'of 504 planted secrets in 8 encodings 0 arrive') or diag join "\n", @leaked[0 .. ($#leaked < 5 ? $#leaked : 5)];
	is(scalar(grep { $_->{head} !~ /^Authorization: Bearer the-gateway-key-0815\r?$/m } @q), 0, 'the key is in the header of each');
	is(scalar(grep { $_->{head} !~ /^X-Request-Id: [0-9a-f-]{36}\r?$/m } @q), 0, 'and an id');
	my ($first) = grep { $_->{body} =~ /agent: coder/ } @q;
	my $b = $json->decode($first->{body});
	is_deeply([@$b{qw(model temperature stream)}], ['A', 0, JSON::PP::false], 'the coder asks coding_fast');
	is(`grep -rl 'the-gateway-key-0815' '$dir' | wc -l` + 0, 0, 'the key is in no file');
	my $sha = run_spec(['history', 'sql', q{SELECT a.path FROM artifacts a JOIN agent_messages m ON m.prompt_artifact_id = a.artifact_id WHERE m.agent_name = 'coder' AND m.iteration = 1}, '--history', 'on'], dir => $dir);
	my ($path) = $sha->{out} =~ m{(artifacts/\S+)};
	is(read_file("$dir/.artifacts/history/$path"), $first->{body}, 'the exact body is in the store');
};

subtest 'bad answers of the server' => sub {
	my %modes = (
		500 => [sub { (500, '{}') }, 'http_500 ok'],
		429 => [sub { (429, '{}', 'Retry-After: 1') }, 'http_429 ok'],
		403 => [sub { (403, '{}') }, 'http_403'],
		307 => [sub { (307, '', 'Location: http://127.0.0.1:1/') }, 'http_307'],
		malformed => [sub { (200, '{nope') }, 'malformed ok'],
		huge => [sub { (200, 'x' x 200_000) }, 'too_large'],
		truncated => [sub { my $c = $_[3]; print $c "HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n{"; close $c; return undef }, 'malformed ok'],
		reset => [sub { close $_[3]; return undef }, 'http_000 ok'],
		slow => [sub { sleep 3; close $_[3]; return undef }, 'timeout'],
	);
	for my $mode (sort keys %modes) {
		my $s = server(sub {
			my ($agent, $n) = @_;
			return chat('no words') if $agent ne 'coder';
			return $modes{$mode}[0]->(@_) if $n == 1;
			return chat({ diff => edit($n) });
		});
		my $dir = gateway_project("{api_base: 'http://127.0.0.1:$s->{port}/v1', models: {coding_fast: A}, timeout_ms: 1000, max_response_bytes: 100000}");
		run_spec([qw(optimize --adapters a.yaml --dry-run --iterations 1)], dir => $dir);
		is(join(' ', statuses($dir)), $modes{$mode}[1], "$mode: $modes{$mode}[1]");
	}
};

subtest 'answers that are no diff, and a conductor that stops' => sub {
	my $s = server(sub { my ($agent) = @_; return $agent eq 'coder' ? chat('I would rather not.') : good(@_) });
	my $dir = gateway_project("{api_base: 'http://127.0.0.1:$s->{port}/v1', models: {coding_fast: A}}");
	my $r = run_spec([qw(optimize --adapters a.yaml --dry-run --json)], dir => $dir);
	is($r->{code}, 1, 'exit 1: none was found');
	is($json->decode($r->{out})->{results}[0]{reason}, 'answer.format', 'words are rejected');
	$s = server(sub { my ($agent, $n) = @_; return $agent eq 'conductor' && $n == 2 ? chat({ action => 'stop', justification => 'nothing is left' }) : good(@_) });
	$dir = gateway_project("{api_base: 'http://127.0.0.1:$s->{port}/v1', models: {coding_fast: A}}");
	my $v = $json->decode(run_spec([qw(optimize --adapters a.yaml --dry-run --json)], dir => $dir)->{out});
	is_deeply([@$v{qw(stop_reason justification iterations)}], ['conductor', 'nothing is left', 2], 'a conductor may end it, with a reason');
	$s = server(sub { return (503, '{}', 'Retry-After: 1') });
	$dir = gateway_project("{api_base: 'http://127.0.0.1:$s->{port}/v1', models: {coding_fast: A}, attempts: 1}");
	$v = $json->decode(run_spec([qw(optimize --adapters a.yaml --dry-run --json)], dir => $dir)->{out});
	is($v->{stop_reason}, 'gateway_failed', '3 iterations without an answer');
	$s = server(\&good);
	$dir = gateway_project("{api_base: 'http://127.0.0.1:$s->{port}/v1', models: {coding_fast: A}}");
	write_file("$dir/a.yaml", read_file("$dir/a.yaml") =~ s/iterations: 3/iterations: 3, budget: {requests: 4}/r);
	$v = $json->decode(run_spec([qw(optimize --adapters a.yaml --dry-run --json)], dir => $dir)->{out});
	is_deeply([$v->{stop_reason}, $v->{budget_used}{requests}], ['budget_requests', 4], 'a budget of 4 requests: 4 are sent');
};

subtest 'embeddings, where the route is configured' => sub {
	my $s = server(sub {
		my ($agent, $n, $r) = @_;
		return good(@_) if $agent;
		return (404, '{}') if !defined $r->{input};
		return (200, $json->encode({ data => [{ embedding => [map { (length($r->{input}) * $_ % 17) / 17 } 1 .. 8] }], usage => { prompt_tokens => 10 } }));
	});
	my $dir = gateway_project("{api_base: 'http://127.0.0.1:$s->{port}/v1', models: {coding_fast: A, reasoning_strong: B}, embeddings: {default: E}}",
		'src/app.py' => "def inner():\n\treturn 'kept words'\n\n\ndef work():\n\treturn inner()\n");
	my $r = run_spec([qw(optimize --adapters a.yaml --dry-run --json)], dir => $dir);
	is($r->{code}, 0, 'exit 0') or diag $r->{err};
	my $v = $json->decode($r->{out});
	my $rows = $json->decode(run_spec(['history', 'sql', 'SELECT kind, run_id, ref, dim, model_id, payload_json FROM vectors ORDER BY kind, ref', '--history', 'on', '--json'], dir => $dir)->{out})->{rows};
	my %by;
	push @{ $by{ $_->{kind} } }, { %$_, payload => ref $_->{payload_json} ? $_->{payload_json} : $json->decode($_->{payload_json}) } for @$rows;
	is_deeply([map { $_->{payload}{improved_run_id} } @{ $by{FixCase} }], [$v->{results}[1]{run_id}], 'a FixCase of what became better');
	is_deeply([sort keys %{ $by{FixCase}[0]{payload} }], [qw(baseline_run_id delta_metrics diff hotspot improved_run_id)], 'with its members');
	is_deeply([map { $_->{payload}{run_id} } @{ $by{TraceSummary} }], [$v->{baseline_run_id}], 'a TraceSummary of the run that has a profile');
	like($by{TraceSummary}[0]{payload}{summary_text}, qr/inner/, 'in words');
	ok(exists $by{TraceSummary}[0]{payload}{time_range}, 'its range of time, known or not');
	SKIP: {
		skip 'audit, which knows where hotspots are, is not part of this build', 2 unless -x '.artifacts/libexec/spec-runner-audit';
		my ($chunk) = grep { $_->{payload}{symbol} eq 'inner' } @{ $by{CodeChunk} };
		like($chunk->{payload}{text}, qr/kept words/, 'a CodeChunk of the hotspot');
		is_deeply([@{ $chunk->{payload} }{qw(path tags)}], ['src/app.py', ['hotspot']], 'with its place');
	}
	is(scalar(grep { $_->{dim} != 8 || $_->{model_id} ne 'E' } @$rows), 0, 'each of this model');
	my @asked = map { $json->decode($_->{body})->{input} // () } $s->{requests}->();
	is(scalar(keys %{ { map { $_ => 1 } grep { !/^(?:continue|iteration)/ } @asked } }) >= @$rows ? 1 : 0, 1, 'no vector without a request');
};

subtest 'what the policy blocks, without a connection' => sub {
	my $s = server(\&good);
	my @blocked = (
		["'http://203.0.113.7:$s->{port}/v1'", '', qr/203\.0\.113\.7: external host/],
		["'http://llm.example:$s->{port}/v1'", '', qr/allow_external_proxy_models/],
		["'https://llm.example/v1'", ', allow_external_proxy_models: true', qr/allow_hosts/],
		["'https://llm.example/v1'", ', allow_external_proxy_models: true, allow_hosts: [llm.example]', qr/allow_models/],
		["'http://127.0.0.1:$s->{port}/v1'", ', internal_hosts: [10.0.0.0/8]', qr/127\.0\.0\.1/],
		["'http://127.0.0.1:$s->{port}/v1'", ", proxy: 'http://203.0.113.7:1'", qr/proxy/],
	);
	for my $b (@blocked) {
		my $dir = gateway_project("{api_base: $b->[0], models: {coding_fast: A}$b->[1]}");
		my $r = run_spec([qw(optimize --adapters a.yaml)], dir => $dir);
		is($r->{code}, 2, "$b->[0]$b->[1]: exit 2");
		like($r->{err}, $b->[2], 'and says why');
		my $q = run_spec(['history', 'sql', 'SELECT status FROM agent_messages', '--history', 'on'], dir => $dir);
		like($q->{out}, qr/^blocked$/m, 'and the store knows');
	}
	is(scalar($s->{requests}->()), 0, 'nobody was connected to');
	my $dir = gateway_project("{api_base: 'http://127.0.0.1:$s->{port}/v1', models: {coding_fast: A}}");
	my $r = run_spec([qw(gateway check --config a.yaml --json)], dir => $dir);
	is($r->{code}, 0, 'gateway check: exit 0') or diag $r->{err};
	my $v = $json->decode($r->{out});
	is_deeply($v->{endpoints}, [{ host => '127.0.0.1', addresses => ['127.0.0.1'], verdict => 'allowed', rule => 'loopback address' }], 'its endpoint');
	is_deeply([map { "$_->{model} $_->{verdict}" } @{ $v->{models} }], ['A allowed'], 'its model');
	like(($s->{requests}->())[0]{head}, qr{^GET /v1/models }, 'and asks for the models');
	write_file("$dir/server.yaml", "api_base: 'http://10.0.0.1/v1'\napi_key: clear\nmodels: {general: A}\nsecurity: {allow_external_proxy_models: false}\n");
	chmod 0644, "$dir/server.yaml";
	$r = run_spec([qw(gateway check --config server.yaml)], dir => $dir);
	is($r->{code}, 2, 'a key in clear in a file that others may read: exit 2');
	unlike($r->{err}, qr/clear\b.*:.*clear/, 'which is not repeated');
};

subtest 'explain' => sub {
	my $s = server(sub {
		my ($agent, $n, $q) = @_;
		my $id = $json->decode($q->{messages}[1]{content})->{findings}[0]{finding_id};
		return chat({ sentences => [{ text => 'The command made no progress.', evidence => [$id] }, { text => 'It took 987654 ms.', evidence => [$id] },
			{ text => 'This will be faster.', evidence => [$id] }, { text => 'Nothing.', evidence => ['f-0'] }] });
	});
	my $dir = new_dir();
	write_file("$dir/spec-runner.yaml", "version: 1\n");
	run_spec([qw(run --quiet --timeout-ms 400 -- sleep 20)], dir => $dir);
	my @to = ('--explain-base', "http://127.0.0.1:$s->{port}/v1", '--explain-model', 'M');
	my $r = run_spec(['explain', '--json'], dir => $dir);
	is($r->{code}, 2, 'without a model: exit 2');
	like($r->{err}, qr/explain/, 'and how');
	is(scalar($s->{requests}->()), 0, 'nothing is sent');
	$r = run_spec(['explain', '--json', @to], dir => $dir);
	is($r->{code}, 0, 'exit 0') or diag $r->{err};
	my $v = $json->decode($r->{out});
	is($v->{status}, 'partial', 'some are kept');
	is_deeply([map { $_->{text} } @{ $v->{sentences} }], ['The command made no progress.'], 'the one that is supported');
	is_deeply([map { $_->{reason} } @{ $v->{rejected} }], [qw(number promise citation)], 'the others, each with its reason');
	is(read_file("$dir/.artifacts/explanation.json"), $r->{out}, 'explanation.json');
	write_file("$dir/check.spec.yaml", "version: 1\nsuite: s\ncases:\n  - {id: X, harness: {type: data.validate, paths: [.artifacts/explanation.json], schema: $schema}}\n");
	is(run_spec(['test', 'check.spec.yaml', '--artifacts-dir', new_dir()], dir => $dir)->{code}, 0, 'which holds its schema');
	like(read_file("$dir/.artifacts/explanation.md"), qr/Explanation by M, not evidence/, 'explanation.md says whose words they are');
	ok(-f "$dir/.artifacts/raw/$v->{run_id}/explain-$_.json", "raw: explain-$_.json") for qw(prompt response request);
	is(run_spec(['explain', '--explain-base', "http://10.0.0.1:$s->{port}/v1", '--explain-model', 'M'], dir => $dir)->{code}, 2, 'a host that is neither loopback nor allowed: exit 2');
	is(run_spec(['explain', '--explain-base', 'http://127.0.0.1:1/v1', '--explain-model', 'M'], dir => $dir)->{code}, 0, 'a dead server: exit 0');
	is($json->decode(read_file("$dir/.artifacts/explanation.json"))->{status}, 'unavailable', 'and says so');
};

done_testing();
