#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Steps of a gate beside each other (gate.jobs): what waits for what, output whole and in its place, one JUnit file, and
# watching, cancelling, deadlines as for a single command.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use Time::HiRes qw(sleep);
use lib 'tests/lib';
use SpecRunner;

my $slow = slow_factor();
my %env = (GITHUB_ACTIONS => undef, CI => undef);

sub gate {
	my ($yaml, $args, %o) = @_;
	my $dir = $o{dir} // new_dir();
	write_file("$dir/spec-runner.yaml", "version: 1\n$yaml");
	my $r = run_spec(['gate', @{ $args // [] }], dir => $dir, timeout => 60, env => { %env, %{ $o{env} // {} } });
	my $text = read_file("$dir/.artifacts/gate-summary.json");
	$r->{rows} = { map { $_->{name} => $_ } @{ decode_json($text)->{steps} } } if $text;
	$r->{summary} = decode_json($text) if $text;
	return $r;
}

# Two that wait for each other: only beside each other do they pass.
my $both = <<'YAML';
gate:
  jobs: 2
  steps:
    - {name: left, run: 'echo left 1; touch l; until [ -e r ]; do sleep 0.02; done; echo left 2; echo left error >&2'}
    - {name: right, run: 'echo right 1; touch r; until [ -e l ]; do sleep 0.02; done; echo right 2'}
    - {name: last, needs: [left, right], run: 'cat l r; echo last'}
YAML
my $r = gate($both, ['--profile-level', 'basic']);
is $r->{code}, 0, 'steps run beside each other' or diag $r->{err};
like $r->{out}, qr/^left 1\nleft 2\n/m, 'the output of each in one piece';
like $r->{out}, qr/^right 1\nright 2\n/m, 'of the other, too';
like $r->{out}, qr/last\n\z/, 'what needs both comes behind';
like $r->{err}, qr/^left error$/m, 'stderr stays stderr';
like $r->{err}, qr/^spec-runner: step 1 of 3: left\nspec-runner: step 2 of 3: right$/m, 'each says when it begins';
like $r->{err}, qr/^spec-runner: step 'last' passed in/m, 'and when it ends';
like $r->{err}, qr/^spec-runner: +right +passed +\d+\.\d s$/m, 'and stands in the table';
is run_spec(['verify'], dir => $r->{dir})->{code}, 0, 'the trace of it is sound';

# marks of a CI system stand around what belongs to them
$r = gate($both, [], env => { GITHUB_ACTIONS => 'true', CI => 'true' });
(my $marked = $r->{out}) =~ s/^::(?:stop-commands::\S+|[0-9a-f-]{16,}::)\n//mg;
like $marked, qr/^::group::left\nleft 1\nleft 2\n::endgroup::$/m, 'a group for each, none within another';

# 300 KiB each, byte for byte
$r = gate(<<'YAML');
gate:
  jobs: 3
  steps:
    - {name: a, run: 'i=0; while [ $i -lt 6000 ]; do echo "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa $i"; i=$((i+1)); done'}
    - {name: b, run: 'i=0; while [ $i -lt 6000 ]; do echo "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb $i"; i=$((i+1)); done'}
YAML
my %whole = map { my $c = $_; $c => join '', map { $c x 50 . " $_\n" } 0 .. 5999 } qw(a b);
ok $r->{out} eq $whole{a} . $whole{b} || $r->{out} eq $whole{b} . $whole{a}, 'large outputs are not mixed';

# failures, needs, JUnit of all steps
$r = gate(<<'YAML', ['--continue-on-fail', '--junit', 'all.xml']);
gate:
  jobs: 3
  steps:
    - {name: one, kind: command, argv: [sh, -c, 'echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1']}
    - {name: two, kind: command, argv: [sh, -c, 'echo 1..1; echo ok 1 - c']}
    - {name: three, needs: one, run: 'echo never'}
    - {name: four, needs: [two, three], run: 'echo never'}
YAML
is $r->{code}, 1, 'the code of the step that failed';
unlike $r->{out}, qr/never/, 'what needs it does not run';
is join(' ', map { $r->{rows}{$_}{status} } qw(one two three four)), 'fail pass skipped skipped', 'as the summary says';
is $r->{rows}{four}{blocked_by}, 'three', 'and why';
like $r->{err}, qr/^spec-runner: step 'three' is skipped: 'one' has not passed$/m, 'with a word';
like $r->{err}, qr/^spec-runner: FAILED: 1 of 3 tests failed\nspec-runner: +failed: +b$/m, 'tests of all steps are counted';
my $xml = read_file("$r->{dir}/all.xml") // '';
like $xml, qr/name="$_"/, "JUnit has $_" for qw(a b c);
is run_spec(['verify'], dir => $r->{dir})->{code}, 0, 'the trace of skipped steps is sound';

# fail-fast: what runs ends, nothing more begins
$r = gate(<<'YAML');
gate:
  jobs: 2
  steps:
    - {name: bad, run: 'until [ -e up ]; do sleep 0.02; done; exit 3'}
    - {name: long, run: 'touch up; sleep 0.5; echo long is over'}
    - {name: later, run: 'echo never'}
YAML
is $r->{code}, 3, 'fail-fast: its code';
like $r->{out}, qr/long is over/, 'what was running ends';
is $r->{rows}{later}{skip_reason}, 'fail_fast.after_failure', 'what had not begun does not';
is $r->{summary}{first_failure_step}, 'bad', 'the first by time';

# one hangs, another goes on: the hang is found
my $stall = 1500 * $slow;
SKIP: {
	skip 'no /usr/bin/python3', 6 if !-x '/usr/bin/python3';
	my $dir = new_dir();
	write_file("$dir/wait.py", "import time\ndef wait_for_peer():\n    time.sleep(300)\nwait_for_peer()\n");
	write_file("$dir/go.py", "import time\nwhile True:\n    print('on', flush=True)\n    time.sleep(0.1)\n");
	my $yaml = "liveness: {level: strict, stall_ms: $stall, kill_grace_ms: 500}\ngate:\n  jobs: 2\n  steps:\n" .
		"    - {name: hangs, kind: command, argv: [/usr/bin/python3, wait.py]}\n" .
		"    - {name: goes on, kind: command, argv: [/usr/bin/python3, go.py], timeout_ms: " . 2 * $stall . "}\n";
	$r = gate($yaml, ['--continue-on-fail'], dir => $dir);
	is $r->{code}, 124, 'each is watched by itself';
	is_deeply $r->{rows}{hangs}{reason_tokens}[0], 'stall.subprocess.no_output_no_event', 'one stalled';
	is_deeply $r->{rows}{'goes on'}{reason_tokens}[0], 'timeout.subprocess.wait', 'one reached its limit';
	like $r->{err}, qr/^spec-runner: HUNG: .*\nspec-runner: hang\.sleep: .*wait_for_peer/m, 'and the one that hung is explained';
	unlike $r->{err}, qr/printed: +on$/m, 'without the words of the other';
	no_survivors($r);
}

# cancelled: all of them, and nothing is left
{
	my $dir = new_dir();
	write_file("$dir/spec-runner.yaml", "version: 1\ngate: {jobs: 2, steps: [{name: a, run: 'touch a; sleep 300'}, {name: b, run: 'touch b; sleep 300'}]}\n");
	my $s = start_spec(['gate'], dir => $dir, env => \%env);
	wait_until(30, sub { -e "$dir/a" && -e "$dir/b" });
	kill TERM => $s->{pid};
	$r = finish_spec($s, 60);
	is $r->{code}, 143, 'a signal ends both';
	no_survivors($r);
	like $r->{err}, qr/^spec-runner: +b +cancelled/m, 'as the table says';
}

# mistakes
$r = gate("gate: {jobs: 0, steps: [{name: a, run: 'true'}]}\n");
ok $r->{code} == 2 && $r->{err} =~ m{spec-runner\.yaml:2:\d+: 'jobs' must be a whole number from 1 to 64}, 'jobs: 0' or diag $r->{err};
is run_spec(['gate', '--gate-jobs', 'x'], dir => new_dir())->{code}, 2, '--gate-jobs x';
# a reader that does not read: what one step has printed waits for it, while another step is watched, and nothing is lost
{
	my $dir = new_dir();
	my $limit = 6500; # longer than anybody would be waited for
	write_file("$dir/spec-runner.yaml", <<"YAML");
version: 1
gate:
  jobs: 2
  steps:
    - {name: loud, run: 'i=0; while [ \$i -lt 3000 ]; do echo "loudloudloudloudloudloudloudloudloudloudloudloudl \$i"; i=\$((i+1)); done; echo loud error >&2'}
    - {name: hangs, kind: command, argv: [sleep, "600"], timeout_ms: $limit}
    - {name: after, needs: [loud], run: 'echo after'}
YAML
	pipe my $from, my $to or die;
	my $h = start_spec(['gate', '--continue-on-fail'], dir => $dir, env => \%env, setup => sub { open STDOUT, '>&', $to or die; close $from });
	close $to;
	my $row = sub { my $t = read_file("$dir/.artifacts/gate-summary.json") or return {}; return { map { $_->{name} => $_ } @{ decode_json($t)->{steps} } } };
	ok wait_until(60, sub { (eval { $row->()->{after}{status} } // '') eq 'pass' }), 'a slow reader: what needs the loud step runs all the same';
	ok wait_until(60, sub { (eval { $row->()->{hangs}{status} } // '') eq 'fail' }), 'and the step beside it is ended by its limit';
	my $read = do { local $/; scalar <$from> };
	$h = finish_spec($h, 60);
	is $h->{code}, 124, 'exit code';
	my $lines = join '', map { 'loud' x 12 . "l $_\n" } 0 .. 2999;
	ok index($read, $lines) >= 0, 'every byte of the first is there in the end' or diag length $read;
	like $read, qr/after\n\z/, 'and what was printed later stands behind it';
	unlike $h->{err}, qr/not read in time/, 'nothing was dropped';
	like $h->{err}, qr/^loud error$/m, 'stderr as well';
}

done_testing;
