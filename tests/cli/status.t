#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# status.t - `status` tells what a running spec-runner is doing, from its journal alone: also
# while that is stopped.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use JSON::PP;
use Test::More;

sub status_json {
	my ($dir, @words) = @_;
	my $r = run_spec(['status', '--json', @words], dir => $dir);
	return ($r->{code}, eval { decode_json($r->{out}) });
}

my $dir = new_dir();
my $run = start_spec(['--profile-level', 'detailed', '--profile-heartbeat-ms', 50, 'run', '--',
	'/bin/sh', '-c', 'echo hello; exec sleep 30', '--api-token=sesame-sesame'], dir => $dir);
my ($code, $all, $mine);
ok wait_until(10, sub {
	($code, $all) = status_json($dir, $run->{pid});
	$mine = $code == 0 ? $all->{runs}[0] : undef;
	return $mine && $mine->{heartbeat} && $mine->{output}{stdout_bytes} == 6;
}), 'a run is found by its pid';

is $all->{version}, 1, 'version 1';
is scalar @{ $all->{runs} }, 1, 'one run';
like $mine->{run_id}, qr/^run-\d{8}T\d{6}Z-[0-9a-f]{8}$/, 'run_id';
like $mine->{command_line}, qr/^spec-runner run .*sleep 30/, 'the command line';
unlike $mine->{command_line}, qr/sesame/, 'redacted';
is_deeply [map { $_->{name} } @{ $mine->{open_spans} }],
	[qw(run.total runner.dispatch subprocess.exec subprocess.wait)], 'the open spans, in order';
ok((grep { $_ == $run->{pid} } @{ $mine->{pids} }), 'our process holds the journal');
cmp_ok $mine->{elapsed_ms}, '>=', $mine->{open_spans}[-1]{age_ms}, 'ages fit';
ok $mine->{heartbeat}{attrs}{processes} >= 1, 'processes of the last heartbeat';
ok @{ $mine->{events} } > 0 && @{ $mine->{events} } <= 10, 'the last events';

my @pids = @{ $mine->{pids} };
kill STOP => @pids;
(my $again, my $all_again) = status_json($dir, $pids[-1]);
is $again, 0, 'it answers while all of ours are stopped, by either pid';
is $all_again->{runs}[0]{run_id}, $mine->{run_id}, 'about the same run';
my $text = run_spec(['status'], dir => $dir);
is $text->{code}, 0, 'without a pid';
like $text->{out}, qr/\Q$mine->{run_id}\E.*subprocess\.wait.*last events:/s, 'and without --json';
kill CONT => @pids;

is run_spec(['status', $$], dir => $dir)->{code}, 1, 'a process that is no spec-runner: 1';
is run_spec(['status', 'x'], dir => $dir)->{code}, 2, 'no pid: 2';
is run_spec(['status', 1, 2], dir => $dir)->{code}, 2, 'two pids: 2';

kill TERM => $run->{pid};
finish_spec($run);
no_survivors($run);
is((status_json($dir, $run->{pid}))[0], 1, 'and after its end there is nothing to tell');
done_testing;
