#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# How a run of cases ends and what it tells: fail-fast, hard cap, lost supervisor, every kind of expectation, TAP 14
# and JUnit for their readers, annotations and the step summary.
# TAP_PARSER=PROGRAM: npm's tap-parser (tests/show/readers.sh fetches it).
use strict;
use warnings;
use lib 'tests/lib';
use SpecCases;
use Test::More;
use Time::HiRes qw(sleep);

my $root = enter_project();
sub has { my ($name) = @_; return (grep { -x "$_/$name" } split /:/, $ENV{PATH})[0] }

put('many.spec.yaml', cases(
	"{id: M-1, title: 'prints # much', harness: {type: cli.run, argv: [printf, 'a\\001\\377 <&]]> \\n::error::x\\n# TODO\\n']}, expect: {must: [{target: stdout, equals: b}]}}",
	"{id: M-2, harness: {type: cli.run, argv: [sleep, 600], timeout_ms: 200}}",
	"{id: M-3, harness: {type: cli.run, argv: ['true']}}",
	"{id: M-4, harness: {type: cli.run, argv: [no-such-program]}}",
	"{id: M-5, harness: {type: cli.run, argv: [sh, -c, 'test -e flag || { touch flag; exit 1; }']}}"));

# TAP 14, by its own rules; then by npm's reader.
my ($code, $tap) = runner('test', '--format', 'tap14', '--retries', '1', 'many.spec.yaml');
is($code, 124, 'one is ended by a watchdog');
my @lines = split /\n/, $tap;
is("$lines[0] $lines[1]", 'TAP version 14 1..5', 'TAP 14 and its plan first');
my ($in, @bad) = (0);
for (@lines[2 .. $#lines]) {
	if (/^  ---$/) { push @bad, $_ if $in; $in = 1 }
	elsif (/^  \.\.\.$/) { push @bad, $_ if !$in; $in = 0 }
	elsif ($in) { push @bad, $_ unless /^  [a-z_]+: (?:"(?:[^"\\[:cntrl:]]|\\.)*"|[\w.]+)$/ }
	else { push @bad, $_ unless /^(?:not )?ok \d+ - (?:[^\\#]|\\[\\#])*$/ }
}
is_deeply(\@bad, [], 'test points and closed YAML blocks, nothing else');
is_deeply(results_of($tap), ['M-1 fails', 'M-2 fails', 'M-3 passes', 'M-4 fails', 'M-5 passes'], 'every case');
SKIP: {
	my $parser = $ENV{TAP_PARSER} // (has('tap-parser') ? 'tap-parser' : undef);
	skip "npm's tap-parser is not here", 3 unless $parser;
	put('t14.tap', $tap);
	my $said = `$parser --json < t14.tap 2>&1` || `$parser -j 0 < t14.tap 2>&1`;
	like($said, qr/"?version"?/, "npm's tap-parser reads it");
	unlike($said, qr/"?tapError"?:\s*["{]/, 'without complaint');
	like($said, qr/timeout\.case\.harness/, 'and hands on the diagnosis');
}
unlink 'flag';

# JUnit of the same, by Jenkins' schema.
($code) = runner('test', '--junit', 'j.xml', 'many.spec.yaml');
my $xml = get('j.xml');
like($xml, qr/<failure message=.*stdout:\n.*at many\.spec\.yaml:4<\/failure>/s, 'a failure holds what was printed, and its place');
SKIP: {
	skip 'xmllint is not here', 2 unless has('xmllint');
	for my $xsd ('jenkins-junit-4.xsd', 'written.xsd') {
		is(system("xmllint --noout --schema $source/tests/fixtures/junit/$xsd j.xml 2>xmllint.txt"), 0, "JUnit obeys $xsd")
			or diag get('xmllint.txt');
	}
}
$xml = (runner('report', '--format', 'junit'))[1];
like($xml, qr/name="M-1"[^>]*><failure message=.*stdout:\na.*at many\.spec\.yaml:4<\/failure>/s, 'report tells the same out of the trace');
like($xml, qr/name="M-2"[^>]*><error [^>]*type="timeout\.case\.harness">/, 'with the token of what was ended');
{
	local $ENV{GITLAB_CI} = 'true';
	unlink 'flag';
	runner('test', '--junit', 'g.xml', 'many.spec.yaml');
	like(get('g.xml'), qr/<testcase classname="s" name="M-3" file="many\.spec\.yaml" /, 'GitLab gets the file on the case');
}

# Every kind of expectation, each once true and once not.
my $out = q(echo '{"a": {"b": [1, "x", null]}, "n": 2.5}'; echo hi > made.txt; echo warn >&2; exit 7);
my @true = ('target: exit_code, equals: 7', 'target: exit_code, one_of: [3, 7]', 'target: exit_code, not_equals: 0',
	'target: json, pointer: /a/b/1, equals: x', 'target: json, pointer: /a/b, length: 3', 'target: json, pointer: /a/b/0, at_least: 1',
	'target: json, pointer: /a/b/2, exists: true', 'target: json, pointer: /n, more_than: 2', 'target: file, path: made.txt, equals: hi',
	'target: file, path: none.txt, exists: false', 'target: duration_ms, less_than: 600000', 'target: duration_ms, at_most: 600000',
	'target: stderr, contains: arn', 'target: stderr, empty: false', "target: text, starts_with: '{'", 'target: text, ends_with: "warn\n"',
	"target: stdout, matches: '^\\{.*\\}\$'", 'target: stdout, not_contains: zzz', "target: stdout, not_matches: '^z'");
my @false = ('target: exit_code, equals: 0', 'target: exit_code, one_of: [1, 2]', 'target: json, pointer: /a/c, exists: true',
	'target: json, pointer: /a/b, length: 4', 'target: file, path: none.txt, exists: true', 'target: duration_ms, more_than: 600000',
	'target: stderr, empty: true', "target: stdout, matches: '^zz'", 'target: text, ends_with: zz', 'target: stdout, contains: zzz');
my $h = "harness: {type: cli.run, argv: [sh, -c, '" . $out =~ s/'/''/gr . "']}";
put('e.spec.yaml', cases((map { "{id: T-$_, $h, expect: {must: [{$true[$_]}], may: [{$true[$_]}, {$false[0]}]}}" } 0 .. $#true),
	(map { "{id: F-$_, $h, expect: {must: [{$false[$_]}]}}" } 0 .. $#false),
	(map { "{id: N-$_, $h, expect: {must_not: [{$true[$_]}]}}" } 0 .. $#true),
	"{id: N-ALL, $h, expect: {may: [{$false[0]}, {$false[1]}]}}"));
($code, $tap) = runner('test', '--jobs', '1', 'e.spec.yaml'); # they share a file
is($code, 1, 'expectations');
is_deeply([grep { !/^(?:T-\d+ passes|[FN]-\w+ fails)$/ } @{ results_of($tap) }], [], 'each holds and fails as it should');
is(scalar @{ results_of($tap) }, @true * 2 + @false + 1, 'all were judged');

# --fail-fast: nothing begins behind the first failure.
put('f.spec.yaml', cases('{id: A, harness: {type: cli.run, argv: ["true"]}}', '{id: B, check: c.b, harness: {type: cli.run, argv: ["false"]}}',
	'{id: C, check: c.c, harness: {type: cli.run, argv: [touch, begun]}}'));
for my $args (['--fail-fast', 'test'], ['test', '--continue-on-fail', '--fail-fast'], ['governance', '--fail-fast']) {
	unlink 'begun';
	is((runner(@$args, '--jobs', '1', 'f.spec.yaml'))[0], 1, "@$args");
	ok(!-e 'begun', 'begins nothing behind the first that fails');
}
for my $args (['test'], ['test', '--fail-fast', '--continue-on-fail'], ['governance']) {
	unlink 'begun';
	local $ENV{SPEC_RUNNER_FAIL_FAST} = 1; # that is the gate's
	is((runner(@$args, '--jobs', '1', 'f.spec.yaml'))[0], 1, "@$args");
	ok(-e 'begun', 'runs them all');
}

# The hard cap is each case's own; all of them are told.
put('cap.spec.yaml', cases((map { "{id: H-$_, harness: {type: cli.run, argv: [sleep, 41.7]}}" } 1 .. 3),
	'{id: H-4, harness: {type: cli.run, argv: ["true"]}}'));
($code, $tap) = runner('test', '--jobs', '2', '--liveness-hard-cap-ms', 300, 'cap.spec.yaml');
is($code, 124, 'a hard cap');
is_deeply(results_of($tap), ['H-1 fails', 'H-2 fails', 'H-3 fails', 'H-4 passes'], 'ends each case by itself, and all are told');
is(running(qr/^sleep 41\.7/), 0, 'and nothing runs on');

# Our supervisor is killed: nothing of the cases is left, neither a process nor a folder.
{
	mkdir "$root/tmp";
	local $ENV{TMPDIR} = "$root/tmp";
	put('lost.spec.yaml', cases(map { "{id: K-$_, harness: {type: cli.run, argv: [sh, -c, 'echo x > \$TMPDIR/f; exec sleep 42.9']}}" } 1 .. 2));
	my $pid = start_runner('test', '--jobs', '2', 'lost.spec.yaml');
	ok(running(qr/^sleep 42\.9/, 20), 'cases run');
	my @folders = glob "$root/tmp/spec-runner-*";
	ok(@folders >= 1, 'each in a TMPDIR of its own');
	kill 'KILL', split ' ', get("/proc/$pid/task/$pid/children");
	is(scalar end_runner($pid), 125, 'the supervisor is lost');
	is_deeply([glob "$root/tmp/*"], [], 'no folder is left');
	is(running(qr/^sleep 42\.9/), 0, 'no process is left');
}

# Annotations: ten of a kind, the worst first; the summary has all, the worst first, and fits.
put('g.spec.yaml', cases((map { "{id: F-$_, harness: {type: cli.run, argv: [sh, -c, 'exit 1']}}" } 1 .. 230),
	'{id: W-1, harness: {type: cli.run, argv: [sleep, 600], timeout_ms: 200}}'));
{
	local $ENV{GITHUB_ACTIONS} = 'true';
	local $ENV{GITHUB_STEP_SUMMARY} = "$root/step.md";
	($code, $tap) = runner('test', 'g.spec.yaml');
	my @told = $tap =~ /^::(\w+) file=[^,]+,line=\d+,title=([\w-]+)::/mg;
	is(scalar @told, 20, 'ten annotations');
	is("$told[0] $told[1] $told[2] $told[3]", 'error W-1 error F-1', 'the worst first');
	my $step = get('step.md');
	like($step, qr/^\|---.*\n\| W-1 \| timeout \|.*\n\| F-1 \| fail \|/m, 'the step summary, too');
	like($step, qr/^and 31 more$/m, 'which says how many it leaves out');
	put('step.md', 'x' x 1_047_000);
	runner('test', 'g.spec.yaml');
	cmp_ok(length get('step.md'), '<=', 1_048_576, 'one that would grow past its limit does not');
}

# Retries tell flaky from broken; a chain has a limit of its own.
put('r.spec.yaml', cases('{id: R-1, harness: {type: cli.run, argv: [sh, -c, "echo x >> n; test $(wc -l < n) -ge 3"]}}',
	'{id: R-2, harness: {type: cli.run, argv: ["false"]}}',
	"{id: R-3, chain: {timeout_ms: 300, steps: [{id: a, ref: '#R-4'}]}, harness: {type: cli.run, argv: ['true']}}",
	'{id: R-4, harness: {type: cli.run, argv: [sleep, 43.3]}}'));
($code, $tap) = runner('test', '--retries', '2', 'r.spec.yaml');
is($code, 124, 'a chain that outlives its limit');
like($tap, qr/^ok 1 - R-1\n  ---\n  result: flaky\n(?:.*\n)*?  attempts: 3/m, 'flaky') or diag $tap;
like($tap, qr/^not ok 2 - R-2\n  ---\n  result: fail\n(?:.*\n)*?  attempts: 3/m, 'broken');
like($tap, qr/^not ok 3 - R-3\n  ---\n  result: timeout\n.*timeout\.case\.chain/m, 'the chain, by its token');
is(running(qr/^sleep 43\.3/), 0, 'whose step was ended');
done_testing();
