#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# console.t - what people see: status lines below the output of a command, which never change what it looks like,
# and which are gone when it has ended, however; the answer to "what are you doing?"; one line in a long
# silence of a log; the groups of CI systems. A terminal of our own is read back by Screen.pm.
use strict;
use warnings;
use lib 'tests/lib';
use Pty;
use Screen;
use SpecRunner;
use Test::More;
use Time::HiRes qw(sleep time);

my $spec = spec();
my $wait = 15 * slow_factor();
my $drawn = qr/\e7\e\[0m\r+\n(?:\e\[1m)?spec-runner: /; # the position saved, then our first line
my %clean = (TERM => 'xterm-256color', LANG => 'C.UTF-8', LC_ALL => '', CI => '', NO_COLOR => '', CLICOLOR_FORCE => '',
	FORCE_COLOR => '', SPEC_RUNNER_STATUS => 'auto', GITHUB_ACTIONS => '', GITLAB_CI => '',
	BUILDKITE => '', TEAMCITY_VERSION => '', TF_BUILD => '');
delete $ENV{SPEC_RUNNER_RUN_ID};
my $count = 0;

sub on_terminal {
	my ($argv, %o) = @_;
	my $tag = "zoo-console-$$-" . ++$count;
	my $dir = $o{dir} // new_dir();
	my $p = Pty->new($argv, %o, dir => $dir, env => { %clean, ZOO_TAG => $tag, %{ $o{env} // {} } });
	@$p{qw(tag dir)} = ($tag, $dir);
	return $p;
}

# A minute of its own clock, which runs twelve times as fast here; begun first, looked at last.
my $quiet_log = start_preloaded("$ENV{TEST_BUILD}/tests/fault/fast_clock.so",
	['run', '--', '/bin/sh', '-c', 'echo "1..3"; echo "ok 1 - one"; sleep 7'], env => { %clean, CLOCK_FACTOR => 12 });

# --- whatever it prints, the screen is the one without us ---

my %prints = (
	'lines' => 'for i in 1 2 3; do echo line $i; sleep 0.6; done',
	'more lines than the window has' => 'seq 1 40; sleep 1.3; seq 41 60; sleep 0.3; echo end; sleep 0.3; echo end',
	'partial lines' => 'printf "a ... "; sleep 1.3; echo ok; sleep 0.2; printf "b ... "; sleep 0.3; echo ok; sleep 0.2',
	'progress bars' => 'for i in 10 20 30 40; do printf " $i %%\r"; sleep 0.4; done; printf "\033[K"; sleep 0.3; echo done; sleep 0.2',
	'colours left open' => 'printf "\033[31mred\n"; sleep 1.3; printf "still red\033[0m\n"; sleep 0.2; printf "\033[44mblue\n"; sleep 0.3; printf "\033[0mplain\n"; sleep 0.3',
	'wide characters and marks' => 'printf "\344\270\255\346\226\207\n"; sleep 1.3; printf "e\314\201 \360\237\230\200\n"; sleep 0.3',
	'lines longer than the window' => 'printf "%0300d\n" 7; sleep 1.3; printf "%080d\n%080d" 1 2; sleep 0.3; printf "%079d\n" 3; sleep 0.3',
	'lines rewritten above' => 'echo 1; echo 2; echo 3; sleep 1.3; printf "\033[3A\033[2Ka\n"; sleep 0.3; printf "\033[2Kb\n\033[2Kc\n"; sleep 0.3',
	'the alternate screen' => 'echo before; sleep 1.3; printf "\033[?1049h\033[H\033[2Jfull\033[5;5Hscreen"; sleep 0.5; printf "\033[?1049l"; echo after; sleep 0.3',
	'a cleared screen' => 'seq 1 10; sleep 1.3; printf "\033[H\033[2Jnew\n"; sleep 0.3; echo more; sleep 0.3',
	'stdout and stderr' => 'for i in 1 2 3; do echo out $i; echo err $i >&2; sleep 0.6; done',
	'no newline at the end' => 'echo a; sleep 1.3; printf b',
);
my %run;
for my $pty ('auto', 'never') {
	for my $name (sort keys %prints) {
		$run{"$name, --pty $pty"} = [on_terminal([$spec, 'run', '--pty', $pty, '--', '/bin/sh', '-c', $prints{$name}]),
			on_terminal(['/bin/sh', '-c', $prints{$name}])];
	}
}
for my $name (sort keys %run) {
	my ($ours, $plain) = @{ $run{$name} };
	is $ours->finish($wait), 0, "$name: ends";
	$plain->finish($wait);
	like $ours->{all}, $drawn, "$name: the status line was there";
	my ($a, $b) = map { Screen->new(24, 80)->write($_->{all}) } $ours, $plain;
	is $a->text, $b->text, "$name: the screen is the one without us";
	if ($name =~ /cleared/) { is $a->{col}, $b->{col}, "$name: so is the cursor" }
	else { is $a->cursor, $b->cursor, "$name: so is the cursor" }
	is $ours->settings, $ours->{before}, "$name: so are the settings";
	no_survivors($ours, "$name: nothing is left");
}

# --- where nothing may be drawn ---

my %never = (
	'a prompt' => [['run', '--', '/bin/sh', '-c', 'printf "name? "; read x; echo "hello $x"'], "name\\? ", "you\n", 'hello you'],
	'a password' => [['run', '--', '/bin/sh', '-c', 'stty -echo; echo "Password for you:"; read x; stty echo; echo got'], 'you:', "secret\n", 'got'],
	'keys' => [['run', '--', '/bin/sh', '-c', 'stty -icanon min 1; echo "press a key"; dd bs=1 count=1 2>/dev/null; stty icanon; echo'], 'a key', 'k', 'k'],
);
$never{'less'} = [['run', '--', 'less', '-X', '/etc/passwd'], 'root', 'q', ''] if -x '/usr/bin/less';
$never{'vi'} = [['run', '--', 'vi', '-u', 'NONE', '/etc/passwd'], 'root', ":q\r", ''] if -x '/usr/bin/vi';
my %asks = map { $_ => on_terminal([$spec, @{ $never{$_}[0] }]) } sort keys %never;
for my $name (sort keys %asks) {
	my ($p, $case) = ($asks{$name}, $never{$name});
	ok $p->expect(qr/$case->[1]/, $wait), "$name: is there";
	my $until = time + 1.8;
	$p->slurp(0.1) while time < $until;
	unlike $p->{all}, $drawn, "$name: left alone while it waits";
	$p->type($case->[2]);
	is $p->finish($wait), 0, "$name: answered";
	like $p->{all}, qr/$case->[3]/, "$name: as ever";
}

my @off = (
	[['--status', 'never']], [['--quiet']], [[], env => { SPEC_RUNNER_STATUS => 'never' }], [[], env => { TERM => 'dumb' }],
	[[], env => { CI => 'true' }], [[], env => { SPEC_RUNNER_RUN_ID => 'run-20260101T000000Z-00000000' }], [[], cols => 20],
	[[], rows => 4],
);
my @offs = map { my ($args, %o) = @$_; on_terminal([$spec, 'run', @$args, '--', '/bin/sh', '-c', 'echo a; sleep 1.6; echo b'], %o) } @off;
for my $p (@offs) {
	is $p->finish($wait), 0, 'switched off: ends';
	unlike $p->{all}, qr/\e7/, 'nothing was drawn';
}
my $dir = new_dir();
my $piped = on_terminal(['/bin/sh', '-c', "$spec run -- sh -c 'echo a; sleep 1.6; echo b' | cat"]);
my $forced = on_terminal([$spec, 'run', '--status', 'always', '--', '/bin/sh', '-c', 'echo a; sleep 1.6; echo b'], env => { CI => 'true', TERM => 'dumb' });
my $filed = on_terminal([$spec, 'run', '--', '/bin/sh', '-c', 'echo a; echo err >&2; sleep 1.6; printf b'], out => "$dir/out");
my $plain = on_terminal([$spec, 'run', '--', '/bin/sh', '-c', 'sleep 1.6'], env => { NO_COLOR => '1' });
$_->finish($wait) for $piped, $forced, $filed, $plain;
unlike $piped->{all}, qr/\e7/, 'stdout to a program that may write on the terminal: nothing is drawn';
like $forced->{all}, $drawn, '--status always: in spite of CI and TERM';
like $filed->{all}, $drawn, 'stdout to a file: drawn';
is read_file("$dir/out"), "a\nb", 'the file has the bytes as they are';
is(Screen->new(24, 80)->write($filed->{all})->text, 'err', 'and the screen has stderr alone');
like $plain->{all}, qr/\e7\e\[0m\r+\nspec-runner: 1s/, 'NO_COLOR: no colour in it';
my $b = on_terminal([$spec, 'run', '--color', 'tint', '--', 'true']);
is $b->finish($wait), 2, 'a bad word of --color is a usage error still';

# --- tests and their ages ---

my $verbose = <<'PY';
import time, unittest
class T(unittest.TestCase):
    def test_a(self): pass
    def test_b(self): time.sleep(1.5)
    def test_c(self): time.sleep(60)
PY
$dir = new_dir();
write_file("$dir/test_x.py", $verbose);
my $u = on_terminal([$spec, 'run', '--timeout-ms', 4500 * slow_factor(), '--', 'python3', '-m', 'unittest', '-v', 'test_x'], dir => $dir);
ok $u->expect(qr/1 test done, 1 running(?s:.*?)\ds  test_x\.T::test_b/, $wait), 'behind an open name: the running test and its age' or diag($u->{all});
ok $u->expect(qr/2 tests done, 1 running(?s:.*?)\ds  test_x\.T::test_c/, $wait), 'then the next one' or diag($u->{all});
$u->resize(24, 40);
ok $u->expect(qr/\e7\e\[0m\r+\n(?:\e\[1m)?spec-runner: \d+s(?:\e\[0m)?, 2 tests done[^\r]{0,24}\e\[K\r/, $wait), 'a smaller window: cut' or diag($u->{all});
is $u->finish($wait), 124, 'ended by its limit';
like $u->{all}, qr/\e\[J\r?\n?spec-runner: [^\r\n]*running: test_x\.T::test_c for/, 'the result begins with what was running' or diag($u->{all});
like(Screen->new(24, 80)->write($u->{all})->text, qr/^spec-runner:   (?:command|report):/m, 'each line of it begins at the left');
unlike(Screen->new(24, 80)->write($u->{all})->text, qr/tests done, 1 running/, 'and no status line is left');

# Where a hang stands between tests.
sub first_lines {
	my ($files, @argv) = @_;
	my $where = new_dir();
	write_file("$where/$_", $files->{$_}) for keys %$files;
	my $r = run_spec(['run', '--timeout-ms', 2500 * slow_factor(), '--', @argv], dir => $where, env => \%clean);
	is $r->{code}, 124, "@argv: ended";
	return join "\n", (grep { !/ (?:hang|timeout)\./ } $r->{err} =~ /^spec-runner: ([^ ].*)$/mg)[0, 1];
}
is first_lines({ 'test_e.py' => "import threading, time, unittest\nclass T(unittest.TestCase):\n    def test_a(self): threading.Thread(target=time.sleep, args=(99,)).start()\n" },
	'python3', '-m', 'unittest', '-v', 'test_e'), "every test had passed, then it did not exit (unittest)\ntests: 1 done (0 failed, 0 skipped), 0 running", 'all passed, then hung at exit';
is first_lines({ 'test_l.py' => "import time; time.sleep(99)\n" }, 'python3', '-m', 'unittest', '-v', 'test_l'),
	"no test has started yet (unittest)\ntests: 0 done (0 failed, 0 skipped), 0 running", 'hung before the first test';
is first_lines({ 'a.pl' => '$| = 1; print "1..3\nok 1 - one\n"; sleep 99' }, 'perl', 'a.pl'),
	"running after one\ntests: 1 done (0 failed, 0 skipped), 0 running", 'named at its end only: after which';
SKIP: {
	skip 'no prove', 3 unless -x '/usr/bin/prove';
	my $where = new_dir();
	write_file("$where/a.t", 'print "1..1\n"; sleep 99');
	my $r = run_spec(['run', '--timeout-ms', 2500 * slow_factor(), '--', 'prove', 'a.t'], dir => $where, env => \%clean);
	like $r->{err}, qr/^spec-runner: no test has been named yet \(prove\)$/m, 'prove in a pipe: nothing is known';
	like $r->{err}, qr/^spec-runner: prove holds its output back in a pipe: try --pty always$/m, 'which is said, with what to do';
	is first_lines({ 'a.t' => qq{print "1..1\nok 1 - one\n"}, 'b.t' => 'print "1..1\n"; sleep 99' }, 'prove', '-v', 'a.t', 'b.t'),
		"running after a.t\ntests: 1 done (0 failed, 0 skipped), 0 running", 'the plan of a file is not that of all files';
}

# A limit that was reached while all went well is no silence, and neither is a moment.
{
	my $r = run_spec(['run', '--timeout-ms', 1000 * slow_factor(), '--', 'sh', '-c', 'while :; do echo x; sleep 0.01; done'], env => \%clean);
	is $r->{code}, 124, 'ended while it went on printing';
	like $r->{err}, qr/^spec-runner: TIMEOUT: it was still making progress, the last \d+\.\d s before$/m, '  which is what the first line says';
	$r = run_spec(['run', '--deadline', '2020-01-01T00:00:00Z', '--', 'sleep', '5'], env => \%clean);
	is $r->{code}, 124, 'a deadline that is over';
	unlike $r->{err}, qr/HUNG|hang\./, '  proves no hang' or diag $r->{err};
}

# --- Ctrl-Z, fg; the death of either of ours ---

SKIP: {
	skip 'no bash', 5 unless -x '/bin/bash';
	my $sh = on_terminal(['/bin/bash', '--norc', '--noprofile', '-i'], env => { PS1 => 'prompt> ' });
	$sh->expect(qr/prompt> /, $wait);
	$sh->type("$spec run -- sh -c 'sleep 2; sleep 2; echo over'\n");
	ok $sh->expect($drawn, $wait), 'in a shell: drawn';
	$sh->type("\x1a");
	ok $sh->expect(qr/Stopped.*prompt> /s, $wait), 'stopped';
	my $until = time + 1.5;
	$sh->slurp(0.1) while time < $until;
	unlike $sh->{screen}, qr/\e7/, 'nothing is drawn while the shell is in front';
	$sh->type("fg\n");
	ok $sh->expect($drawn, $wait), 'in front again: drawn again';
	ok $sh->expect(qr/over\r?\n.*prompt> /s, $wait), 'and over';
	unlike(Screen->new(24, 80)->write($sh->{all})->text, qr/spec-runner: \d+s/, 'no status line is left on the screen');
	$sh->type("exit\n");
	$sh->finish($wait);
}
for my $which ('supervisor', 'front') {
	my $p = on_terminal([$spec, 'run', '--', '/bin/sh', '-c', 'sleep 30']);
	ok $p->expect($drawn, $wait), "$which killed: drawn before";
	my ($sup) = split ' ', read_file("/proc/$p->{pid}/task/$p->{pid}/children") // '';
	kill KILL => $which eq 'front' ? $p->{pid} : $sup;
	$p->finish($wait);
	wait_until(10, sub { !tagged($p->{tag}) });
	1 while $p->slurp(0.2);
	unlike(Screen->new(24, 80)->write($p->{all})->text, qr/spec-runner: \d+s,/, "$which killed: no status line is left");
	is $p->settings, $p->{before}, "$which killed: the settings are as before";
	no_survivors($p, "$which killed: nothing is left");
}

# --- what are you doing? ---

my $ask = start_spec(['run', '--', '/bin/sh', '-c', 'echo "1..9"; echo "ok 1 - one"; echo "last words"; sleep 4'], env => \%clean);
wait_until(10, sub { (read_file($ask->{out_path}) // '') =~ /last words/ });
sleep 0.5;
kill USR1 => $ask->{pid};
finish_spec($ask);
is $ask->{code}, 0, 'SIGUSR1: the run goes on';
like $ask->{err}, qr/^spec-runner: tests: 1 done.*^spec-runner: never started: 8 of 9$/ms, 'SIGUSR1: done, never started' or diag($ask->{err});
like $ask->{err}, qr/^spec-runner:   leaf: sleep \(pid \d+, state S\): sleep 4$/m, 'the leaf of the tree' or diag($ask->{err});
like $ask->{err}, qr/^spec-runner:   last output \d+s ago: last words$/m, 'the last output';
my $t = trace_of($ask);
my @looked = grep { $_->{attrs}{event} eq 'diagnose.process' } events($t, 'checkpoint');
ok scalar(grep { ($_->{attrs}{comm} // '') eq 'sleep' } @looked), 'and the trace has a look at the tree';
is $t->{status}, 'pass', 'of a run that passed';
is scalar(() = tokens($t)), 0, 'without a token';

$dir = new_dir();
mkdir "$dir/specs";
write_file("$dir/specs/a.spec.yaml", "version: 1\nsuite: s\ncases:\n" . join '', map {
	"  - id: S-00$_\n    title: case $_\n    harness: {type: cli.run, argv: [sh, -c, 'sleep $_']}\n    expect:\n      must: [{target: exit_code, equals: 0}]\n" } 1 .. 3);
my $k = on_terminal([$spec, 'test', '--jobs', '2'], dir => $dir);
ok $k->expect(qr{/3 cases done, [12] running.*?S-003}s, $wait), 'test: cases done, running, with their ages' or diag($k->{all});
$k->type('t');
ok $k->expect(qr/running for [\d.]+ s, .*?of? ?.*S-003/s, $wait), 't: what runs now' or diag($k->{all});
is $k->finish($wait), 0, 'test: ends';
unlike $k->{all}, qr/t\r\nok/, 'the key itself is not echoed';
is $k->settings, $k->{before}, 'test: the settings are as before';
my $ck = on_terminal([$spec, 'test', '--jobs', '2'], dir => $dir);
ok $ck->expect($drawn, $wait), 'test: drawn';
$ck->type("\x03");
is $ck->finish($wait), 130, 'Ctrl-C ends cases, too';
is $ck->settings, $ck->{before}, 'and leaves the settings as before';

my $ct = on_terminal([$spec, 'run', '--', '/bin/sh', '-c', 'echo begun; sleep 3; read x; echo "got <$x>"']);
$ct->expect(qr/begun/, $wait);
my $asked = 0; # the shell may not have started sleep yet
do { $ct->type("\x14") } until $ct->expect(qr/running for [\d.]+ s.*?leaf: sleep/s, 0.5) || ++$asked > 20;
ok $asked <= 20, 'Ctrl-T: what runs now' or diag($ct->{all});
$ct->type("word\n");
is $ct->finish($wait), 0, 'Ctrl-T: the command does not see it';
like $ct->{all}, qr/got <word>/, 'but the rest of what is typed';

# --- groups of CI systems ---

my %groups = ( # variable => [begin, end, what a failed step's end is, does its fold stay closed]
	'GITHUB_ACTIONS=true' => ['::group::%s', '::endgroup::', '::endgroup::', 1],
	'TF_BUILD=True' => ['##[group]%s', '##[endgroup]', '##[endgroup]', 1],
	'TEAMCITY_VERSION=2026' => ["##teamcity[blockOpened name='%s']", "##teamcity[blockClosed name='%s']", "##teamcity[blockClosed name='%s']", 1],
	'BUILDKITE=true' => ['--- %s', undef, '^^^ +++', 0],
	'GITLAB_CI=true' => ['section_start:T:spec_runner_N_%s' . "\r\e[0K" . '%s', 'section_end:T:spec_runner_N_%s' . "\r\e[0K", 'section_end:T:spec_runner_N_%s' . "\r\e[0K", 0],
	'NOTHING=true' => [undef, undef, undef, 0],
);
$dir = new_dir();
mkdir "$dir/specs";
write_file("$dir/specs/a.spec.yaml", "version: 1\nsuite: s\ncases:\n  - {id: S-1, harness: {type: cli.run, argv: ['false']}, expect: {must: [{target: exit_code, equals: 0}]}}\n");
write_file("$dir/spec-runner.yaml", <<'YAML');
version: 1
gate:
  fail_fast: false
  steps:
    - {name: good, kind: command, argv: [sh, -c, 'echo fine; printf unfinished']}
    - {name: bad, kind: command, argv: [sh, -c, 'echo why; echo "::error::x" >&2; exit 3']}
    - {name: cases, kind: test, paths: [specs]}
YAML
for my $provider (sort keys %groups) {
	my ($begin, $end, $failed, $hides) = @{ $groups{$provider} };
	my ($name, $value) = split /=/, $provider;
	my $g = run_spec(['ci-gate-summary'], dir => $dir, env => { %clean, SPEC_RUNNER_RUN_ID => undef, (map { $_ => undef } qw(GITHUB_ACTIONS GITLAB_CI BUILDKITE TEAMCITY_VERSION TF_BUILD)), $name => $value });
	is $g->{code}, 3, "$provider: the gate's code";
	(my $out = $g->{out}) =~ s/^(section_\w+):\d+:spec_runner_\d+/$1:T:spec_runner_N/gm;
	my $mark = sub { my ($text, $step) = @_; return defined $text ? $text =~ s/%s/$step/gr . "\n" : '' };
	my $newline = $begin ? "\n" : '';
	my $last = $hides ? qr/spec-runner: step 'bad' failed \(exit code 3\); its last lines:\nspec-runner: \| why\nspec-runner: \| ::error::x\n/ : qr//;
	my $cases = $hides ? qr/spec-runner: step 'cases' failed \(exit code 1\); its last lines:\nspec-runner: \| fail S-1: [^\n]*\n/ : qr//;
	my ($b1, $e1, $b2, $e2, $b3, $e3) = map { quotemeta } $mark->($begin, 'good'), $mark->($end, 'good'), $mark->($begin, 'bad'), $mark->($failed, 'bad'), $mark->($begin, 'cases'), $mark->($failed, 'cases');
	like $out, qr/\A${b1}fine\nunfinished$newline$e1${b2}why\n$e2$last${b3}TAP version 13\n.*?$e3$cases\z/s, "$provider: marks around the steps; what failed stands outside of what stays closed";
}
my $nested = run_spec(['ci-gate-summary'], dir => $dir, env => { %clean, GITHUB_ACTIONS => 'true', SPEC_RUNNER_RUN_ID => 'run-20260101T000000Z-00000000' });
unlike $nested->{out}, qr/::group::/, 'below another spec-runner: none';

# --- a silent log ---

finish_spec($quiet_log, 80);
SKIP: {
	skip 'the sanitizer wants to be loaded first, the clock as well', 2 if $ENV{TEST_SANITIZED};
	like $quiet_log->{err}, qr/^spec-runner: 1m00s without output; 1\/3 tests done; running after one$/m, 'a minute of silence: one line' or diag($quiet_log->{err});
	is scalar(() = $quiet_log->{err} =~ /without output/g), 1, 'and no more';
}
done_testing;
