#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What tools print of a failed test, as recorded (Go 1.19, PHPUnit 9.6 --testdox, Node 20 TAP, Test::More below prove -v, cargo): the
# test, its line and its message are told. And our block begins on a line of its own.
use strict;
use warnings;
use Test::More;
use lib 'tests/lib';
use SpecRunner;

sub shown {
	my ($dialect, $text, $errors, $code) = @_;
	my $dir = new_dir();
	write_file("$dir/out.txt", $text);
	write_file("$dir/err.txt", $errors // '');
	my $r = run_spec(['run', '--dialect', $dialect, '--', 'sh', '-c', 'cat err.txt >&2; cat out.txt; exit ' . ($code // 1)], dir => $dir,
		env => { GITHUB_ACTIONS => undef });
	return join '', grep { /^spec-runner: / } split /^/, $r->{err};
}

my $go = <<"E";
=== RUN   TestFirst
--- PASS: TestFirst (0.00s)
=== RUN   TestTotal
--- FAIL: TestTotal (0.00s)
panic: runtime error: invalid memory address or nil pointer dereference [recovered]
\tpanic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4f4ff6]

goroutine 19 [running]:
testing.tRunner.func1.2({0x508da0, 0x5fdab0})
\t/usr/lib/go-1.19/src/testing/testing.go:1396 +0x24e
panic({0x508da0, 0x5fdab0})
\t/opt/hostedtoolcache/go/1.19/x64/src/runtime/panic.go:884 +0x212
cart.sum(...)
\t/w/cart.go:11
cart.TestTotal(0xc000096680?)
\t/w/cart_test.go:14 +0x16
FAIL\tcart\t0.005s
FAIL
E
my $t = shown('go', $go);
like $t, qr{^spec-runner:\s+failed:\s+TestTotal\n.*?/w/cart\.go:11: panic: runtime error: invalid memory address}m, 'go: a panic, at the innermost line that is ours';
like $t, qr/^spec-runner: fail\.exception\.test: TestTotal/m, 'and its kind';
unlike $t, qr/goroutine 19|FAIL\tcart/, 'and no more';
$t = shown('go', "=== RUN   TestA\n    a_test.go:5: got 2\n--- FAIL: TestA (0.00s)\n=== RUN   TestB\n    b_test.go:9: got 3\n--- FAIL: TestB (0.00s)\nFAIL\nFAIL\tx\t0.01s\n");
like $t, qr/TestA\n.*a_test\.go:5: got 2\n.*TestB\n.*b_test\.go:9: got 3/, 'go: each failure keeps its own line';

$t = shown('phpunit', <<'E');
PHPUnit 9.6.7 by Sebastian Bergmann and contributors.

Cart
 ✔ First
 ✘ Total
   │
   │ Failed asserting that 3 is identical to 2.
   │
   │ /w/CartTest.php:5
   │

Time: 00:00.008, Memory: 6.00 MB

FAILURES!
Tests: 2, Assertions: 2, Failures: 1.
E
like $t, qr{Cart::Total\n.*?/w/CartTest\.php:5: Failed asserting that 3 is identical to 2\.}, 'phpunit --testdox';

sub node_tap {
	return "TAP version 13\n# Subtest: total\nnot ok 1 - total\n  ---\n  duration_ms: 1.4\n  location: '/w/a.test.mjs:4:1'\n$_[0]  ...\n1..1\n" .
		"# tests 1\n# suites 0\n# pass 0\n# fail 1\n# cancelled 0\n# skipped 0\n# todo 0\n# duration_ms 9.1\n";
}
$t = shown('node', node_tap("  error: |-\n    Expected values to be strictly equal:\n    \n    2 !== 3\n    \n  stack: |-\n" .
	"    TestContext.<anonymous> (file:///w/a.test.mjs:5:10)\n    Test.run (node:internal/test_runner/test:796:25)\n"));
like $t, qr{total\n.*?/w/a\.test\.mjs:5: Expected values}, 'node: the line of the assertion, not that of the test';
$t = shown('node', node_tap("  exitCode: ~\n  signal: 'SIGABRT'\n  error: 'test failed'\n"));
like $t, qr/^spec-runner: fail\.crash\.test: total crashed: SIGABRT/m, 'node: a test file that a signal ended';

$t = shown('auto', "t/a.t .. \n1..3\nok 1 - first\nnot ok 2 - total\nok 3 - last\nDubious, test returned 1 (wstat 256, 0x100)\nFailed 1/3 subtests \n\n" .
	"Test Summary Report\n-------------------\nt/a.t (Wstat: 256 (exited 1) Tests: 3 Failed: 1)\n  Failed test:  2\nFiles=1, Tests=3,  0 wallclock secs\nResult: FAIL\n",
	"\n#   Failed test 'total'\n#   at t/a.t line 4.\n#          got: '2'\n#     expected: '3'\n# Looks like you failed 1 test of 3.\n");
like $t, qr{total\n.*?t/a\.t:4: got: '2', expected: '3'}, 'prove -v: the diagnostics of the other stream';

$t = shown('cargo', "\nrunning 2 tests\ntest tests::a ... ok\ntest tests::b ... ", "error: test failed, to rerun pass `--lib`\n\nCaused by:\n" .
	"  process didn't exit successfully: `/w/target/debug/deps/cart-1 --test-threads=1` (signal: 6, SIGABRT: process abort signal)\n", 101);
like $t, qr/^spec-runner: fail\.crash\.child: signal: 6, SIGABRT/m, 'cargo: what ended the test program, below a line that looks like an error of the compiler';

like $t, qr/^spec-runner:   failed: +tests::b\nspec-runner: +signal: 6, SIGABRT/m, 'of the test that ran, which is named';
like $t, qr/^spec-runner: fail\.crash\.child: .* in tests::b$/m, 'in the finding, too';
$t = shown('prove', "t/a.t .. No subtests run \n\nTest Summary Report\n-------------------\nt/a.t (Wstat: 11 (Signal: SEGV) Tests: 0 Failed: 0)\n" .
	"  Non-zero wait status: 11\n  Parse errors: No plan found in TAP output\nFiles=1, Tests=0,  0 wallclock secs\nResult: FAIL\n", '', 1);
like $t, qr/^spec-runner: fail\.crash\.test: t\/a\.t crashed: Wstat: 11 \(Signal: SEGV\)/m, 'prove: a test file that a signal ended';
$t = shown('prove', "t/a.t .. No subtests run \n\nTest Summary Report\n-------------------\nt/a.t (Wstat: 0 Tests: 0 Failed: 0)\n" .
	"  Parse errors: No plan found in TAP output\nFiles=1, Tests=0,  0 wallclock secs\nResult: FAIL\n", '', 1);
like $t, qr/^spec-runner: +No plan found in TAP output$/m, 'prove: one that ended without a plan';

# --- found in public projects

$t = shown('phpunit', <<'E');
PHPUnit 9.6.7 by Sebastian Bergmann and contributors.

Test 'X\Y\ATest::testFirst' started
Test 'X\Y\ATest::testFirst' ended
Test 'X\Y\ATest::testTotal' started
Test 'X\Y\ATest::testTotal' ended


Time: 00:00.019, Memory: 4.00 MB

There was 1 failure:

1) X\Y\ATest::testTotal
Failed asserting that 3 is identical to 2.

/w/ATest.php:5

FAILURES!
Tests: 2, Assertions: 2, Failures: 1.
E
like $t, qr{FAILED: 1 of 2 tests failed\n.*?ATest::testTotal\n.*?/w/ATest\.php:5: Failed asserting that 3 is identical to 2\.}s, 'phpunit --debug says only at its end what failed';
unlike $t, qr/testFirst/, 'and not of the others';
$t = shown('node', node_tap("  error: |-\n    Expected values to be strictly equal:\n    \n    2 !== 3\n    \n  stack: |-\n" .
	"    TestContext.<anonymous> (/w/a.test.js:5:26)\n    Test.run (node:internal/test_runner/test:796:25)\n"));
like $t, qr{total\n.*?/w/a\.test\.js:5: Expected values to be strictly equal: 2 !== 3$}m, 'node: a CommonJS file; a message goes on behind its colon';
$t = shown('mocha', "\n  cart\n    1) total\n\n\n  0 passing (5ms)\n  1 failing\n\n  1) cart\n       total:\n\n      AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:\n\n" .
	"2 !== 3\n\n      + expected - actual\n\n      -2\n      +3\n      \n      at Context.<anonymous> (a.test.js:5:12)\n\n");
like $t, qr{a\.test\.js:5: AssertionError \[ERR_ASSERTION\]: Expected values to be strictly equal: 2 !== 3$}m, 'mocha: what differs';
$t = shown('jest', '', "----- JavaScript stack trace -----\n\n1: /w/tests/a.test.js:19:11\n2: x (/w/node_modules/jest-circus/build/run.js:18:2)\n", 134);
like $t, qr{place: +/w/tests/a\.test\.js$}m, 'jest: of code that it has made, the file';
unlike $t, qr/:19/, 'and no line, which would be another one';
$t = shown('vitest', "\n Test Files  (1)\n      Tests  (2)\n     Errors  1 error\n", "----- JavaScript stack trace -----\n\n1: /w/src/a.spec.ts:19:11\n" .
	"2: file:///w/node_modules/\@vitest/runner/dist/chunk.js:302:11\n\nError: [vitest-pool]: Worker forks emitted error.\n" .
	" ❯ ChildProcess.emit node:events:524:28\n\nCaused by: Error: Worker exited unexpectedly\n", 1);
like $t, qr{^spec-runner: fail\.crash\.child: .*/w/src/a\.spec\.ts}m, 'vitest: a worker that died, by the file that it ran';
like $t, qr{place: +/w/src/a\.spec\.ts$}m, 'which is the place';
$t = shown('tap', "1..3\nok 1 - a\nnot ok 2 - b\n", '', 0);
like $t, qr/ENDED EARLY: 2 of 3 tests had ended.*failed: +b$/ms, 'ended early with exit code 0: what failed before is named';

# --- on a line of its own, and without what only a terminal understands
my $dir = new_dir();
my $r = run_spec(['run', '--', 'sh', '-c', 'printf "1..1\nnot ok 1 - x\n"; printf "waiting ... " >&2; exit 1'], dir => $dir);
like $r->{err}, qr/\Awaiting \.\.\. \nspec-runner: FAILED: 1 of 1 test failed\n/, 'a line left open by the command is ended before our block';
is run_spec(['run', '--', 'sh', '-c', 'printf "waiting ... " >&2'], dir => new_dir())->{err}, 'waiting ... ', 'and left as it is where nothing is said';
$r = run_spec(['run', '--timeout-ms', 800 * slow_factor(), '--', 'sh', '-c', 'printf "\033[32mgreen\033[0m light\n"; exec sleep 300'], dir => $dir);
like $r->{err}, qr/printed:\s+green light$/m, 'the last line, without its colours';
no_survivors($r);
done_testing;
