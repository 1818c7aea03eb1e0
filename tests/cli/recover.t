#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# recover.t - where none of our processes is left, the journal holds everything; `recover` or the next
# run in that root seals it.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use JSON::PP;
use Test::More;

# A run whose processes are all killed at once. Returns it with its run_id and journal.
sub lost_run {
	my ($dir) = @_;
	my $run = start_spec(['--profile-level', 'detailed', 'run', '--', '/bin/sh', '-c', 'echo out; exec sleep 30'],
		dir => $dir);
	my $mine;
	wait_until(10, sub {
		my $s = run_spec(['status', '--json', $run->{pid}], dir => $dir);
		$mine = $s->{code} == 0 ? decode_json($s->{out})->{runs}[0] : undef;
		return $mine && @{ $mine->{pids} } == 2 && @{ $mine->{open_spans} } == 4 && @{ $mine->{events} };
	}) or diag 'the run never came up';
	kill STOP => @{ $mine->{pids} };    # so that the one cannot tidy up after the other
	kill KILL => @{ $mine->{pids} };
	finish_spec($run);
	kill_tagged($run->{tag});
	$run->{run_id} = $mine->{run_id};
	$run->{journal} = "$dir/.artifacts/$mine->{run_id}.journal";
	return $run;
}

sub check_lost {
	my ($dir, $run, $how) = @_;
	my $trace = trace_of("$dir/.artifacts/recovered/$run->{run_id}/run-trace.json");
	is $trace->{status}, 'fail', "$how: fail";
	is $trace->{exit_code}, 125, "$how: 125";
	is $trace->{spans}[0]{error}{category}, 'supervisor_lost', "$how: supervisor_lost";
	is scalar @{ $trace->{spans} }, 4, "$how: the spans are there";
	ok -s "$dir/.artifacts/recovered/$run->{run_id}/run-trace-summary.md", "$how: and a summary";
	ok !-e $run->{journal}, "$how: the journal is gone";
	my $v = run_spec(['verify', "$dir/.artifacts/recovered/$run->{run_id}/run-trace.json"], dir => $dir);
	is $v->{code}, 0, "$how: verify agrees" or diag $v->{out}, $v->{err};
}

my $dir = new_dir();
my $run = lost_run($dir);
ok -s $run->{journal}, 'a journal is left';
my $r = run_spec(['recover'], dir => $dir);
is $r->{code}, 0, 'recovered';
like $r->{out}, qr{sealed in \S*recovered/\Q$run->{run_id}\E$}m, 'and says where';
check_lost($dir, $run, 'recover');
$r = run_spec(['recover'], dir => $dir);
is $r->{code}, 0, 'nothing to do is no failure';
like $r->{out}, qr/^nothing to recover/, 'and is said';

$run = lost_run($dir);
is run_spec(['recover', $run->{journal}], dir => $dir)->{code}, 0, 'by name';
check_lost($dir, $run, 'recover JOURNAL');

$run = lost_run($dir);
is run_spec(['--profile-level', 'basic', 'run', '--', 'true'], dir => $dir)->{code}, 0, 'the next run in that root';
check_lost($dir, $run, 'the next run');

my $live = start_spec(['--profile-level', 'basic', 'run', '--', 'sleep', 30], dir => $dir);
my @journals;
ok wait_until(10, sub { @journals = glob("$dir/.artifacts/*.journal"); return @journals == 1 }), 'a live run';
$r = run_spec(['recover', $journals[0]], dir => $dir);
is $r->{code}, 1, 'its journal is refused';
like $r->{err}, qr/^spec-runner: .*in use by pid \d+$/, 'with the holder';
is run_spec(['recover'], dir => $dir)->{code}, 0, 'and passed over where all are recovered';
ok -e $journals[0], 'untouched';
kill TERM => $live->{pid};
finish_spec($live);
no_survivors($live);

write_file("$dir/.artifacts/junk.journal", "no journal at all\n");
$r = run_spec(['recover'], dir => $dir);
is $r->{code}, 1, 'a damaged journal: 1';
like $r->{err}, qr/^spec-runner: journal '\S+junk\.journal' is damaged and kept as '\S+junk\.journal\.damaged'.*\n\z/,
	'one clear line';
ok -e "$dir/.artifacts/junk.journal.damaged" && !-e "$dir/.artifacts/junk.journal", 'it is set aside';
is run_spec(['recover'], dir => $dir)->{code}, 0, 'and not tried again';
is run_spec(['recover', "$dir/no-such.journal"], dir => $dir)->{code}, 1, 'one that is not there: 1';
is run_spec(['recover', 'a', 'b'], dir => $dir)->{code}, 2, 'two: 2';
done_testing;
