#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# dialects.t - dialects of a whole run: two tools in one command, one after another and at once; what is no test;
# a pattern of a user's that never comes to an end; failing output in JUnit; a start that was none.
use strict;
use warnings;
use lib 'tests/lib';
use Cwd 'getcwd';
use JSON::PP;
use SpecRunner;
use Test::More;

my $fixtures = getcwd() . '/tests/fixtures/dialects';

# The tests that a run's trace has: [dialect, suite, name, result], and how many of each dialect.
sub tests_of {
	my ($r) = @_;
	my $json = run_spec(['report', '--format', 'tests-json'], dir => $r->{dir});
	return [grep { $_->{kind} eq 'test' && !$_->{nested} } @{ JSON::PP->new->utf8->decode($json->{out})->{tests} }];
}

sub counted {
	my ($tests) = @_;
	my %n;
	$n{ $_->{dialect} }{ $_->{result} }++ for @$tests;
	return \%n;
}

my %ctest = (pass => 3, fail => 1, error => 1, skip => 2);
my %unittest = (pass => 5, fail => 1, error => 1, skip => 1, xfail => 1);
my %gtest = (pass => 3, fail => 2, skip => 1);

# make check: a tool, the compiler, another tool.
my $dir = new_dir();
write_file("$dir/Makefile", <<"MAKE");
check:
	\@cat $fixtures/unittest/v.done.txt
	\@echo cc -O2 -c a.c
	\@cat $fixtures/ctest/plain.done.txt
	\@cat $fixtures/gtest/plain.done.txt
parallel: one two
one:
	\@while IFS= read -r l; do printf '%s\\n' "\$\$l"; sleep 0.002; done <$fixtures/ctest/plain.done.txt
two:
	\@while IFS= read -r l; do printf '%s\\n' "\$\$l"; sleep 0.002; done <$fixtures/gtest/plain.done.txt
MAKE
my $make = (grep { -x } map { "$_/make" } split /:/, $ENV{PATH})[0];
SKIP: {
	skip 'make is not here', 5 unless $make;
	my @detailed = ('--profile-level', 'detailed');
	my $r = run_spec(['run', @detailed, '--', $make, '-s', 'check'], dir => $dir);
	is $r->{code}, 0, 'make check';
	is_deeply counted(tests_of($r)), { unittest => \%unittest, ctest => \%ctest, gtest => \%gtest },
		'three tools one after another are told apart';
	my @not_first = grep { $_->{dialect} ne 'unittest' } @{ tests_of($r) };
	is scalar(grep { $_->{suite} =~ /ut_a/ } @not_first), 0, 'and none has the suite of another';
	$r = run_spec(['run', @detailed, '--', $make, '-s', '-j2', 'parallel'], dir => $dir);
	is $r->{code}, 0, 'make -j2';
	is_deeply counted(tests_of($r)), { ctest => \%ctest, gtest => \%gtest }, 'two tools at once are told apart';
}

# What looks like tests and is none.
$dir = new_dir();
write_file("$dir/logs", <<'TEXT');
2026-11-21 03:00:01 INFO ok 1 connections, 0 not ok 2
all tests PASSED in the nightly build, says the mail
test_upload FAILED to open the socket, retrying ... ok
  1 passing remark about 2 failing disks
src/a.c:12:3: warning: unused variable 'test_x' [-Wunused]
-rw-r--r-- 1 root root 1234 Nov 21 03:00 test_api.py
drwxr-xr-x 2 root root 4096 Nov 21 03:00 PASS
commit 1f3a2b4c5d6e7f8091a2b3c4d5e6f70812345678
    ok 1 - not a test but a line of a message
    not ok 2 - neither is this
    tests/test_a.py::test_x PASSED by now
running the tests ... done
[INFO] Running com.example.Service on port 8080
Tests run: 4 times a day
--- FAIL: over
OK (all of it)
Ran 3 errands in 2.5s
TEXT
for my $case (['logs', 'cat', 'logs'], ['a long listing', 'ls', '-lR', $fixtures], ['an old log of pytest', 'cat', "$fixtures/pytest/v.done.txt"],
	['a file of patterns', 'cat', getcwd() . '/liveness/dialects/tap.yaml']) {
	my ($what, @command) = @$case;
	my $r = run_spec(['run', '--profile-level', 'detailed', '--', @command], dir => $dir);
	my $n = @{ tests_of($r) };
	if ($what eq 'an old log of pytest') {
		is $n, 12, "$what reads as what it is: its first line is proof";
	} else {
		is $n, 0, "$what: no test" or diag explain tests_of($r);
	}
}
my $r = run_spec(['run', '--profile-level', 'detailed', '--dialect', 'none', '--', 'cat', "$fixtures/pytest/v.done.txt"], dir => $dir);
is scalar(@{ tests_of($r) }), 0, '--dialect none: nothing is read';

# A pattern that would take longer than the universe has: cut, told, and the run goes on.
$dir = new_dir();
write_file("$dir/mine.yaml", <<'YAML');
version: 1
name: mine
title: a pattern that explodes
rules:
  - {on: end, result: fail, match: '(?<test>(?:a+)+)$'}
  - {on: end, result: pass, match: 'fine (?<test>\w+)$'}
YAML
write_file("$dir/print.sh", "for i in 1 2 3 4 5 6; do echo " . 'a' x 3000 . "!; echo fine t\$i; done\n");
$r = run_spec(['run', '--profile-level', 'detailed', '--dialect', 'mine.yaml', '--', 'sh', 'print.sh'], dir => $dir, timeout => 30);
is $r->{code}, 0, 'a catastrophic pattern: the run goes on';
is scalar(grep { $_->{result} eq 'pass' } @{ tests_of($r) }), 6, 'the other rules too';
my @cut = grep { ($_->{attrs}{event} // '') eq 'dialect.rule_cut' } events(trace_of($r), 'checkpoint');
is scalar(@cut), 3, 'three times, then it is read no more';
like $cut[0]{attrs}{rule}, qr/mine\.yaml:5$/, 'the trace names the rule';

# A long line is no such pattern's: what follows it is read.
write_file("$dir/long.tap", join '', "TAP version 13\n", map { "ok $_ - " . '\x{416} ' x 1000 . "\n" } 1 .. 9);
$r = run_spec(['run', '--profile-level', 'detailed', '--', 'cat', 'long.tap'], dir => $dir);
is scalar(@{ tests_of($r) }), 9, 'names of 8,000 bytes, full of backslashes';

# What failing tests printed stands in JUnit's body.
my %bodies = (
	'pytest/v.done' => { test_fails => qr/AssertionError: 1 != 2/, 'test_param[2]' => qr/assert 2 == 1/ },
	'unittest/v.done' => { test_error => qr/RuntimeError: boom/ },
	'gtest/plain.done' => { Fails => qr/t\.cc:6: Failure\n/ },
	'cargo/threads.done' => { 'tests::fails' => qr/panicked at src\/lib\.rs:7:23/ },
	'tap/bats.done' => { 'fails to add' => qr/in test file a\.bats, line 2/ },
	'jest/plain.done' => { 'fails to add' => qr/Expected: 2/ },
	'vitest/verbose.done' => { 'fails to add' => qr/expected 1 to be 2/ },
	'phpunit/testdox.done' => {},
	'exunit/trace.done' => { 'fails to add' => qr/Assertion with == failed/ },
	'minitest/v.done' => { test_fails => qr/Expected: 1/ },
	'surefire/plain.done' => { breaks => qr/IllegalStateException: broken/ },
	'go/v.done' => { TestFails => qr/calc_test\.go:4: 1 != 2/ },
);
for my $file (sort keys %bodies) {
	my $one = run_spec(['run', '--junit', 'j.xml', '--', 'cat', "$fixtures/$file.txt"], dir => $dir);
	my $xml = read_file("$dir/j.xml") // '';
	for my $test (sort keys %{ $bodies{$file} }) {
		my ($case) = $xml =~ m{(<testcase [^>]*name="\Q$test\E".*?</testcase>)}s;
		like $case, $bodies{$file}{$test}, "$file: what $test printed";
	}
}
done_testing();
