#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `spec-runner verify` finds what is wrong with a trace, each damage by its own words, and
# nothing wrong with a good one.
use strict;
use warnings;
use JSON::PP;
use File::Temp qw(tempdir);
use Cwd qw(abs_path);
use Test::More;

my $runner = $ENV{SPEC_RUNNER} // abs_path('./spec-runner');
my $dir = tempdir(CLEANUP => 1);
my $json = JSON::PP->new->utf8->canonical->allow_nonref;
open my $in, '<', 'tests/fixtures/trace/good.json' or die "good.json: $!";
my $good = do { local $/; <$in> };

sub write_file {
	my ($text) = @_;
	open my $out, '>:raw', "$dir/t.json" or die $!;
	print $out $text;
	close $out or die $!;
	return "$dir/t.json";
}

# Runs verify; returns exit code, stdout, stderr.
sub verify {
	my ($path, @more) = @_;
	my $pid = fork // die $!;
	if (!$pid) {
		open STDOUT, '>', "$dir/out" or die $!;
		open STDERR, '>', "$dir/err" or die $!;
		exec { $runner } $runner, 'verify', @more, defined $path ? $path : ();
		die "exec: $!";
	}
	waitpid $pid, 0;
	my $code = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	local $/;
	open my $o, '<', "$dir/out" or die $!;
	open my $e, '<', "$dir/err" or die $!;
	return ($code, <$o> // '', <$e> // '');
}

my ($code, $out, $err) = verify(write_file($good));
is($code, 0, 'a good trace is good');
like($out, qr/^ok: run-20261121T010203Z-0a1b2c3d, 6 spans, 9 events$/m, 'and is named, with its counts');
is($err, '', 'without a word of complaint');

{
	# members in another order: the same trace
	my $t = $json->decode($good);
	($code, $out) = verify(write_file($json->encode($t)));
	is($code, 0, 'events may stand before spans') or diag $out;
}

my $id = sub { sprintf '%016x', 0x1000 + shift };
my $ev = sub { my ($t, $kind) = @_; (grep { $_->{kind} eq $kind } @{ $t->{events} })[0] };
my $jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl';
my $gh = 'ghp_' . 'abcdefghijklmnopqrstuvwxyz0123456789';

# name, what is done to the trace, what the finding must say
my @damages = (
	# schema: the top
	['no version', sub { delete $_[0]{version} }, qr/^#: 'version' is missing$/m],
	['version 2', sub { $_[0]{version} = 2 }, qr{^/version: must be 1$}m],
	['version "1"', sub { $_[0]{version} = '1' }, qr{^/version: must be 1$}m],
	['an unknown member', sub { $_[0]{extra} = 1 }, qr{^/extra: unknown member$}m],
	['a bad run_id', sub { $_[0]{run_id} = 'run-1' }, qr{^/run_id: must match}m],
	['another implementation', sub { $_[0]{runner_impl} = 'python' }, qr{^/runner_impl: must be c$}m],
	['a local time', sub { $_[0]{started_at} = '2026-11-21T01:02:03.000+01:00' }, qr{^/started_at: must match}m],
	['month 13', sub { $_[0]{started_at} = '2026-13-21T01:02:03.000Z' }, qr{^/started_at: is not an RFC 3339 time$}m],
	['ends before it starts', sub { $_[0]{ended_at} = '2026-11-21T01:02:02.999Z' }, qr/^#: ended_at is before started_at$/m],
	['status ok', sub { $_[0]{status} = 'ok' }, qr{^/status: must be one of pass, fail$}m],
	['pass with 124', sub { $_[0]{status} = $_[0]{summary}{status} = 'pass' }, qr/^#: status and exit_code contradict each other$/m],
	['exit code 300', sub { $_[0]{exit_code} = 300 }, qr{^/exit_code: must be at most 255$}m],
	['exit code 1.5', sub { $_[0]{exit_code} = 1.5 }, qr{^/exit_code: must be an integer, not this number$}m],
	['no command', sub { $_[0]{command} = '' }, qr{^/command: must have at least 1 characters$}m],
	['args a string', sub { $_[0]{args} = 'run' }, qr{^/args: must be an array, not string$}m],
	['an argument null', sub { $_[0]{args}[0] = undef }, qr{^/args/0: must be a string, not null$}m],
	['no environment', sub { delete $_[0]{environment} }, qr/^#: 'environment' is missing$/m],
	['no kernel', sub { delete $_[0]{environment}{kernel} }, qr{^/environment: 'kernel' is missing$}m],
	['zero cpus', sub { $_[0]{environment}{cpus} = 0 }, qr{^/environment/cpus: must be at least 1$}m],
	['no spans', sub { $_[0]{spans} = [] }, qr{^/spans: must have at least 1 items$}m],
	['spans an object', sub { $_[0]{spans} = {} }, qr{^/spans: must be an array, not object$}m],
	# env_profile
	['a value in env_profile', sub { $_[0]{env_profile}{PATH}{value} = '/bin' }, qr{^/env_profile/PATH/value: unknown member$}m],
	['a raw env_profile', sub { $_[0]{env_profile}{PATH} = '/bin' }, qr{^/env_profile/PATH: must be an object, not string$}m],
	['a short hash', sub { $_[0]{env_profile}{PATH}{hash} = '0011223344aa' }, qr{^/env_profile/PATH/hash: must match}m],
	['an exact length', sub { $_[0]{env_profile}{PATH}{length_bucket} = 33 }, qr{^/env_profile/PATH/length_bucket: must be a string}m],
	# spans
	['an unknown span', sub { $_[0]{spans}[1]{name} = 'runner.sleep' }, qr{^/spans/1/name: must be one of run\.total, }m],
	['the wrong kind', sub { $_[0]{spans}[1]{kind} = 'case' }, qr{^/spans/1: a runner\.dispatch span must be of kind runner$}m],
	['run.total with status pass', sub { $_[0]{spans}[0]{status} = 'pass' }, qr{^/spans/0/status: must be one of ok, error}m],
	['two roots', sub { my $s = $_[0]; push @{ $s->{spans} }, { %{ $s->{spans}[0] }, span_id => $id->(9) }; $s->{summary}{span_count}++; $s->{summary}{timeout_span_count}++ }, qr{^/spans/6: a second run\.total$}m],
	['no root', sub { @{ $_[0]{spans}[0] }{qw(name kind)} = ('runner.dispatch', 'runner') }, qr{^/spans: run.total is missing$}m],
	['run.total with a parent', sub { $_[0]{spans}[0]{parent_span_id} = $id->(2) }, qr{^/spans/0: run\.total may have no parent$}m],
	['another span without one', sub { $_[0]{spans}[4]{parent_span_id} = undef }, qr{^/spans/4: only run\.total may be without a parent$}m],
	['an unknown parent', sub { $_[0]{spans}[4]{parent_span_id} = $id->(77) }, qr{^/spans/4: parent_span_id names a span that does not exist$}m],
	['a parent number', sub { $_[0]{spans}[4]{parent_span_id} = 4 }, qr{^/spans/4/parent_span_id: matches none of the 2 forms}m],
	['wait in dispatch', sub { $_[0]{spans}[3]{parent_span_id} = $id->(2) }, qr{^/spans/3: a subprocess\.wait may not lie in a runner\.dispatch$}m],
	['a case in a case', sub { $_[0]{spans}[5]{parent_span_id} = $id->(5) }, qr{^/spans/5: a case\.run may not lie in a case\.run$}m],
	['its own parent', sub { $_[0]{spans}[4]{parent_span_id} = $id->(5) }, qr{^/spans/4: is its own ancestor$}m],
	['outside its parent', sub { my $s = $_[0]{spans}[4]; $s->{end_ns} = 4_999_500_000; $s->{duration_ms} = 4989.5 }, qr{^/spans/4: does not lie within its parent$}m],
	['before its parent', sub { my $s = $_[0]{spans}[4]; $s->{start_ns} = 0; $s->{duration_ms} = 20 }, qr{^/spans/4: does not lie within its parent$}m],
	['ends before it starts', sub { $_[0]{spans}[4]{end_ns} = 5 }, qr{^/spans/4: ends before it starts$}m],
	['a wrong duration', sub { $_[0]{spans}[4]{duration_ms} = 10.002 }, qr{^/spans/4: duration_ms is not end_ns - start_ns$}m],
	['a negative time', sub { $_[0]{spans}[4]{start_ns} = -1 }, qr{^/spans/4/start_ns: must be at least 0$}m],
	['the same id twice', sub { $_[0]{spans}[5]{span_id} = $id->(5) }, qr{^/spans/5: span_id is used by another span$}m],
	['an id in capitals', sub { $_[0]{spans}[5]{span_id} = '000000000000100G' }, qr{^/spans/5/span_id: must match}m],
	['an unknown category', sub { $_[0]{spans}[1]{error}{category} = 'oops' }, qr{^/spans/1/error/category: must be one of exit_code}m],
	['an unknown token in error', sub { $_[0]{spans}[1]{error}{reason_token} = 'timeout.x' }, qr{^/spans/1/error/reason_token: must be one of}m],
	['error a text', sub { $_[0]{spans}[1]{error} = 'oops' }, qr{^/spans/1/error: matches none of the 2 forms}m],
	['a span without attrs', sub { delete $_[0]{spans}[1]{attrs} }, qr{^/spans/1: 'attrs' is missing$}m],
	['a span with more', sub { $_[0]{spans}[1]{colour} = 'red' }, qr{^/spans/1/colour: unknown member$}m],
	# events
	['an unknown event', sub { $_[0]{events}[0]{kind} = 'surprise' }, qr{^/events/0/kind: must be one of heartbeat}m],
	['an event nowhere', sub { $_[0]{events}[0]{span_id} = $id->(99) }, qr{^/events/0: span_id names a span that does not exist$}m],
	['an event outside its span', sub { $_[0]{events}[0]{ts_ns} = 1 }, qr{^/events/0: ts_ns lies outside its span$}m],
	['events out of order', sub { my $e = $_[0]{events}; @$e[0, 1] = @$e[1, 0] }, qr{^/events/1: is older than the event before it$}m],
	['an unknown token', sub { $ev->($_[0], 'watchdog')->{attrs}{reason_token} = 'timeout.never' }, qr{/attrs/reason_token: must be one of timeout\.subprocess\.wait}],
	['a watchdog without token', sub { delete $ev->($_[0], 'watchdog')->{attrs}{reason_token} }, qr{/attrs: 'reason_token' is missing}],
	['a heartbeat without idle_ms', sub { delete $ev->($_[0], 'heartbeat')->{attrs}{idle_ms} }, qr{^/events/1/attrs: 'idle_ms' is missing$}m],
	['a warning without threshold', sub { delete $ev->($_[0], 'stall_warning')->{attrs}{threshold_ms} }, qr{/attrs: 'threshold_ms' is missing}],
	['an unknown process state', sub { $_[0]{events}[0]{attrs}{state} = 'asleep' }, qr{^/events/0/attrs/state: must be one of spawned}m],
	['an exit without code', sub { $_[0]{events}[0]{attrs}{state} = 'exit' }, qr{^/events/0/attrs: 'returncode' is missing$}m],
	['a checkpoint without a dot', sub { $ev->($_[0], 'checkpoint')->{attrs}{event} = 'hello' }, qr{/attrs/event: must match}],
	['pid 0', sub { $_[0]{events}[0]{attrs}{pid} = 0 }, qr{^/events/0/attrs/pid: must be at least 1$}m],
	# summary
	['too many spans', sub { $_[0]{summary}{span_count}++ }, qr{^/summary/span_count: says 7, but there are 6$}m],
	['too few events', sub { pop @{ $_[0]{events} } }, qr{^/summary/event_count: says 9, but there are 8$}m],
	['timeouts', sub { $_[0]{summary}{timeout_span_count} = 0 }, qr{^/summary/timeout_span_count: says 0, but there are 4$}m],
	['warnings', sub { $_[0]{summary}{stall_warning_count} = 2 }, qr{^/summary/stall_warning_count: says 2, but there are 1$}m],
	['a token not counted', sub { delete $_[0]{summary}{reason_tokens}{'watchdog.kill.term'} }, qr{^/summary/reason_tokens/watchdog\.kill\.term: says 0, but there are 1$}m],
	['a token too many', sub { $_[0]{summary}{reason_tokens}{'watchdog.kill.killed'} = 1 }, qr{^/summary/reason_tokens/watchdog\.kill\.killed: says 1, but there are 0$}m],
	['an unknown token counted', sub { $_[0]{summary}{reason_tokens}{'timeout.x'} = 1 }, qr{^/summary/reason_tokens/timeout\.x: unknown member$}m],
	['another status', sub { $_[0]{summary}{status} = 'pass' }, qr{^/summary: status is not that of the run$}m],
	['no output', sub { delete $_[0]{summary}{output} }, qr{^/summary: 'output' is missing$}m],
	['slowest out of order', sub { my $s = $_[0]{summary}{slowest_spans}; @$s = reverse @$s }, qr{^/summary/slowest_spans/1: is slower than the one before it$}m],
	['a slow span nowhere', sub { $_[0]{summary}{slowest_spans}[0]{span_id} = $id->(88) }, qr{^/summary/slowest_spans/0: names a span that does not exist$}m],
	['a slow span of another length', sub { $_[0]{summary}{slowest_spans}[1]{duration_ms} = 4.5 }, qr{^/summary/slowest_spans/1: duration_ms is not that of the span$}m],
	# redaction
	['a flag with its value', sub { $_[0]{args}[5] = 'hunter2' }, qr{^/args/5: holds a secret that is not redacted}m],
	['userinfo', sub { $_[0]{args}[6] = 'https://u:pw@example.org/' }, qr{^/args/6: holds a secret that is not redacted}m],
	['a value under a secret name', sub { $_[0]{spans}[1]{attrs}{api_key} = 'abc' }, qr{^/spans/1/attrs/api_key: a value under a secret name must be <redacted}m],
	['a number under a secret name', sub { $_[0]{events}[0]{attrs}{password} = 1234 }, qr{^/events/0/attrs/password: a value under a secret name must be}m],
	['values below a secret name', sub { $_[0]{spans}[1]{attrs}{credentials} = { user => ['x'] } }, qr{^/spans/1/attrs/credentials/user/0: a value under a secret name must be}m],
	['a GitHub token', sub { $_[0]{spans}[1]{error}{message} = "with $gh" }, qr{^/spans/1/error/message: holds a secret that is not redacted \(github\)$}m],
	['a JWT', sub { $ev->($_[0], 'checkpoint')->{attrs}{comm} = $jwt }, qr{/attrs/comm: holds a secret that is not redacted \(jwt\)$}m],
	['an AWS key', sub { $_[0]{environment}{kernel} = 'AKIAIOSFODNN7EXAMPLE' }, qr{^/environment/kernel: holds a secret that is not redacted \(aws\)$}m],
	['a PEM key', sub { $_[0]{spans}[4]{attrs}{file} = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----" }, qr{^/spans/4/attrs/file: holds a secret that is not redacted \(pem\)$}m],
	['a header', sub { $_[0]{spans}[4]{attrs}{note} = 'Authorization: Bearer abc' }, qr{^/spans/4/attrs/note: holds a secret that is not redacted \(authorization\)$}m],
	['a secret in a name', sub { $_[0]{spans}[4]{attrs}{"x$gh"} = 'https://u:p@h/' }, qr{^/spans/4/attrs/x<redacted:github>: holds a secret that is not redacted \(userinfo\)$}m],
);

for my $d (@damages) {
	my ($name, $do, $want) = @$d;
	my $t = $json->decode($good);
	$do->($t);
	my ($c, $o, $e) = verify(write_file($json->encode($t)));
	ok($c == 1 && $o =~ $want && $e =~ /^spec-runner: .*: \d+ findings?$/m && ($o . $e) !~ /hunter2|abcdefghijkl/, "damaged: $name")
		or diag "exit $c\n$o$e\nwanted $want";
}

# Text that is no JSON
my @texts = (
	['nothing', '', qr/byte 0: the text ends/],
	['no object', '[]', qr/byte 0: an object must stand here/],
	['cut off', substr($good, 0, 2500), qr/byte 2500: the text ends here/],
	['text behind it', "$good x", qr/text after the end of the value/],
	['a comma too many', $good =~ s/"version":1,/"version":1,,/r, qr/byte 13: /],
	['bad UTF-8', $good =~ s/"curl"/"cu\xffrl"/r, qr/not valid UTF-8/],
	['a raw control character', $good =~ s/"curl"/"cu\x01rl"/r, qr/a control character in a string/],
	['half a surrogate', $good =~ s/"curl"/"\\ud800"/r, qr/half a surrogate pair/],
	['the same member twice in a span', $good =~ s/"phase":"run"/"phase":"run","phase":"run"/r, qr/the same member twice/],
	['nested too deep', $good =~ s/"attrs":\{\}/'"attrs":' . '{"a":' x 100 . '1' . '}' x 100/er, qr/nested deeper than 64/],
	['NaN', $good =~ s/"exit_code":124/"exit_code":NaN/r, qr/no JSON value/],
	['a number that begins with 0', $good =~ s/"exit_code":124/"exit_code":0124/r, qr/begins with 0/],
);
for my $t (@texts) {
	my ($name, $text, $want) = @$t;
	my ($c, $o, $e) = verify(write_file($text));
	ok($c == 1 && $e =~ $want && $e =~ /^spec-runner: /, "no JSON: $name") or diag "exit $c\n$o$e";
}
($code, $out) = verify(write_file($good =~ s/\A\{/{"version":1,/r));
ok($code == 1 && $out =~ m{^/version: is here twice$}m, 'the same member twice at the top');

# The present environment's secrets, in any writing
{
	local $ENV{DEPLOY_TOKEN} = 'tr0ub4dor&3 plus/more';
	for my $written ('tr0ub4dor&3 plus/more', 'tr0ub4dor%263+plus%2Fmore', 'dHIwdWI0ZG9yJjMgcGx1cy9tb3Jl', 'x tr0ub4dor\u00263 plus\/more') {
		my $t = $json->decode($good);
		$t->{spans}[4]{attrs}{note} = $written;
		my ($c, $o, $e) = verify(write_file($json->encode($t)));
		ok($c == 1 && $o =~ m{^/spans/4/attrs/note: holds a secret that is not redacted \(DEPLOY_TOKEN\)$}m && $o !~ /tr0ub|dHIwd/,
			"a secret of the environment, by its name: $written") or diag $o;
	}
}

# More findings than anybody reads
{
	my $t = $json->decode($good);
	push @{ $t->{events} }, map { { ts_ns => 4_300_000_000, kind => 'nothing', span_id => $id->(4), attrs => {} } } 1 .. 80;
	my ($c, $o, $e) = verify(write_file($json->encode($t)));
	my $lines = () = $o =~ m{^/}mg;
	ok($c == 1 && $lines == 50 && $o =~ /^… and \d+ more$/m, 'at most 50 findings are shown') or diag "$lines\n$o";
}

($code, $out, $err) = verify("$dir/nowhere.json");
ok($code == 1 && $err =~ /^spec-runner: .*nowhere\.json: No such file/, 'a trace that is not there');
($code, $out, $err) = verify($dir);
ok($code == 1 && $err =~ /^spec-runner: /, 'a folder');
($code, $out, $err) = verify(undef);
ok($code <= 1, 'no trace named: the newest is taken') or diag "$code $err";
($code, $out, $err) = verify("$dir/t.json", "$dir/t.json");
is($code, 2, 'two of them');
done_testing();
