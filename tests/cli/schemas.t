#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The schemas of the gate's artifacts and of cases refuse what is damaged: each of 50 damaged versions of
# each, held by data.validate itself.
use strict;
use warnings;
use lib 'tests/lib';
use JSON::PP;
use SpecCases;
use Test::More;

enter_project();
my $json = JSON::PP->new->utf8->canonical;

sub results {
	my ($spec) = @_;
	open my $p, '-|', "'$spec_runner' test '$spec' 2>/dev/null" or die $!;
	my @lines = grep { /^(not )?ok / } <$p>;
	close $p;
	return @lines;
}

# The members of %open have names of their own choice (facts), so a renamed one is none the worse; what lies in
# %free, however deep, may be anything.
our %open = map { $_ => 1 } qw(evidence);
our %free = map { $_ => 1 } qw(config); # what a run was told: sections of any options

# Every way to the members of a document, as [container, key].
sub places {
	my ($v, $found) = @_;
	if (ref $v eq 'HASH') {
		for my $k (sort keys %$v) {
			push @$found, [$v, $k];
			places($v->{$k}, $found) if !$free{$k};
		}
	} elsif (ref $v eq 'ARRAY') {
		for my $i (0 .. $#$v) { places($v->[$i], $found) }
	}
	return $found;
}

# 50 damaged texts: members renamed, and members given a value of a kind that none of them has.
sub damaged {
	my ($good) = @_;
	my $whole = $json->decode($good);
	my $places = places($whole, []);
	my %is_open = map { $open{ $_->[1] } && ref $_->[0]{ $_->[1] } ? ($_->[0]{ $_->[1] } => 1) : () } @$places;
	my @ways = map { my $i = $_; (($is_open{ $places->[$i][0] } ? () : [$i, 'name']), ($free{ $places->[$i][1] } ? () : [$i, 'value'])) }
		0 .. $#$places;
	my $step = @ways / 50;
	return map { spoiled($good, @{ $ways[int $_ * $step] }) } 0 .. 49;
}

sub spoiled {
	my ($good, $at, $what) = @_;
	my $copy = $json->decode($good);
	my ($in, $key) = @{ places($copy, [])->[$at] };
	if ($what eq 'name') { $in->{"${key}x"} = delete $in->{$key} } else { $in->{$key} = [[{}]] }
	return $json->encode($copy);
}

sub refuses {
	my ($what, $good, $schema) = @_;
	put('d/good.json', $good);
	my @bad = damaged($good);
	my $spec = "version: 1\ncases:\n  - {id: GOOD, harness: {type: data.validate, paths: [d/good.json], schema: $schemas/$schema}}\n";
	for my $i (0 .. $#bad) {
		put("d/bad$i.json", $bad[$i]);
		$spec .= "  - {id: BAD-$i, harness: {type: data.validate, paths: [d/bad$i.json], schema: $schemas/$schema}}\n";
	}
	put('s.spec.yaml', $spec);
	my ($first, @rest) = results('s.spec.yaml');
	like($first, qr/^ok/, "$what: the good one is accepted");
	is(scalar @rest, 50, "$what: 50 damaged ones");
	is((grep { /^ok/ } @rest), 0, "$what: all are refused") or
		diag map { /^ok \d+ - BAD-(\d+)/ ? "accepted: $bad[$1]\n" : () } @rest;
}

put('g.spec.yaml', <<'E');
version: 1
suite: gov
cases:
  - {id: G-1, title: holds, check: rules.ok, harness: {type: cli.run, argv: ['true']}}
  - {id: G-2, title: broken, check: rules.broken, harness: {type: cli.run, argv: ['false']}}
E
put('spec-runner.yaml', "version: 1\ngate: {steps: [{name: g, kind: governance, paths: [g.spec.yaml]}, {name: c, kind: command, argv: ['true']}]}\n");
system "'$spec_runner' ci-gate-summary >/dev/null 2>&1";
refuses('gate-summary.json', get('.artifacts/gate-summary.json'), 'gate_summary_v1.yaml');
system "'$spec_runner' governance g.spec.yaml >/dev/null 2>&1";
refuses('governance-summary.json', get('.artifacts/governance-summary.json'), 'governance_summary_v1.yaml');
refuses('governance-timing.json', get('.artifacts/governance-timing.json'), 'governance_timing_v1.yaml');
refuses('cases', $json->encode({ version => 1, suite => 's', cases => [
	{ id => 'A', title => 't', check => 'c.d', chain => { fail_fast => JSON::PP::true, timeout_ms => 3,
		steps => [{ id => 's', ref => '#B', allow_continue => JSON::PP::false }] },
	  harness => { type => 'cli.run', argv => ['x'], env => {}, cwd => '.', stdin => '', timeout_ms => 3 },
	  expect => { must => [{ target => 'exit_code', equals => 0 }, { target => 'json', pointer => '/a', exists => JSON::PP::true }],
		must_not => [{ target => 'stderr', contains => 'e' }], may => [{ target => 'duration_ms', at_most => 4 }] },
	  export => { v => { target => 'stdout', matches => 'x' } } },
	{ id => 'B', harness => { type => 'file.scan', paths => ['a'], present => ['x', { regex => 'y' }], each => JSON::PP::true } },
	{ id => 'C', harness => { type => 'data.validate', paths => ['a'], keys => ['x'] } },
] }), 'spec_case_v1.yaml');
# what a governance step that fails leaves, and what explains it
put('t.spec.yaml', <<'E');
version: 1
suite: gov
cases:
  - {id: G-1, title: broken, check: rules.broken, harness: {type: cli.run, argv: ['false']}}
  - {id: G-2, title: hangs, check: rules.hangs, harness: {type: cli.run, argv: [sleep, '60'], timeout_ms: 300}}
E
put('spec-runner.yaml', "version: 1\ngate: {steps: [{name: g, kind: governance, paths: [t.spec.yaml]}]}\n");
system "'$spec_runner' --profile-level basic ci-gate-summary >/dev/null 2>&1";
refuses('governance-triage.json', get('.artifacts/governance-triage.json'), 'governance_triage_v1.yaml');
refuses('findings.json', get('.artifacts/findings.json'), 'findings_v1.yaml');

# the trace; its attributes, environment and variables have names of their own
{
	local %open = map { $_ => 1 } qw(env_profile environment libraries);
	local %free = (attrs => 1);
	refuses('run-trace.json', get('.artifacts/run-trace.json'), 'run_trace_v1.yaml');
}

# the results of a test run, and a look into a process
system "'$spec_runner' --profile-level basic run -- sh -c 'printf \"TAP version 13\\n1..3\\nok 1 - a\\nnot ok 2 - b\\n\"; exit 1' >/dev/null 2>&1";
refuses('test results', scalar `'$spec_runner' report --format tests-json .artifacts/run-trace.json`, 'test_results_v1.yaml');
my $pid = fork // die $!;
exec 'sleep', '60' if !$pid;
select undef, undef, undef, 0.3;
refuses('inspect --json', scalar `'$spec_runner' inspect --json $pid`, 'inspect_v1.yaml');
kill KILL => $pid;
waitpid $pid, 0;
done_testing();
