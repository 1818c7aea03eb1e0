#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# governance and ci-gate-summary: fail-fast, triage, artifacts, and a summary whatever ends the gate.
use strict;
use warnings;
use lib 'tests/lib';
use SpecCases;
use Test::More;

enter_project();
sub summary { return json_of('.artifacts/gate-summary.json') }

is(scalar runner('ci-gate-summary'), 2, 'without a gate: a usage error');
like(get('err.txt'), qr/init/, 'and a word about init');

put('spec-runner.yaml', "version: 1\ngate: {steps: [{name: a, kind: command, argv: [echo]}]}\n");
is(scalar runner('ci-gate-summary'), 0, 'a gate that passes');
is_deeply([sort map { s{.*/}{}r } glob '.artifacts/* .artifacts/.g*'], ['.gitignore', 'gate-summary.json'], 'leaves its summary, and nothing for git');
is(get('.artifacts/.gitignore'), "*\n", 'by its own .gitignore');
put('spec-runner.yaml', "version: 1\ngate:\n  steps:\n" . join '', map {
	my $exit = $_ == 4 ? 3 : 0;
	"    - {name: s$_, kind: command, argv: [sh, -c, 'exit $exit']}\n"
} 1 .. 12);
is(scalar runner('ci-gate-summary'), 3, 'the code of the first failing step');
my $s = summary();
is($s->{status}, 'fail', 'status');
is($s->{first_failure_step}, 's4', 'first_failure_step');
is($s->{aborted_after_step}, 's4', 'aborted_after_step');
is($s->{skipped_step_count}, 8, 'eight are skipped');
is((grep { ($_->{skip_reason} // '') eq 'fail_fast.after_failure' && $_->{blocked_by} eq 's4' && !defined $_->{exit_code} }
	@{ $s->{steps} }), 8, 'and say why');
ok(-e '.artifacts/run-trace.json' && -e '.artifacts/run-trace-summary.md', 'a failing gate leaves a trace');
is(json_of('.artifacts/run-trace.json')->{summary}{first_failure_step}, 's4', 'whose summary tells of it');
{
	my ($in_trace, $in_summary) = map { join "\n", map { "$_->{ts_ns} $_->{span_id} $_->{attrs}{event} $_->{attrs}{step}" }
		grep { ($_->{attrs}{event} // '') =~ /^gate\./ } @{ $_->{events} } } json_of('.artifacts/run-trace.json'), $s;
	is($in_summary, $in_trace, 'the events of the summary are those of the trace');
}
is(scalar runner('verify', '.artifacts/run-trace.json'), 0, 'verify agrees');
holds_schema('.artifacts/gate-summary.json', 'gate_summary_v1.yaml');
for my $row ([['--continue-on-fail'], 0], [['--fail-fast', '--continue-on-fail'], 0], [['--continue-on-fail', '--fail-fast'], 8]) {
	is(scalar runner('ci-gate-summary', @{ $row->[0] }), 3, "@{ $row->[0] }: exit 3");
	is(summary()->{skipped_step_count}, $row->[1], "$row->[1] are skipped");
}
{
	local $ENV{SPEC_RUNNER_FAIL_FAST} = '0';
	is(scalar runner('ci-gate-summary', '--out', 'g/s.json'), 3, 'SPEC_RUNNER_FAIL_FAST=0');
	my $other = json_of('g/s.json');
	is($other->{skipped_step_count}, 0, 'equals --continue-on-fail; --out says where');
	ok(!$other->{fail_fast_enabled} && !defined $other->{aborted_after_step}, 'nothing was aborted');
}

put('specs/g.spec.yaml', <<'E');
version: 1
suite: gov
cases:
  - {id: G-1, title: holds, check: rules.ok, harness: {type: cli.run, argv: ['true']}}
  - {id: G-2, title: broken, check: rules.broken, harness: {type: cli.run, argv: ['false']}}
  - {id: G-3, title: hangs, check: runtime.hang, harness: {type: cli.run, argv: [sleep, 300], timeout_ms: 150}}
  - {id: G-4, title: every second time, check: runtime.flaky, harness: {type: cli.run, argv: [sh, -c, 'if [ -e f ]; then rm f; else touch f; exit 1; fi']}}
  - {id: T-1, title: no check, harness: {type: cli.run, argv: ['false']}}
E
put('spec-runner.yaml', <<'E');
version: 1
gate:
  steps:
    - {name: governance, kind: governance, paths: [specs]}
    - {name: after, kind: command, argv: ['true']}
E
is(scalar runner('ci-gate-summary'), 124, 'a check was ended by a watchdog');
$s = summary();
ok($s->{triage_attempted}, 'triage');
is($s->{triage_mode}, 'both', 'the whole set, then a selection');
is($s->{triage_result}, 'stalled', 'one stalls');
is_deeply($s->{failing_check_ids}, [qw(rules.broken runtime.hang runtime.flaky)], 'ids');
is_deeply($s->{failing_check_prefixes}, [qw(rules runtime)], 'prefixes');
is_deeply($s->{flaky_check_ids}, ['runtime.flaky'], 'flaky');
ok($s->{stall_detected}, 'stall_detected');
is($s->{stall_phase}, 'case.harness', 'stall_phase');
is($s->{status}, 'fail', 'never green');
my %verdict = map { $_->{case_id} => $_->{verdict} } @{ json_of('.artifacts/governance-triage.json')->{checks} };
is_deeply(\%verdict, { 'G-2' => 'broken', 'G-3' => 'stalled', 'G-4' => 'flaky' }, 'broken, stalled and flaky are told apart');
holds_schema('.artifacts/gate-summary.json', 'gate_summary_v1.yaml');
unlink 'f';
{
	local $ENV{SPEC_GOV_TRIAGE_ENABLED} = '0';
	is(scalar runner('ci-gate-summary'), 124, 'the same without triage');
	$s = summary();
	ok(!$s->{triage_attempted} && $s->{triage_mode} eq 'not_run' && $s->{triage_result} eq 'not_run', 'which says so');
	unlink 'f';
}
{
	local $ENV{SPEC_GOV_TRIAGE_MAX_RETRIES} = 'many';
	is(scalar runner('ci-gate-summary'), 2, 'a bad value is a usage error');
}

is(scalar runner('governance'), 124, 'governance alone');
is_deeply([get('out.txt') =~ /^ERROR: (\S+):/mg], [qw(G-2 G-3 G-4)], 'a line for each failing check');
holds_schema('.artifacts/governance-summary.json', 'governance_summary_v1.yaml');
holds_schema('.artifacts/governance-timing.json', 'governance_timing_v1.yaml');
is(scalar runner('governance', '--from-failures', '.artifacts/governance-summary.json', '--exclude-check-prefix', 'runtime'), 1,
	'again what failed, less a prefix');
is_deeply([get('out.txt') =~ /^ERROR: (\S+):/mg], ['G-2'], 'just that');
is(scalar runner('governance', '--check-prefix', 'rules.ok'), 0, 'by prefix');
is(scalar runner('governance', '--check-prefix', 'nothing'), 2, 'none selected: a usage error');

put('spec-runner.yaml', <<'E');
version: 1
gate:
  fail_fast: false
  steps:
    - {name: missing, kind: command, argv: [no-such-program]}
    - {name: limit, kind: command, argv: [sleep, 300], timeout_ms: 150}
    - {name: nofile, kind: test, paths: [no/such/file.spec.yaml]}
    - {name: in, kind: command, argv: [sh, -c, 'test "$A" = b && test "$(basename "$PWD")" = specs'], cwd: specs, env: {A: b}}
E
is(scalar runner('ci-gate-summary'), 127, 'a missing program is a failing step');
$s = summary();
is_deeply([map { $_->{exit_code} } @{ $s->{steps} }], [127, 124, 2, 0], 'the code of each');
is_deeply($s->{steps}[1]{reason_tokens}, ['timeout.subprocess.wait', 'watchdog.kill.term'], 'with the tokens');
ok($s->{stall_detected} && $s->{stall_phase} eq 'subprocess.wait', 'a command that a watchdog ended');
holds_schema('.artifacts/gate-summary.json', 'gate_summary_v1.yaml');

# What is written to is no file: one summary, at the end.
is(scalar runner('ci-gate-summary', '--out', '/dev/stdout'), 127, '--out /dev/stdout');
is(scalar(() = get('out.txt') =~ /^\{"version":1,/mg), 1, 'gets one summary');
like(get('err.txt'), qr/^spec-runner: step '$_' failed \(exit code \d+\)$/m, "the console names step $_") for qw(missing limit nofile);
unlike(get('err.txt'), qr/step 'in' failed/, 'and none that passed');

# A step that runs its own gate.
put('spec-runner.yaml', <<"E");
version: 1
gate:
  steps:
    - {name: again, kind: command, argv: [sh, -c, 'exec "$SpecCases::spec_runner" ci-gate-summary']}
E
is(scalar runner('ci-gate-summary'), 2, 'a gate in itself is refused');
like(get('err.txt'), qr/^spec-runner: a step of the gate of '.*spec-runner.yaml' runs this gate again$/m, 'and says so');
put('other.yaml', "version: 1\ngate: {steps: [{name: inner, kind: command, argv: [echo, inner]}]}\n");
put('spec-runner.yaml', <<"E");
version: 1
gate:
  steps:
    - {name: other, kind: command, argv: [sh, -c, 'exec "$SpecCases::spec_runner" ci-gate-summary --config other.yaml']}
E
is(scalar runner('ci-gate-summary'), 0, 'another gate below it is none');

# Ctrl-C in the middle.
put('spec-runner.yaml', <<'E');
version: 1
gate:
  steps:
    - {name: one, kind: command, argv: ['true']}
    - {name: two, kind: command, argv: [sleep, 32.5]}
    - {name: three, kind: command, argv: ['true']}
E
my $pid = start_runner('ci-gate-summary');
ok(running(qr/^sleep 32[.]5 /, 20), 'the second step runs');
kill 'INT', $pid;
is(scalar end_runner($pid), 130, 'interrupted: 130');
$s = summary();
is(join(' ', map { $_->{status} } @{ $s->{steps} }), 'pass fail skipped', 'the summary is written all the same');
is($s->{steps}[2]{skip_reason}, 'cancelled', 'and says why');
holds_schema('.artifacts/gate-summary.json', 'gate_summary_v1.yaml');

# Our supervising process is killed in the middle.
$pid = start_runner('ci-gate-summary');
ok(running(qr/^sleep 32[.]5 /, 20), 'the second step runs again');
my ($supervisor) = split ' ', `ps -o pid= --ppid $pid`;
kill 'KILL', $supervisor;
is(scalar end_runner($pid), 125, 'our process is lost: 125');
$s = summary();
is(join(' ', $s->{status}, map { $_->{status} } @{ $s->{steps} }), 'fail pass fail skipped', 'the summary tells which step was running');
is("$s->{first_failure_step} $s->{skipped_step_count}", 'two 1', 'first_failure_step and the count agree with the rows');
holds_schema('.artifacts/gate-summary.json', 'gate_summary_v1.yaml');

done_testing();
