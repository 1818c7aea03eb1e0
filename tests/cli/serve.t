#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# serve: routes, token, Host, bodies, limits, errors and headers of the API; the description of itself; its end.
use strict;
use warnings;
use lib 'tests/lib';
use History;
use IO::Socket::INET;
use JSON::PP;
use Serve;
use SpecRunner;
use Test::More;
use Time::HiRes qw(time sleep);

plan skip_all => 'serve was left out: its packages are missing' unless has_serve() && has_history();
my $dir = new_dir();
my $now = time;
my ($rev_a, $rev_b) = ('a' x 40, 'b' x 40);

# --- a store with known truth
my (@paths, @runs);
for my $i (1 .. 6) {
	my $hangs = $i == 4;
	my ($path, $id) = write_trace($dir, id => sprintf('%08x', $i), at => $now - 3600 * (10 - $i), status => $i % 2 ? 'pass' : 'fail',
		repo => { uri => 'https://h/r', rev => $i < 4 ? $rev_a : $rev_b, branch => 'main', dirty => JSON::PP::false },
		tests => [['s', 'steady', 'pass', 100 + $i, 'a.py', 3], ['s', 'wavers', $i % 2 ? 'pass' : 'fail', 10],
			['p/q', 'x/y <b> & "c"', $hangs ? 'stalled' : 'pass', 5]],
		$hangs ? (hang => 'f-0123456789ab') : ());
	push @paths, $path;
	push @runs, $id;
}
is history($dir, 'record', @paths)->{code}, 0, 'six runs are recorded';
write_file("$dir/a.folded", "main;work 90\nmain;rest 10\n");
is run_spec(['ingest', 'artifacts', '--run-id', $runs[0], '--path', 'a.folded'], dir => $dir, env => { SPEC_RUNNER_HISTORY => "$dir/h" })->{code}, 0, 'a profile, too';
write_file("$dir/a.bin", "\0\1\2secret");
is run_spec(['ingest', 'artifacts', '--run-id', $runs[0], '--path', 'a.bin', '--kind', 'binary'], dir => $dir, env => { SPEC_RUNNER_HISTORY => "$dir/h" })->{code}, 0, 'and a binary file';

my $s = serve_start($dir);
my %seen; # routes that were asked: held against the description below

sub get {
	my ($target, $status, $name, %o) = @_;
	my $r = api('GET', $target, undef, %o);
	is $r->{status}, $status, $name // "GET $target: $status" or diag $r->{raw};
	return $r;
}

# --- who may ask
is get('/health', 200, 'health is open', token => undef)->{json}{status}, 'ok', 'and well';
for my $target ('/runs', '/', '/openapi.json', '/nothing', '/artifacts/x', "/runs?token=$Serve::token", '/ui/tests', '/hangs') {
	my $r = get($target, 401, "$target wants a token", token => undef);
	is $r->{headers}{'www-authenticate'}, 'Bearer', 'and says so';
	ok defined $r->{json}{error}, 'as JSON';
}
get('/runs', 401, 'a wrong token', token => $token . 'x');
get('/runs', 401, 'half a token', token => substr $token, 0, 10);
get('/runs', 401, 'another scheme', token => undef, headers => { Authorization => "Basic $token" });
get('/runs', 200, 'the scheme in any case', token => undef, headers => { Authorization => "bearer $token" });
is http('GET', '/login', token => undef)->{status}, 200, 'the login page is open';
my $in = http('POST', '/login', token => undef, body => "token=$token", headers => { 'Content-Type' => 'application/x-www-form-urlencoded' });
is $in->{status}, 303, 'it takes the token';
like $in->{headers}{'set-cookie'}, qr/HttpOnly/, 'into a cookie that scripts do not see';
like $in->{headers}{'set-cookie'}, qr/SameSite=Strict/, 'and other sites do not send';
unlike $in->{raw}, qr/\Q$token\E/, 'and that does not hold the token';
my ($cookie) = $in->{headers}{'set-cookie'} =~ /^([^;]+)/;
get('/runs', 200, 'the cookie is good', token => undef, headers => { Cookie => "a=b; $cookie" });
get('/runs', 401, 'another is not', token => undef, headers => { Cookie => $cookie =~ s/.$/x/r });
$in = http('POST', '/login', token => undef, body => 'token=wrong-wrong-wrong-wrong', headers => { 'Content-Type' => 'application/x-www-form-urlencoded' });
is $in->{status}, 401, 'a wrong token at the form';
ok !$in->{headers}{'set-cookie'}, 'gets no cookie';
is http('POST', '/login', token => undef, body => '{}', headers => { 'Content-Type' => 'application/json' })->{status}, 415, 'the form takes a form';

# --- Host
get('/health', 421, "Host '$_'", host => $_) for 'evil.example', '127.0.0.1.evil.example', '10.0.0.1', '[::2]';
get('/health', 200, "Host '$_'", host => $_) for "127.0.0.1:$s->{port}", 'localhost', '[::1]:80';

# --- what there is
my $r = get('/runs', 200);
is_deeply [map { $_->{run_id} } @{ $r->{json}{runs} }], [reverse @runs], 'runs, newest first';
is_deeply [map { $_->{run_id} } @{ get("/runs?limit=2&before=$runs[3]", 200)->{json}{runs} }], [@runs[2, 1]], 'a page of them';
is_deeply [map { $_->{run_id} } @{ get('/runs?status=failed&branch=main', 200)->{json}{runs} }], [@runs[5, 3, 1]], 'by status and branch';
is_deeply get('/runs?workload=nothing', 200)->{json}, { runs => [] }, 'none is an empty list';
my ($row) = grep { $_->{run_id} eq $runs[2] } @{ $r->{json}{runs} };
is_deeply get("/runs/$runs[2]", 200)->{json}, $row, 'a run is its row';
is_deeply [sort keys %$row], [sort qw(run_id parent_run_id repo_uri repo_rev repo_dirty workload_id device_id toolchain_id status created_at
	finished_at kind branch command exit_code ended_by duration_ms shard ci_json)], 'with all columns';
ok scalar(grep { $_->{metric_name} eq 'tests_total' && $_->{value} == 3 } @{ get("/runs/$runs[0]/metrics", 200)->{json}{metrics} }), 'metrics';
my @artifacts = @{ get("/runs/$runs[0]/artifacts", 200)->{json}{artifacts} };
ok !scalar(grep { exists $_->{path} } @artifacts), 'artifacts without paths';
is scalar @{ get("/runs/$runs[0]/tests", 200)->{json}{tests} }, 3, 'tests';
is get("/runs/$runs[3]/findings", 200)->{json}{findings}[0]{finding_id}, 'f-0123456789ab', 'findings';
is ref get("/runs/$runs[0]/$_", 200)->{json}{$_}, 'ARRAY', $_ for qw(hotspots graphs patches evaluations);
my $report = get("/runs/$runs[3]/report", 200)->{json};
is $report->{hang}{count}, 1, 'the report knows the hang';
is_deeply [map { $_->{case_id} } @{ $report->{failed_tests} }], ['x/y <b> & "c"', 'wavers'], 'and the failed tests';

my ($folded) = grep { $_->{kind} eq 'folded' } @artifacts;
my ($binary) = grep { $_->{kind} eq 'binary' } @artifacts;
$r = http('GET', "/artifacts/$folded->{artifact_id}");
is $r->{body}, "main;work 90\nmain;rest 10\n", 'bytes of an artifact';
like $r->{headers}{'content-disposition'}, qr/^attachment/, 'as an attachment';
$r = get("/artifacts/$binary->{artifact_id}", 403, 'binary kinds are not served');
unlike $r->{raw}, qr/\0|secret/, 'not a byte of them';

is_deeply [map { "$_->{case_id} $_->{state}" } @{ get('/tests?state=flaky', 200)->{json}{tests} }], ['x/y <b> & "c" flaky', 'wavers flaky'], 'tests by state';
is scalar @{ get('/tests', 200)->{json}{tests} }, 3, 'all tests';
is_deeply [map { $_->{result} } @{ get('/tests/s/wavers', 200)->{json}{results} }], [qw(fail pass) x 3], 'the results of a test, newest first';
is get('/tests/p/q/x/y%20%3Cb%3E%20%26%20%22c%22', 200)->{json}{suite}, 'p/q', 'slashes in names need no encoding';
is_deeply get('/hangs', 200)->{json}, history_json($dir, 'hangs'), 'hangs are those of the verb';
my $c = get("/compare?base=$runs[0],$runs[2]&candidate=$runs[4]", 200)->{json};
is $c->{version}, 1, 'a comparison';
is_deeply $c, do { my $v = run_spec(['compare', "$runs[0],$runs[2]", $runs[4], '--json'], dir => $dir, env => { SPEC_RUNNER_HISTORY => "$dir/h" }); JSON::PP->new->utf8->decode($v->{out}) },
	'is that of the verb';
get('/compare?base=nothing&candidate=last:1', 404, 'a side without a run');
get("/compare?base=$dir/a.folded&candidate=last:1", 404, 'a file is no side here');
get('/compare?base=last:1', 400, 'half a comparison');

# --- what there is not
get($_, 404) for '/nothing', '/runs/', '/runs/x', '/runs/latest', '/runs/run-20260101T000000Z-00000000', '/runs/../runs', '/runs/%2e%2e',
	"/runs/$runs[0]%2fmetrics", "/runs/$runs[0]%00", "/runs/$runs[0]/nothing", '/runs//etc/passwd', '/artifacts/..%2f..%2fhistory.db',
	'/artifacts/00000000-0000-0000-0000-000000000000', '/artifacts/%2e%2e', '/tests/s/none', '/ui/runs/x', '/ui/hangs/x';
get($_, 400) for '/runs?limit=x', '/runs?limit=0', '/runs?limit=100000', '/runs?status=odd', '/runs?nothing=1', '/runs?limit=1&limit=2', '/runs?limit=%zz', '/tests?state=odd';
for (['DELETE', '/runs', 'GET, HEAD, POST'], ['POST', '/hangs', 'GET, HEAD'], ['GET', "/runs/$runs[0]/optimize", 'POST'], ['OPTIONS', '/runs', 'GET, HEAD, POST'], ['PUT', '/health', 'GET, HEAD']) {
	$r = http($_->[0], $_->[1]);
	is $r->{status}, 405, "$_->[0] $_->[1]";
	is $r->{headers}{allow}, $_->[2], "allows $_->[2]";
}
my ($head, $get) = (http('HEAD', '/runs'), http('GET', '/runs'));
is $head->{status}, 200, 'HEAD as GET';
is $head->{body}, '', 'without a body';
is $head->{headers}{'content-length'}, length $get->{body}, 'and with its length';

# --- bodies
$r = api('POST', '/runs', { repo_uri => 'https://user:pass@h/r', repo_rev => $rev_a, workload_id => 'w', device_id => 'd', toolchain_id => 't', parent_run_id => $runs[0] });
is $r->{status}, 201, 'a run is made';
is $r->{json}{status}, 'created', 'created';
my $made = get("/runs/$r->{json}{run_id}", 200)->{json};
is_deeply [@$made{qw(repo_uri workload_id device_id toolchain_id parent_run_id status)}], ['https://h/r', 'w', 'd', 't', $runs[0], 'created'], 'with what it was given, but no password';
for (['{"a": 1}', 400], ['{"repo_uri": 5}', 400], ['[]', 400], ['{', 400], ['', 400], ['{"repo_uri": "a", "repo_uri": "b"}', 400], ["{\"repo_uri\": \"a\\u0000b\"}", 400],
	['{"parent_run_id": "run-20260101T000000Z-00000000"}', 400], ['{} x', 400], ["\xff", 400]) {
	is api('POST', '/runs', $_->[0])->{status}, $_->[1], "body '$_->[0]'";
}
is http('POST', '/runs', body => '{}', headers => { 'Content-Type' => $_ })->{status}, 415, "not as $_" for 'text/plain', 'application/jsonx', 'application/x-www-form-urlencoded';
is http('POST', '/runs', body => '{}')->{status}, 415, 'nor as nothing';
is http('POST', '/runs', body => '{}', headers => { 'Content-Type' => 'application/json; charset=utf-8' })->{status}, 201, 'a charset may be named';
my $big = '{"repo_uri": "' . 'x' x (1 << 20) . '"}';
is api('POST', '/runs', $big)->{status}, 413, 'a body of more than 1 MiB';
is http('POST', '/runs', body => $big, headers => { 'Content-Type' => 'text/plain' })->{status}, 413, 'whatever it is';
is api('POST', "/runs/$runs[0]/optimize", {})->{status}, 403, 'no optimisation without --allow-optimize';

# --- headers
for ('/runs', '/health', '/nothing', "/artifacts/$folded->{artifact_id}", '/login') {
	$r = http('GET', $_);
	is $r->{headers}{'x-content-type-options'}, 'nosniff', "$_: nosniff";
	is $r->{headers}{'cache-control'}, 'no-store', 'no-store';
	ok !scalar(grep { /^access-control/ } keys %{ $r->{headers} }), 'nothing for other origins';
}
is http('GET', '/login')->{headers}{'content-security-policy'}, "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'", 'the policy of pages';

# --- the description and the server agree
my $d = get('/openapi.json', 200)->{json};
is $d->{openapi}, '3.1.0', 'OpenAPI 3.1';
my %want = map { $_ => 1 } qw(/health /openapi.json /runs /runs/{run_id} /artifacts/{artifact_id} /tests /tests/{suite}/{case_id} /hangs /compare),
	map { "/runs/{run_id}/$_" } qw(metrics artifacts tests findings hotspots graphs patches evaluations report optimize);
is_deeply [sort keys %{ $d->{paths} }], [sort keys %want], 'names every route of the contract';
my %example = (run_id => $runs[3], artifact_id => $folded->{artifact_id}, suite => 's', case_id => 'steady');
for my $path (sort keys %{ $d->{paths} }) {
	my $target = $path =~ s/\{(\w+)\}/$example{$1}/gr;
	$target .= "?base=$runs[0]&candidate=$runs[2]" if $path eq '/compare';
	my $is = $d->{paths}{$path};
	for my $method (qw(get post)) {
		my $op = $is->{$method};
		my $answer = api(uc $method, $target, $method eq 'post' ? {} : undef);
		if (!$op) {
			is $answer->{status}, 405, uc($method) . " $path is not described, and not there";
			next;
		}
		ok $op->{responses}{ $answer->{status} }, uc($method) . " $path: $answer->{status} is described";
		my ($ref) = map { $_->{schema}{'$ref'} // () } values %{ $op->{responses}{ $answer->{status} }{content} };
		my ($schema) = $ref ? $d->{components}{schemas}{ $ref =~ s{.*/}{}r } : ();
		ok !$ref || $schema, "$path: its schema is there";
		fits($d, $schema, $answer->{json}, "$path") if $schema;
	}
}

# As much of JSON Schema as the description uses.
sub fits {
	my ($doc, $schema, $v, $at) = @_;
	my @wrong;
	check($doc, $schema, $v, $at, \@wrong);
	is_deeply \@wrong, [], "$at: the answer is as described";
}
sub check {
	my ($doc, $schema, $v, $at, $wrong) = @_;
	$schema = $doc->{components}{schemas}{ $schema->{'$ref'} =~ s{.*/}{}r } if $schema->{'$ref'};
	my $kind = !defined $v ? 'null' : ref $v eq 'HASH' ? 'object' : ref $v eq 'ARRAY' ? 'array' : JSON::PP::is_bool($v) ? 'boolean' :
		JSON::PP->new->allow_nonref->encode($v) =~ /^"/ ? 'string' : $v =~ /^-?\d+$/ ? 'integer' : 'number';
	if (my $t = $schema->{type}) {
		push @$wrong, "$at is $kind" unless grep { $_ eq $kind || ($_ eq 'number' && $kind eq 'integer') } ref $t ? @$t : $t;
	}
	push @$wrong, "$at: pattern" if defined $v && $schema->{pattern} && $v !~ /$schema->{pattern}/;
	push @$wrong, "$at: enum" if $schema->{enum} && !grep { (defined $_ ? $_ : 'null') eq ($v // 'null') } @{ $schema->{enum} };
	if ($kind eq 'object' && $schema->{properties}) {
		push @$wrong, map { "$at.$_ is missing" } grep { !exists $v->{$_} } @{ $schema->{required} // [] };
		push @$wrong, map { "$at.$_ is unknown" } grep { !$schema->{properties}{$_} } keys %$v if exists $schema->{additionalProperties};
		check($doc, $schema->{properties}{$_}, $v->{$_}, "$at.$_", $wrong) for grep { exists $v->{$_} } keys %{ $schema->{properties} };
	}
	if ($kind eq 'array' && $schema->{items}) {
		check($doc, $schema->{items}, $v->[$_], "$at\[$_]", $wrong) for 0 .. $#$v;
	}
}

# --- a crowd that never ends its headers: 350 slow clients, of whom 100 at a time would take their ten seconds
my @crowd = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $s->{port}, Blocking => 0) // () } 1 .. 350;
syswrite $_, "GET /runs HTTP/1.1\r\nHo" for @crowd;
sleep 0.3;
my $asked = time;
is http('GET', '/health', token => undef, timeout => 60)->{status}, 200, 'one that comes after 350 slow clients gets an answer';
cmp_ok time - $asked, '<', 20, 'and not after all of them';
@crowd = ();

# --- its end
my $slow = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $s->{port});
print $slow "GET /runs HTTP/1.1\r\nHost: loc";
my @idle = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $s->{port}) } 1 .. 20;
serve_stop($s);
is $s->{code}, 0, 'SIGTERM ends it well';
cmp_ok $s->{stop_s}, '<', 2 * slow_factor(), sprintf 'in %.2f s', $s->{stop_s};
unlike $s->{out} . $s->{err}, qr/\Q$token\E/, 'it never printed the token';
no_survivors($s, 'and leaves nothing running');

# --- the command line
sub refused {
	my ($want, $words, $name, %env) = @_;
	my $x = run_spec(['serve', @$words], dir => $dir, env => { SPEC_RUNNER_API_TOKEN => $token, SPEC_RUNNER_HISTORY => "$dir/h", %env });
	is $x->{code}, 2, "$name is exit 2";
	like $x->{err}, $want, 'and says why';
}
refused(qr/'0\.0\.0\.0:0' is not loopback/, ['--listen', '0.0.0.0:0'], 'another address than loopback');
refused(qr/SPEC_RUNNER_API_TOKEN/, ['--listen', '0.0.0.0:0', '--allow-remote'], 'allowed, but without a token in the environment', SPEC_RUNNER_API_TOKEN => undef);
refused(qr/accepted: 127\.0\.0\.1:8000/, ['--listen', $_], "--listen $_") for 'x', 'localhost', '127.0.0.1:99999', '[::1:80', ':80';
refused(qr/5 bytes; accepted: 16/, [], 'a short token', SPEC_RUNNER_API_TOKEN => 'short');
refused(qr/no-such-file/, ['--token-file', 'no-such-file'], 'a missing token file', SPEC_RUNNER_API_TOKEN => undef);
refused(qr/takes no arguments/, ['x'], 'an argument');
refused(qr/--prefix/, ['--prefix', 'x'], 'a prefix that is no path');

# --- an optimisation: names and numbers alone, in a process of its own
my $opt = serve_start($dir, '--allow-optimize');
for ({ adapters => '/etc/passwd' }, { workload => '../x' }, { workload => '--config=x' }, { goal => 'more' }, { iterations => 0 }, { iterations => '3' }, { command => 'x' }, { finding => 'f-1', symbol => 's' }) {
	is api('POST', "/runs/$runs[0]/optimize", $_)->{status}, 400, 'refused: ' . join ' ', %$_;
}
is api('POST', '/runs/run-20260101T000000Z-00000000/optimize', {})->{status}, 404, 'of a run that is not there';
my $loop = api('POST', "/runs/$runs[0]/optimize", { workload => 'w', iterations => 2 });
SKIP: {
	skip 'spec-runner optimize is not built', 3 if $loop->{status} == 501;
	is $loop->{status}, 202, 'it is begun';
	is $loop->{json}{status}, 'running', 'and said to run';
	ok wait_until(20, sub { api('GET', "/runs/$loop->{json}{run_id}")->{json}{status} ne 'running' }), 'its end is noted';
}
is serve_stop($opt)->{code}, 0, 'the server ends';
no_survivors($opt, 'and nothing of it is left');

# --- a token of its own; a proxy's prefix and name
my $own = serve_start($dir, '--prefix', '/history/', '--host-name', 'ci.example', { env => { SPEC_RUNNER_API_TOKEN => undef } });
my ($where) = read_file($own->{err_path}) =~ /the token is in (\S+)/;
ok defined $where, 'the path of a new token is printed';
is sprintf('%o', (stat $where)[2] & 07777), '600', 'nobody else can read it';
my $new = read_file($where);
like $new, qr/^\S{16,}$/, 'it is long enough';
unlike read_file($own->{out_path}) . read_file($own->{err_path}), qr/\Q$new\E/, 'and is not printed';
is http('GET', '/history/runs', token => $new, host => 'ci.example')->{status}, 200, 'a route below the prefix, by the name of the proxy';
is http('GET', '/runs', token => $new)->{status}, 200, 'and without';
is http('GET', '/history/runs')->{status}, 401, 'the old token is not good here';
like http('GET', '/history/login')->{body}, qr{action="/history/login"}, 'links have the prefix';
is serve_stop($own, 'INT')->{code}, 0, 'SIGINT ends it, too';

done_testing();
