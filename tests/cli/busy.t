#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# busy.t - what counts as progress and what as work, at level strict: a spinner on a terminal is no progress; a tree that
# computes is ended by its busy limit and not by the stall limit; one that sleeps by the stall limit.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Test::More;

my $stall = 400 * slow_factor();
my @strict = ('run', '--liveness-level', 'strict', '--liveness-stall-ms', $stall, '--liveness-kill-grace-ms', 300);

sub stall_of {
	my ($t) = @_;
	my ($event) = grep { ($_->{attrs}{reason_token} // '') eq 'stall.subprocess.no_output_no_event' } events($t, 'watchdog');
	return $event ? $event->{attrs} : {};
}

sub checkpoint {
	my ($t, $name) = @_;
	return (grep { ($_->{attrs}{event} // '') eq $name } events($t, 'checkpoint'))[0];
}

# Computes by the clock of its own CPU time, so that a busy machine changes nothing.
my $compute = 'my $x = 0; while ((times)[0] < $ENV{CPU_S}) { $x++ for 1 .. 10000 }';

{
	local $ENV{CPU_S} = 2 * $stall / 1000;
	my $r = run_spec([@strict, '--', 'perl', '-e', $compute], timeout => 60 * slow_factor());
	is $r->{code}, 0, 'silent work over two stall limits goes on to its end';
}
{
	local $ENV{CPU_S} = 1000;
	my $r = run_spec([@strict, '--liveness-busy-ms', 3 * $stall, '--', 'perl', '-e', $compute], timeout => 60 * slow_factor());
	is $r->{code}, 124, 'a busy loop is ended';
	my $t = trace_of($r);
	my $stalled = stall_of($t);
	is $stalled->{verdict}, 'busy', 'the verdict is busy';
	cmp_ok $stalled->{idle_ms} // 0, '>=', 3 * $stall, 'at the busy limit';
	is scalar(grep { $_ eq 'stall.subprocess.no_output_no_event' } tokens($t)), 1, 'the token stands once';
	ok checkpoint($t, 'liveness.busy'), 'and that it was busy was recorded at the stall limit';
	like $r->{err}, qr/but is busy/, 'and said';
	is run_spec(['verify', "$r->{dir}/.artifacts/run-trace.json"])->{code}, 0, 'verify agrees';
	no_survivors($r);
}
{
	my $r = run_spec([@strict, '--', 'sleep', 60]);
	is $r->{code}, 124, 'a sleeping one is ended';
	my $stalled = stall_of(trace_of($r));
	is $stalled->{verdict}, 'hung', 'as hung';
	cmp_ok $stalled->{idle_ms} // 1e9, '<', 3 * $stall, 'at the stall limit';
}
for my $pty (qw(always never)) {
	my $spin = '$| = 1; for (1 .. 10000) { print "\r\e[K", (qw(| / - +))[$_ % 4], " working"; select undef, undef, undef, 0.05 }';
	my $r = run_spec([@strict, '--pty', $pty, '--', 'perl', '-e', $spin]);
	is $r->{code}, 124, "a spinner alone (--pty $pty) is no progress";
	is stall_of(trace_of($r))->{verdict}, 'hung', 'and no work';
}
{
	my $lines = '$| = 1; for (1 .. 12) { print "\r\e[Kline $_\n"; select undef, undef, undef, ' . $stall / 4000 . ' }';
	is run_spec([@strict, '--pty', 'always', '--', 'perl', '-e', $lines])->{code}, 0, 'new lines are progress';
}

done_testing;
