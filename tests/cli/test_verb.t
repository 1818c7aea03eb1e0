#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `spec-runner test` from the outside: results, exit codes, formats, selection, limits, what is left behind.
use strict;
use warnings;
use lib 'tests/lib';
use SpecCases;
use Test::More;

my $root = enter_project();
put('specs/a.spec.yaml', <<'E');
version: 1
suite: cli
cases:
  - id: A-1
    title: prints
    harness: {type: cli.run, argv: [sh, -c, 'echo version 1.42; echo $X >&2; pwd; cat'], env: {X: seven}, cwd: specs, stdin: given}
    expect:
      must:
        - {target: stdout, matches: '^version \d+\.\d+$'}
        - {target: stderr, equals: seven}
        - {target: stdout, matches: '/specs$'}
        - {target: stdout, ends_with: given}
      must_not: [{target: text, contains: error}]
    export: {v: {target: stdout, matches: 'version (\S+)'}}
  - id: A-2
    title: "reads # it"
    chain: {steps: [{id: one, ref: '#A-1'}]}
    harness: {type: cli.run, argv: [sh, -c, 'echo got ${one.v}; echo x > "$TMPDIR/f"; echo "$TMPDIR" > tmpdir']}
    expect: {must: [{target: stdout, equals: got 1.42}, {target: file, path: tmpdir, contains: /}]}
  - id: A-3
    title: scans
    harness: {type: file.scan, paths: ['specs/**'], present: [A-1], absent: [{regex: 'Z{3}'}], ordered: [A-1, A-2, A-3]}
E
my ($code, $out, $err) = runner('test');
is($code, 0, 'all pass') or diag $out, $err;
is($out, "TAP version 13\n1..3\nok 1 - A-1 prints\nok 2 - A-2 reads \\# it\nok 3 - A-3 scans\n", 'TAP 13');
ok(!-e '.artifacts', 'a passing run at level off leaves nothing behind');
my $tmpdir = get('tmpdir');
chomp $tmpdir;
ok($tmpdir && !-e $tmpdir, "TMPDIR was the case's own and is gone");

($code, $out, $err) = runner('test', '--profile-level', 'detailed', '--jobs', '3');
is($code, 0, 'the same at detailed');
my $trace = json_of('.artifacts/run-trace.json');
my %seen = map { $_->{name} => 1 } @{ $trace->{spans} };
is_deeply([sort keys %seen], [sort qw(run.total runner.dispatch case.run case.chain case.harness check.execute
	subprocess.exec subprocess.wait)], 'its trace holds all eight span names');
my %by_id = map { $_->{span_id} => $_ } @{ $trace->{spans} };
is((grep { !defined $_->{parent_span_id} } @{ $trace->{spans} }), 1, 'one root');
is((grep { defined $_->{parent_span_id} && !$by_id{ $_->{parent_span_id} } } @{ $trace->{spans} }), 0,
	'every parent is there');
is((runner('verify', '.artifacts/run-trace.json'))[0], 0, 'verify agrees');

put('bad.spec.yaml', <<'E');
version: 1
suite: bad
cases:
  - {id: B-1, title: fails, harness: {type: cli.run, argv: [sh, -c, 'echo out; echo err >&2; exit 3']}}
  - {id: B-2, title: hangs, harness: {type: cli.run, argv: [sh, -c, 'sleep 300 & wait'], timeout_ms: 200}}
  - {id: B-3, title: passes, harness: {type: cli.run, argv: ['true']}}
  - {id: B-4, title: is not there, harness: {type: cli.run, argv: [no-such-program]}}
  - {id: B-5, title: flaky, harness: {type: cli.run, argv: [sh, -c, 'test -e flag || { touch flag; exit 1; }']}}
E
($code, $out, $err) = runner('test', '--jobs', '4', 'bad.spec.yaml');
is($code, 124, 'a case that a watchdog ended goes before one that failed');
is(join(' ', $out =~ /^((?:not )?ok \d+)/mg), 'not ok 1 not ok 2 ok 3 not ok 4 not ok 5', 'in the order of the file');
like($out, qr/message: "exit code 3".*stdout: "out\\n"\n  stderr: "err\\n"/s, 'a failure shows its output');
like($out, qr/timeout\.case\.harness/, 'and the limit its token');
my $bad = json_of('.artifacts/run-trace.json');
is($bad->{summary}{reason_tokens}{'timeout.case.harness'}, 1, 'which the trace counts');
is_deeply([map { "$_->{name} $_->{status}" } grep { ($_->{status} eq 'ok') != !defined $_->{error} } @{ $bad->{spans} }], [],
	'every span that is not ok says why');
like(json_of('.artifacts/findings.json')->{findings}[0]{pattern_id}, qr/^hang\./, 'what hung stands before what is missing');

unlink 'flag';
($code, $out, $err) = runner('test', '--format', 'junit', '--filter', 'B-5', '--retries', '2', 'bad.spec.yaml');
is($code, 0, 'a flaky case does not fail the run');
like($out, qr/<flakyFailure message="exit code 1"/, 'and is told apart from a pass');
($code, $out, $err) = runner('test', '--junit', 'j.xml', '--format', 'human', '--filter', 'B-[89]*', 'bad.spec.yaml');
is($code, 2, 'a filter that selects nothing is a usage error');
($code, $out, $err) = runner('test', '--junit', 'j.xml', '--format', 'human', '--filter', 'B-1', 'bad.spec.yaml');
is($code, 1, 'one failed');
like($out, qr/^FAIL .*B-1 fails\n.*exit code 3.*^1 cases/ms, 'for people');
like(get('j.xml'), qr/<testsuite name="bad"[^>]* tests="1" failures="1" errors="0".*<failure message="exit code 3"/s, 'JUnit beside it');
is((runner('test', '--list', '--shard', '1/2', 'bad.spec.yaml'))[1], "B-1 fails\nB-3 passes\nB-5 flaky\n", 'half of them, listed');
is((runner('test', '--list', 'bad.spec.yaml#B-4'))[1], "B-4 is not there\n", 'one of them');

{
	local $ENV{GITHUB_ACTIONS} = 'true';
	local $ENV{GITHUB_STEP_SUMMARY} = "$root/summary.md";
	($code, $out, $err) = runner('test', '--filter', 'B-1', 'bad.spec.yaml');
	like($out, qr/^::error file=bad\.spec\.yaml,line=4,title=B-1::exit code 3$/m, 'an annotation on GitHub');
	like(get('summary.md'), qr/\| B-1 \| fail \| exit code 3 \|/, 'and a summary');
}

for my $row (
	["version: 1\ncases:\n  - {id: A, harness: {type: cli.run, argv: [x], tiemout_ms: 5}}\n",
		qr/^spec-runner: x\.spec\.yaml:3:\d+: unknown key 'tiemout_ms' \(did you mean 'timeout_ms'\?\)$/],
	["version: 1\ncases:\n  - {id: A, chain: {steps: [{id: s, ref: '#B'}]}}\n", qr/^spec-runner: x\.spec\.yaml:3:\d+: no case 'B'/],
	["version: 1\ncases: [*a, *a]\n", qr/^spec-runner: x\.spec\.yaml:2:/],
	['{a: ' x 10000, qr/^spec-runner: x\.spec\.yaml:1:/],
) {
	put('x.spec.yaml', $row->[0]);
	($code, $out, $err) = runner('test', 'x.spec.yaml');
	is($code, 2, 'a wrong file is a usage error');
	like($err, $row->[1], 'said in one line with its place');
	is(($err =~ tr/\n//), 1, 'and no more');
}

put('secret.spec.yaml', <<'E');
version: 1
cases:
  - {id: S-1, harness: {type: cli.run, argv: [sh, -c, 'echo $MY_TOKEN; exit 1']}}
E
{
	local $ENV{MY_TOKEN} = 'abcdefgh12345678';
	($code, $out, $err) = runner('test', '--profile-level', 'debug', '--junit', 's.xml', 'secret.spec.yaml');
	is($code, 1, 'a case that prints a secret fails');
	unlike("$out$err", qr/abcdefgh12345678/, 'and nothing that we print holds it');
	is(system("grep -rq abcdefgh12345678 .artifacts s.xml") >> 8, 1, 'nor anything that we write');
}

put('v.spec.yaml', <<"E");
version: 1
cases:
  - {id: V-1, harness: {type: data.validate, paths: [specs/a.spec.yaml, bad.spec.yaml, v.spec.yaml], schema: $schemas/spec_case_v1.yaml}}
  - {id: V-2, harness: {type: data.validate, paths: [v.spec.yaml], keys: [version, cases.0.id]}}
  - {id: V-3, harness: {type: data.validate, paths: [v.spec.yaml], keys: [nothing]}}
  - {id: V-4, harness: {type: trace.verify, paths: [.artifacts/run-trace.json]}}
  - {id: V-5, harness: {type: file.scan, paths: ['*.none'], absent: [x]}}
E
($code, $out, $err) = runner('test', 'v.spec.yaml');
is(join(' ', $out =~ /^((?:not )?ok \d+)/mg), 'ok 1 ok 2 not ok 3 ok 4 not ok 5', 'data.validate, trace.verify, a glob for nothing');

# Ctrl-C in the middle: every case is told, and nothing is left running.
put('slow.spec.yaml', "version: 1\ncases:\n" . join '', map { "  - {id: L-$_, harness: {type: cli.run, argv: [sleep, 31.4$_]}}\n" } 1 .. 4);
my $pid = start_runner('test', '--jobs', '1', 'slow.spec.yaml');
ok(running(qr/^sleep 31[.]41 /, 20), 'the first case runs');
kill 'INT', $pid;
is(scalar end_runner($pid), 130, 'interrupted: 130');
my @results = get('out.txt') =~ /result: (\w+)/g;
is("@results", 'cancelled not_started not_started not_started', 'done, running and never started are complete');
is(running(qr/^sleep 31[.]4/), 0, 'nothing is left running');

done_testing();
