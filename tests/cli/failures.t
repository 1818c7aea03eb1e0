#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Ordinary failures are answered: failed tests first in every report; the causes that the output or the process tell; and
# nothing where nothing is known.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use POSIX ();
use lib 'tests/lib';
use SpecRunner;

my $python = '/usr/bin/python3';

sub failing {
	my ($dir, @command) = @_;
	my $r = run_spec(['run', '--', @command], dir => $dir, timeout => 60, env => { GITHUB_ACTIONS => undef });
	my $found = read_file("$dir/.artifacts/findings.json");
	$r->{findings} = $found ? decode_json($found)->{findings} : [];
	return $r;
}

sub told {
	my ($name, $pattern, $place, $text, @command) = @_;
	my $dir = new_dir();
	my $r = failing($dir, @command);
	my $first = $r->{findings}[0] // {};
	is $first->{pattern_id}, $pattern, "$name: $pattern" or diag $r->{err};
	is $first->{location}, $place, "$name: its place" if defined $place;
	like $r->{err}, $text, "$name: on the console";
	return $r;
}

# --- tests that failed: the tool's own words, whatever the tool ---

my $pytest = <<'PYTEST';
collected 4 items

test_m.py .F.F                                                           [100%]

=================================== FAILURES ===================================
__________________________________ test_p[7] ___________________________________

n = 7

>       assert n == 8
E       assert 7 == 8

test_m.py:5: AssertionError
____________________________________ test_q ____________________________________

>       assert open("/nowhere")
E       FileNotFoundError: [Errno 2] No such file or directory: '/nowhere'

test_m.py:9: FileNotFoundError
=========================== short test summary info ============================
FAILED test_m.py::test_p[7] - assert 7 == 8
FAILED test_m.py::test_q - FileNotFoundError: [Errno 2] No such file or direc...
========================= 2 failed, 2 passed in 0.05s ==========================
PYTEST
{
	my $dir = new_dir();
	write_file("$dir/out.txt", $pytest);
	write_file("$dir/pytest", "#!/bin/sh\ncat out.txt; exit 1\n", 0755);
	chmod 0755, "$dir/pytest";
	my $r = failing($dir, './pytest');
	is $r->{code}, 1, 'its own exit code';
	like $r->{err}, qr/^spec-runner: FAILED: 2 of 4 tests failed\nspec-runner: +failed: +test_m\.py::test_p\[7\]\nspec-runner: +test_m\.py:5: assert 7 == 8\n/m,
		'the console: how many, which, where, why';
	my $md = read_file("$dir/.artifacts/report.md");
	like $md, qr/^## 2 of 4 tests failed$/m, 'report.md says it first';
	cmp_ok index($md, '2 of 4 tests failed'), '<', 400, 'at its top';
	like $md, qr/`test_m\.py::test_q` at `test_m\.py:9`: FileNotFoundError/, 'with place and reason';
	my %by = map { $_->{summary} => $_ } @{ $r->{findings} };
	is_deeply [sort map { $_->{pattern_id} } @{ $r->{findings} }], ['fail.assertion', 'fail.exception.test'], 'a finding a test';
	my $gh = run_spec(['report', '--format', 'github'], dir => $dir)->{out};
	like $gh, qr/^::error file=test_m\.py,line=5,title=test_m\.py%3A%3Atest_p\[7\]::assert 7 == 8%0A/m, 'an annotation for each';
	is scalar(() = $gh =~ /^::error /mg), 2, 'and no more';
	my $html = run_spec(['report', '--format', 'html'], dir => $dir)->{out};
	like $html, qr{<h2>2 of 4 tests failed</h2>}, 'the page says it';
	unlike $html, qr/class="answer none"/, 'and is not green';
	my $xml = run_spec(['report', '-o', 'r.xml'], dir => $dir) && read_file("$dir/r.xml");
	like $xml, qr{name="test_p\[7\]".*<failure message="assert 7 == 8"}, 'JUnit XML has names and messages (-o FILE)';
	unlike $xml, qr/without a name/, 'and no test without a name';
}
{ # more than GitHub shows
	my $dir = new_dir();
	my $text = "collected 500 items\n\n" . ('F' x 500) . "\n=== short test summary info ===\n" .
		join('', map { "FAILED test_x.py::test_$_ - assert 0\n" } 1 .. 500) . "500 failed in 1.00s\n";
	write_file("$dir/out.txt", $text);
	write_file("$dir/pytest", "#!/bin/sh\ncat out.txt; exit 1\n");
	chmod 0755, "$dir/pytest";
	my $r = failing($dir, './pytest');
	like $r->{err}, qr/^spec-runner: FAILED: 500 of 500 tests failed$/m, '500 failures are counted';
	my $gh = run_spec(['report', '--format', 'github'], dir => $dir)->{out};
	is scalar(() = $gh =~ /^::error /mg), 10, 'ten annotations at most';
	cmp_ok length(read_file("$dir/.artifacts/report.md")), '<', 1000 * 1024, 'report.md fits into a step summary';
}

# --- what the output ends with ---

told('Python', 'fail.exception', undef, qr/ValueError: bad/, $python, '-c', 'raise ValueError("bad")');
{
	my $dir = new_dir();
	write_file("$dir/x.py", "def f():\n    raise ValueError('bad')\nf()\n");
	my $r = failing($dir, $python, 'x.py');
	is $r->{findings}[0]{location}, "$dir/x.py:f:2", 'the line of the user' or diag $r->{err};
	my $html = run_spec(['report', '--format', 'html'], dir => $dir)->{out};
	like $html, qr/raise ValueError\(&#39;bad&#39;\)/, 'and its source on the page';
}
told('a module', 'fail.missing', undef, qr/No module named 'nope'/, $python, '-c', 'import nope');
told('a command', 'fail.missing.command', undef, qr/'no-such-program' cannot be executed/, 'no-such-program');
{
	my $dir = new_dir();
	write_file("$dir/run-me", "#!/bin/sh\n", 0644);
	my $r = failing($dir, './run-me');
	is $r->{code}, 126, 'a file that may not be run';
	is $r->{findings}[0]{pattern_id}, 'fail.permission.command', '  is not called missing';
	like $r->{err}, qr/try: .*chmod/, '  and nobody is told to install it';
}
told('a command of a shell', 'fail.missing', undef, qr/no-such-program: not found/, 'sh', '-c', 'no-such-program');
told('a port', 'fail.port_in_use', undef, qr/Address already in use/, $python, '-c',
	'import socket; a = socket.socket(); a.bind(("127.0.0.1", 0)); a.listen(); socket.socket().bind(a.getsockname())');
told('permission', 'fail.permission', undef, qr/Permission denied/, $python, '-c', 'raise PermissionError(13, "Permission denied", "/x")');
told('network', 'fail.network', undef, qr/Connection refused/, $python, '-c',
	'import socket; a = socket.socket(); a.bind(("127.0.0.1", 0)); socket.create_connection(a.getsockname())');
told('disk', 'fail.disk', undef, qr/No space left/, $python, '-c', 'open("/dev/full", "w").write("x" * 100000)') if -e '/dev/full';
told('memory', 'fail.memory', undef, qr/MemoryError/, $python, '-c', 'raise MemoryError()');
told('a crash', 'fail.crash', undef, qr/SIGSEGV/, $python, '-c', 'import os; os.kill(os.getpid(), 11)');
told('an abort', 'fail.crash', undef, qr/SIGABRT/, 'sh', '-c', 'kill -ABRT $$');
told('a compiler', 'fail.build', 'a.c:3', qr/expected/, 'sh', '-c',
	'echo "a.c:3:5: error: expected ;" >&2; echo "make: *** [a.o] Error 1" >&2; exit 2');
told('a sanitizer', 'fail.sanitizer', '/src/a.c:main:7', qr/heap-use-after-free/, 'sh', '-c',
	'echo "==42==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010 at pc 0x1"; ' .
	'echo "READ of size 4"; echo "    #0 0x1 in main /src/a.c:7:3"; exit 1');
told('Go', 'fail.exception', '/w/x.go:main.f:9', qr/panic: boom/, 'sh', '-c',
	'printf "panic: boom\n\ngoroutine 1 [running]:\nmain.f(...)\n\t/w/x.go:9 +0x1d\nexit status 2\n"; exit 1');
told('nothing known', 'fail.exit', undef, qr/\Aspec-runner: failed \(exit code 3\); the trace is in [^\n]*\n\z/, 'sh', '-c', 'echo bye; exit 3');

# --- never a guess ---

for my $row (
	['a run that passes', 'echo "Traceback (most recent call last):"; echo "ValueError: x"; exit 0', qr/^$/],
	['words of a log', 'echo "error: connection refused, trying again"; for i in 1 2 3 4 5 6; do echo "step $i"; done; exit 1', qr/^fail\.exit$/],
	['a trace long before the end', 'printf "Traceback (most recent call last):\n  File \"/a.py\", line 1, in f\nValueError: x\n"; ' .
		'i=0; while [ $i -lt 40 ]; do echo "step $i"; i=$((i + 1)); done; exit 1', qr/^fail\.exit$/],
	['a test that failed explains it', 'echo "Error: ECONNREFUSED"; echo "1..1"; echo "not ok 1 - adds"; echo "connect: Connection refused"; exit 1',
		qr/^fail\.assertion$/]) {
	my $dir = new_dir();
	my $r = failing($dir, 'sh', '-c', $row->[1]);
	is join(' ', map { $_->{pattern_id} } @{ $r->{findings} }) =~ $row->[2], 1, $row->[0]
		or diag join ' ', map { $_->{pattern_id} } @{ $r->{findings} };
}

# --- ended early ---

{
	my $dir = new_dir();
	write_file("$dir/t.py", "import unittest, os\nclass T(unittest.TestCase):\n    def test_a(self): pass\n" .
		"    def test_b(self): os._exit(0)\n    def test_c(self): pass\n");
	my $r = failing($dir, $python, '-m', 'unittest', '-v', 't');
	is $r->{code}, 0, 'ended early: its own code';
	is $r->{findings}[0]{pattern_id}, 'run.ended_early', 'and a finding';
	like $r->{err}, qr/^spec-runner: ENDED EARLY: .*t\.T::test_b was running$/m, 'that names the test';
	$r = run_spec(['run', '--require-complete', '--', $python, '-m', 'unittest', '-v', 't'], dir => $dir);
	is $r->{code}, 1, '--require-complete: 1';
	$r = failing($dir, 'sh', '-c', "$python -m unittest -v t 2>&1 | grep test_a");
	is scalar @{ $r->{findings} }, 1, 'behind a filter nothing is known' if 0;
	unlike $r->{err}, qr/ENDED EARLY/, 'behind a filter nothing is said';
	$r = failing(new_dir(), 'sh', '-c', 'echo "1..3"; echo "ok 1 - a"; echo "ok 2 - b"');
	like $r->{err}, qr/ENDED EARLY: 2 of 3 tests had ended/, 'a plan that was not reached';
	# A plan whose closing line did not come, whatever came after: as cargo does it.
	my $cargo = new_dir();
	write_file("$cargo/cargo", "#!/bin/sh\nprintf 'running 3 tests\\ntest a ... ok\\ntest b ... \\nrunning 0 tests\\n\\n'\n" .
		"echo 'test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s'\n");
	chmod 0755, "$cargo/cargo";
	$r = failing($cargo, "$cargo/cargo", 'test', '--', '--test-threads=1');
	like $r->{err}, qr/ENDED EARLY: 1 of 3 tests had ended; b was running/, 'a section without its closing line';
	# A tool that never ends without a word, and did.
	write_file("$cargo/jest", "#!/bin/sh\nexit 0\n");
	chmod 0755, "$cargo/jest";
	$r = failing($cargo, "$cargo/jest");
	like $r->{err}, qr/^spec-runner: ended early: .*nothing was printed$/m, 'a tool that is never silent';
	$r = run_spec(['run', '--', "$cargo/jest", '--silent'], dir => $cargo);
	is $r->{err}, '', 'but in a mode of it that may be';
	# The last line may be a group or a test: it is named, and does not count.
	write_file("$cargo/rspec", "#!/bin/sh\nprintf 'cart\\n  adds\\n'\n");
	chmod 0755, "$cargo/rspec";
	$r = failing($cargo, "$cargo/rspec", '--format', 'documentation');
	like $r->{err}, qr/^spec-runner: ENDED EARLY: .*the last test named was adds$/m, 'a last line that nothing followed';
}

# --- where the files are ---

{
	my $dir = new_dir();
	failing($dir, 'sh', '-c', "exit $_") for 3, 4;
	my @runs = glob "$dir/.artifacts/runs/run-*";
	is scalar @runs, 2, 'each failing run keeps its files';
	is join(' ', sort map { decode_json(read_file("$_/run-trace.json"))->{exit_code} } @runs), '3 4', 'its own';
	is decode_json(read_file("$dir/.artifacts/run-trace.json"))->{exit_code}, 4, 'those at the top are the newest';
	is read_file("$dir/.artifacts/.gitignore"), "*\n", 'git leaves them alone';
	like read_file("$dir/.artifacts/report.md"), qr/<summary>The record in numbers/, 'report.md ends with the summary, folded';
	run_spec(['run', '--keep-runs', 1, '--', 'false'], dir => $dir);
	cmp_ok scalar(() = glob "$dir/.artifacts/runs/run-*"), '<=', 2, '--keep-runs bounds them'; # two of one second are equally new
	unlink "$dir/.artifacts/run-trace.json";
	is run_spec(['verify'], dir => $dir)->{code}, 0, 'verify without a file takes the newest';
}
SKIP: {
	skip 'needs root to become another user', 3 if $>;
	my ($dir, $tmp) = (new_dir(), new_dir());
	chmod 0555, $dir;
	chmod 0777, $tmp;
	my $become = sub {
		$) = '65534 65534';
		$( = 65534;
		POSIX::setuid(65534) or POSIX::_exit(99);
	};
	my $r = run_spec(['run', '--', 'sh', '-c', 'no-such-program; exit 3'], dir => $dir, env => { TMPDIR => $tmp }, setup => $become);
	skip 'that user cannot reach the program', 3 if $r->{code} ne '3';
	like $r->{err}, qr/^spec-runner: fail\.missing/m, 'a folder that cannot be written to: the finding all the same';
	like $r->{err}, qr/the files of this run are in \Q$tmp\E/, 'and where its files are';
	is scalar(() = glob "$tmp/spec-runner-run-*/report.md"), 1, 'below TMPDIR';
}

# --- the gate on the console ---
{
	my $dir = new_dir();
	write_file("$dir/spec-runner.yml", <<'YAML');
version: 1
gate:
  steps:
    - name: build
      run: |
        echo one
        echo two
    - {name: unit, kind: command, argv: [sh, -c, 'echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1'], timeout: 1m30s}
    - {name: deploy, run: 'echo never', needs: unit}
    - {name: lint, run: 'false; echo not reached', needs: [build]}
YAML
	my $r = run_spec(['gate', '--continue-on-fail'], dir => $dir, env => { GITHUB_ACTIONS => undef });
	is $r->{code}, 1, 'gate: a short name, spec-runner.yml is read';
	like $r->{out}, qr/\Aone\ntwo\n1\.\.2\n/, 'run: lines of a shell';
	unlike $r->{out}, qr/never|not reached/, 'needs holds back, and a line that fails ends its step';
	like $r->{err}, qr/^spec-runner: step 1 of 4: build\nspec-runner: step 'build' passed in \d+\.\d s$/m, 'each step begins and ends';
	like $r->{err}, qr/^spec-runner: +unit +FAILED +\d+\.\d s +exit code 1 +2 tests, 1 failed\nspec-runner: +deploy +skipped +after 'unit'$/m,
		'the closing table';
	my $summary = decode_json(read_file("$dir/.artifacts/gate-summary.json"));
	is $summary->{events}[0]{attrs}{event}, 'gate.step.start', 'events have the shape of the trace';
	like $summary->{events}[0]{span_id}, qr/^[0-9a-f]{16}$/, 'with their span';
	my ($row) = grep { $_->{name} eq 'deploy' } @{ $summary->{steps} };
	is "$row->{status} $row->{skip_reason} $row->{blocked_by}", 'skipped needs.not_passed unit', 'why a step was left out';
	write_file("$dir/spec-runner.yml", "version: 1\ngate: {steps: [{name: a, run: x, needs: b}]}\n");
	$r = run_spec(['gate'], dir => $dir);
	ok $r->{code} == 2 && $r->{err} =~ /spec-runner\.yml:2:\d+: no step above is named 'b'/, 'a need that is not there' or diag $r->{err};
}

# --- mistakes ---
for my $row (
	[['make', 'test'], 2, qr/unknown verb 'make'; did you mean: spec-runner run -- make test$/m],
	[['run', '--', 'true && true'], 127, qr/spec-runner run -- sh -c 'true && true'$/m],
	[['run', '--junit', '--', 'true'], 2, qr/--junit needs a value: --junit FILE; '--' is not one/],
	[['run', '--junit', '/no-such-folder/j.xml', '--', 'true'], 2, qr/the folder '\/no-such-folder' does not exist/],
	[['run', '--timeout', '5 parsecs', '--', 'true'], 2, qr/--timeout must be .* \(seconds\) or a time such as 500ms, 90s/],
	[['report', '-o', 'x.doc'], 2, qr/--output: the ending of 'x.doc' tells no format/],
	[['-V'], 0, qr/^$/], [['run', '--deadline', 'auto', '--', 'true'], 0, qr/no variable of the CI system says when this job ends/]) {
	my $r = run_spec($row->[0], dir => new_dir(), env => { map { $_ => undef } qw(CI_JOB_TIMEOUT SLURM_JOB_END_TIME BUILDKITE_TIMEOUT BUILD_TIMEOUT) });
	is $r->{code}, $row->[1], "@{$row->[0]}: $row->[1]";
	like $r->{err}, $row->[2], 'and the word for it';
}
for my $row (['--timeout', '0.3s'], ['--timeout', '0.3s', '--quiet'], ['--timeout-ms', '300ms'], ['--timeout-ms', '300'], ['--timeout', '1']) {
	is run_spec(['run', @$row, '--', 'sleep', '600'], timeout => 60)->{code}, 124, "@$row ends a command";
}
is run_spec(['run', '--', 'sleep', '600'], timeout => 60, env => { SPEC_RUNNER_TIMEOUT => '300ms' })->{code}, 124, 'SPEC_RUNNER_TIMEOUT=300ms';
is run_spec(['run', '--deadline', 'auto', '--', 'sleep', '600'], timeout => 60, env => { SPEC_RUNNER_JOB_TIMEOUT => '9s' })->{code}, 124,
	'--deadline auto: SPEC_RUNNER_JOB_TIMEOUT' if !$ENV{SPEC_RUNNER_QUICK};

# --- init ---
{
	my $dir = new_dir();
	write_file("$dir/go.mod", "module x\n");
	my $r = run_spec(['init', '--stdout'], dir => $dir);
	like $r->{out}, qr/argv: \[go, test, -v, \.\/\.\.\.\]/, 'init --stdout: commands that name tests';
	ok !-e "$dir/spec-runner.yaml", 'and nothing is written';
	write_file("$dir/spec-runner.yaml", "version: 1\n");
	is run_spec(['init'], dir => $dir)->{code}, 2, 'init leaves what is there';
	is run_spec(['init', '--force'], dir => $dir)->{code}, 0, '--force replaces it';
	like read_file("$dir/spec-runner.yaml"), (grep { -x "$_/go" } split /:/, $ENV{PATH}) ? qr/^gate:/m : qr/^# gate:/m,
		'by a new one, commented out only where go is not on this machine';
}

done_testing();
