#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# live_place.t - at level basic a stall is recorded and the run goes on: while it does, one line says where it stands.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Test::More;

my $stall = 400 * slow_factor();
my $python = -x '/usr/bin/python3' ? '/usr/bin/python3' : undef;
plan skip_all => 'no /usr/bin/python3' if !$python;

sub places { return grep { ($_->{attrs}{event} // '') eq 'diagnose.place' } events($_[0], 'checkpoint') }
sub lines_of { return grep { /^spec-runner:   where: / } split /\n/, $_[0]{err} }

# The look takes what it takes on a busy machine: the program waits until its supervisor has said it, or long.
my $wait = "import os, sys, time\n\ndef waits_here():\n    time.sleep($stall / 1000 * 8)\n\nwaits_here()\n";
my $secret = 'hunter2-hunter2-hunter2';
my $dir = new_dir();
write_file("$dir/$secret.py", $wait);

{
	my $r = run_spec(['run', '--profile-level', 'basic', '--liveness-stall-ms', $stall, '--', $python, "$dir/$secret.py"], dir => $dir, env => { API_TOKEN => $secret },
		timeout => 90 * slow_factor());
	is $r->{code}, 0, 'it goes on to its end';
	my @lines = lines_of($r);
	is scalar @lines, 1, 'one line for the one stall' or diag $r->{err};
	like $lines[0], qr{: at \S+:4 \(waits_here\), \S*python\S* \(pid \d+\): hang\.sleep$}, 'the line of the user, the process, what it waits for';
	unlike $lines[0], qr/\Q$secret/, 'redacted, as everything is';
	my @places = places(trace_of($r));
	is scalar @places, 1, 'the trace has it';
	is $places[0]{attrs}{line}, 4, 'with the line';
	is $places[0]{attrs}{function}, 'waits_here', 'and the function';
	unlike read_file("$dir/.artifacts/run-trace.json"), qr/\Q$secret/, 'and no secret';
	is run_spec(['verify', "$dir/.artifacts/run-trace.json"])->{code}, 0, 'verify agrees';
}
{
	my $r = run_spec(['run', '--quiet', '--liveness-stall-ms', $stall, '--', $python, "$dir/$secret.py"], timeout => 90 * slow_factor());
	is $r->{code}, 0, '--quiet: the same';
	is scalar lines_of($r), 0, 'and no line';
}
{
	write_file("$dir/chain.py", "import subprocess\n\n\nsubprocess.run(['sleep', '" . $stall / 1000 * 8 . "'])\n");
	my $r = run_spec(['run', '--liveness-stall-ms', $stall, '--', $python, "$dir/chain.py"], timeout => 90 * slow_factor());
	like +(lines_of($r))[0], qr{: at \S+/chain\.py:4 \(\S+\), (?:sleep \(pid \d+\): hang\.sleep|\S*python\S* \(pid \d+\): hang\.wait\.child)$},
		'a program without source: the line of who waits for it';
}
{
	my $r = run_spec(['run', '--liveness-level', 'strict', '--liveness-stall-ms', $stall, '--', $python, "$dir/chain.py"], timeout => 90 * slow_factor());
	is $r->{code}, 124, 'strict: ended';
	is scalar lines_of($r), 0, 'and the answer comes at the end, once' or diag $r->{err};
}
done_testing;
