#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# day-one.pl - makes docs/DAY-ONE.md: for each ecosystem a suite of three tests, the second with one fault put in (a failing
# assertion, a crash, a hang, a cancel by TERM, an exit with code 0 in the middle), run under spec-runner, and the end block
# that it prints. What must be said (the test, its line where there is one, the reason) is in this file, and is checked.
#
#     contrib/day-one.pl [--only NAME] [--node DIR] >DAY-ONE.new && mv DAY-ONE.new docs/DAY-ONE.md
#
# --node DIR: a folder whose node_modules has mocha, jest and vitest. A missing tool is left out, with a word on stderr.
# Exit 1 where a block does not say what it must.
use strict;
use warnings;
use Cwd qw(abs_path getcwd);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use Getopt::Long;
use Time::HiRes qw(sleep time);

my ($only, $node, $keep) = ('', '', 0);
GetOptions('only=s' => \$only, 'node=s' => \$node, 'keep' => \$keep) or die "usage: day-one.pl [--only NAME] [--node DIR]\n";
my $root = abs_path(dirname($0) . '/..');
my $program = "$root/spec-runner";
my $wrong = 0;

sub put {
	my ($path, $text, $mode) = @_;
	make_path(dirname($path));
	open my $f, '>', $path or die "$path: $!\n";
	print $f $text;
	close $f or die "$path: $!\n";
	chmod $mode, $path if $mode;
}

sub have { my ($tool) = @_; return grep { -x "$_/$tool" } split /:/, $ENV{PATH} }
sub quietly { return system("$_[0] >/dev/null 2>&1") == 0 }

# Each: name, tool, files of a fault (by the body of the second test), command, the test and its line. Where a tool names a test only
# when it has ended, that of a hang is found by its stack (hangs: as which); of a crash or an early exit the test before it is all
# that there is (after), with the line where the tool's own output has it (crash_line). crash, early: all that can be known.
my @ecosystems = (
	{ name => 'pytest', file => 'test_cart.py', needs => sub { quietly('/usr/bin/python3 -m pytest --version') },
	  argv => [qw(/usr/bin/python3 -m pytest -v -p no:cacheprovider)], test => 'test_total', line => 7,
	  files => sub { ('test_cart.py' => "import os, time\n\ndef test_first():\n    assert True\n\ndef test_total():\n    $_[0]\n\ndef test_last():\n    assert True\n") },
	  body => { assertion => 'assert 2 == 3, "total"', crash => 'os.abort()', hang => 'time.sleep(300)', early => 'os._exit(0)' } },
	{ name => 'unittest', file => 'test_cart.py', argv => [qw(/usr/bin/python3 -m unittest -v)], test => 'test_2_total', line => 8,
	  files => sub { ('test_cart.py' => "import os, time, unittest\n\nclass T(unittest.TestCase):\n    def test_1_first(self):\n        self.assertTrue(True)\n\n    def test_2_total(self):\n        $_[0]\n\n    def test_3_last(self):\n        self.assertTrue(True)\n") },
	  body => { assertion => 'self.assertEqual(2, 3)', crash => 'os.abort()', hang => 'time.sleep(300)', early => 'os._exit(0)' } },
	{ name => 'node --test', file => 'cart.test.mjs', needs => sub { have('node') }, argv => [qw(node --test cart.test.mjs)], test => 'total', line => 5, crash_line => 1, early => '',
	  files => sub { ('cart.test.mjs' => "import test from 'node:test';\nimport assert from 'node:assert';\ntest('first', () => {});\ntest('total', async () => {\n  $_[0]\n});\ntest('last', () => {});\n") },
	  body => { assertion => 'assert.strictEqual(2, 3);', crash => 'process.abort();', hang => 'await new Promise(r => setTimeout(r, 300000));', early => 'process.exit(0);' } },
	{ name => 'mocha', file => 'cart.test.js', needs => sub { -x "$node/node_modules/.bin/mocha" }, argv => ["NODE/mocha", '--timeout', 0, 'cart.test.js'], test => 'total', hangs => 'cart > total', line => 5, after => qr/cart::first/, crash_line => 1,
	  files => sub { ('cart.test.js' => "const assert = require('assert');\ndescribe('cart', () => {\n  it('first', () => {});\n  it('total', async () => {\n    $_[0]\n  });\n  it('last', () => {});\n});\n") },
	  body => { assertion => 'assert.strictEqual(2, 3);', crash => 'process.abort();', hang => 'await new Promise(r => setTimeout(r, 300000));', early => 'process.exit(0);' } },
	{ name => 'jest', slow => 15, file => 'cart.test.js', needs => sub { -x "$node/node_modules/.bin/jest" }, argv => ["NODE/jest", '--verbose', '--testTimeout', 400000], test => 'total', hangs => 'cart > total', line => 4, crash_line => 1, early => qr/ENDED EARLY: the test runner printed no closing line/,
	  files => sub { ('package.json' => "{}\n", 'cart.test.js' => "describe('cart', () => {\n  test('first', () => {});\n  test('total', async () => {\n    $_[0]\n  });\n  test('last', () => {});\n});\n") },
	  body => { assertion => 'expect(2).toBe(3);', crash => 'process.abort();', hang => 'await new Promise(r => setTimeout(r, 300000));', early => 'process.reallyExit(0);' } },
	{ name => 'vitest', slow => 15, file => 'cart.test.js', needs => sub { -x "$node/node_modules/.bin/vitest" }, argv => ["NODE/vitest", 'run', '--reporter=verbose', '--testTimeout', 400000], test => 'total', hangs => 'cart > total', line => 5, early => qr/Worker exited unexpectedly/, crash => qr/Worker exited unexpectedly/,
	  files => sub { ('package.json' => "{\"type\": \"module\"}\n", 'cart.test.js' => "import { describe, expect, test } from 'vitest';\ndescribe('cart', () => {\n  test('first', () => {});\n  test('total', async () => {\n    $_[0]\n  });\n  test('last', () => {});\n});\n") },
	  body => { assertion => 'expect(2).toBe(3);', crash => 'process.abort();', hang => 'await new Promise(r => setTimeout(r, 300000));', early => 'process.reallyExit(0);' } },
	{ name => 'go test', file => 'cart_test.go', needs => sub { have('go') }, argv => [qw(go test -v ./...)], test => 'TestTotal', line => 14,
	  files => sub { ('go.mod' => "module cart\n\ngo 1.18\n", 'cart_test.go' => "package cart\n\nimport (\n\t\"os\"\n\t\"testing\"\n\t\"time\"\n)\n\nvar _, _ = os.Exit, time.Sleep\n\nfunc TestFirst(t *testing.T) {}\n\nfunc TestTotal(t *testing.T) {\n\t$_[0]\n}\n\nfunc TestLast(t *testing.T) {}\n") },
	  body => { assertion => 't.Errorf("got %d, want %d", 2, 3)', crash => 'var p *int; *p = 1', hang => 'time.Sleep(300 * time.Second)', early => 'os.Exit(0)' } },
	{ name => 'cargo test', file => 'src/lib.rs', needs => sub { have('cargo') }, argv => [qw(cargo test --offline -- --test-threads=1)], test => 'tests::b_total', line => 8, prepare => 'cargo test --offline --no-run',
	  files => sub { ('Cargo.toml' => "[package]\nname = \"cart\"\nversion = \"0.1.0\"\nedition = \"2021\"\n", 'src/lib.rs' => "#[cfg(test)]\nmod tests {\n    #[test]\n    fn a_first() {}\n\n    #[test]\n    fn b_total() {\n        $_[0]\n    }\n\n    #[test]\n    fn c_last() {}\n}\n") },
	  body => { assertion => 'assert_eq!(2, 3);', crash => 'std::process::abort();', hang => 'std::thread::sleep(std::time::Duration::from_secs(300));', early => 'std::process::exit(0);' } },
	{ name => 'prove', file => 't/cart.t', needs => sub { have('prove') }, argv => [qw(prove -v t)], test => 'total', hangs => 't/cart.t', after => qr{t/cart\.t}, line => 4,
	  files => sub { ('t/cart.t' => "use Test::More tests => 3;\n\$| = 1;\nok 1, 'first';\n$_[0]\nok 1, 'last';\n") },
	  body => { assertion => "is 2, 3, 'total';", crash => "kill 'SEGV', \$\$;", hang => 'sleep 300;', early => 'use POSIX (); POSIX::_exit(0);' } },
	{ name => 'googletest', file => 'cart.cc', needs => sub { have('g++') && -e '/usr/include/gtest/gtest.h' }, argv => ['./cart'], test => 'Total', line => 5, prepare => 'g++ -g -O0 -o cart cart.cc -lgtest -lgtest_main -lpthread',
	  files => sub { ('cart.cc' => "#include <gtest/gtest.h>\n#include <unistd.h>\nTEST(Cart, First) {}\nTEST(Cart, Total) {\n  $_[0]\n}\nTEST(Cart, Last) {}\n") },
	  body => { assertion => 'EXPECT_EQ(2, 3);', crash => '*(volatile int *)nullptr = 1;', hang => 'sleep(300);', early => '_exit(0);' } },
	{ name => 'rspec', file => 'cart_spec.rb', needs => sub { have('rspec') }, argv => [qw(rspec --format documentation --order defined cart_spec.rb)], test => 'total', hangs => 'cart total', after => qr/first/, line => 4,
	  files => sub { ('cart_spec.rb' => "RSpec.describe 'cart' do\n  it('first') { }\n  it('total') do\n    $_[0]\n  end\n  it('last') { }\nend\n") },
	  body => { assertion => 'expect(2).to eq(3)', crash => 'Process.kill(:ABRT, $$); sleep 5', hang => 'sleep 300', early => 'exit!(0)' } },
	{ name => 'phpunit', file => 'CartTest.php', needs => sub { have('phpunit') }, argv => [qw(phpunit --testdox CartTest.php)], test => 'otal', hangs => 'CartTest::testTotal', after => qr/First/, line => 5,
	  files => sub { ('CartTest.php' => "<?php\nclass CartTest extends PHPUnit\\Framework\\TestCase {\n  function testFirst() { \$this->assertTrue(true); }\n  function testTotal() {\n    $_[0]\n  }\n  function testLast() { \$this->assertTrue(true); }\n}\n") },
	  body => { assertion => '$this->assertSame(2, 3);', crash => 'posix_kill(getmypid(), 6); sleep(5);', hang => 'sleep(300);', early => 'exit(0);' } },
);
my @faults = (
	[assertion => 'one failing assertion'], [crash => 'a crash'], [hang => 'a hang, ended by --timeout'], [cancel => 'a hang, cancelled by TERM'],
	[early => 'an exit with code 0 in the middle'],
);

# What the end block must say: [what, pattern].
sub musts {
	my ($x, $fault) = @_;
	my @test = ['the test', qr/\Q$x->{test}\E/];
	my @line = ['its line', qr/\Q$x->{file}\E:(?:.*:)?$x->{line}\b/];
	my $hangs = $x->{hangs} // $x->{test};
	my @hangs = ['the test', qr/^spec-runner: (?:HUNG|CANCELLED): .*\Q$hangs\E/m];
	my @near = $x->{after} ? ['the test before it', $x->{after}] : @test;
	return (['the reason', $x->{$fault}]) if defined $x->{$fault};
	return (['failed', qr/^spec-runner: FAILED/m], @test, @line) if $fault eq 'assertion';
	return (['failed', qr/^spec-runner: FAILED/m], ['that it crashed', qr/fail\.(?:crash|exception|sanitizer)|SIG(?:ABRT|SEGV)|Signal: SEGV/],
		$x->{crash_line} ? (@test, @line) : @near) if $fault eq 'crash';
	return (['hung', qr/^spec-runner: HUNG/m], ['the reason', qr/^spec-runner: hang\./m], @hangs, @line) if $fault eq 'hang';
	return (['cancelled', qr/^spec-runner: CANCELLED/m], ['the reason', qr/^spec-runner: hang\./m], @hangs, @line) if $fault eq 'cancel';
	return (['ended early or failed', qr/ENDED EARLY|^spec-runner: FAILED/m], @near);
}

sub run_one {
	my ($x, $fault) = @_;
	my $dir = tempdir('day-one-XXXXXX', TMPDIR => 1);
	my %files = $x->{files}->($x->{body}{ $fault eq 'cancel' ? 'hang' : $fault });
	put("$dir/$_", $files{$_}) for keys %files;
	mkdir "$dir/.git";
	symlink "$node/node_modules", "$dir/node_modules" if $node;
	system("cd '$dir' && $x->{prepare} >/dev/null 2>&1") == 0 or return (undef, "$x->{prepare} failed") if $x->{prepare};
	my @argv = map { s{^NODE/}{$dir/node_modules/.bin/}r } @{ $x->{argv} };
	my @options = $fault eq 'hang' ? ('--timeout', ($x->{slow} // 6) . 's') : ();
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		chdir $dir;
		delete @ENV{ grep { /^(?:SPEC_RUNNER_|CI$|GITHUB_)/ } keys %ENV };
		open STDOUT, '>', "$dir/.out";
		open STDERR, '>', "$dir/.err";
		open STDIN, '<', '/dev/null';
		exec $program, 'run', @options, '--', @argv;
		exit 127;
	}
	my $until = time + 120;
	my $signalled = $fault ne 'cancel';
	my $began = time;
	while (waitpid($pid, 1) == 0) {
		if (!$signalled && time - $began > ($x->{slow} // 6)) {
			kill TERM => $pid;
			$signalled = 1;
		}
		kill KILL => $pid if time > $until;
		sleep 0.05;
	}
	my $code = $? >> 8;
	open my $f, '<', "$dir/.err" or die;
	my $text = join '', grep { /^spec-runner: / } <$f>;
	$text =~ s/\Q$dir\E/\/src/g;
	$text =~ s{\Q$node\E}{/src}g if $node;
	my $shown = join ' ', 'spec-runner run', @options, '--', map { s{^\Q$dir\E/node_modules/\.bin/}{npx }r } @argv;
	remove_tree($dir) if !$keep;
	print STDERR "kept: $dir\n" if $keep;
	return ($shown, $text, $code);
}

print <<"E";
# Day one: what the console says of a red job

For each ecosystem a suite of three tests, the second of which has one fault put in: a failing assertion, a crash, a hang, a cancel
by TERM, an exit with code 0 in the middle. Below, what `spec-runner run` adds to the tool's own output, as printed. Made by
`contrib/day-one.pl`, which also holds what must be said (the test, its line, the reason) against it. What is not known is not said.

E
for my $x (@ecosystems) {
	next if $only && !grep { $_ eq $x->{name} } split /,/, $only;
	if ($x->{needs} && !$x->{needs}->()) {
		print STDERR "day-one: $x->{name}: not here, left out\n";
		next;
	}
	print "## $x->{name}\n\n";
	for (@faults) {
		my ($fault, $what) = @$_;
		my ($command, $text, $code) = run_one($x, $fault);
		if (!defined $command) {
			print STDERR "day-one: $x->{name}: $text: left out\n";
			last;
		}
		my @not = grep { $text !~ $_->[1] } musts($x, $fault);
		if (@not) { # on a busy machine there was no time to look: alone, and once more
			print STDERR "day-one: $x->{name}, $what: once more\n";
			($command, $text, $code) = run_one($x, $fault);
			@not = grep { $text !~ $_->[1] } musts($x, $fault);
		}
		for my $must (@not) {
			$wrong++;
			print STDERR "day-one: $x->{name}, $what: does not say $must->[0] ($must->[1]):\n$text\n";
		}
		print "### $x->{name}: $what (exit code $code)\n\n```console\n\$ $command\n$text```\n\n";
	}
}
if (open my $old, '<', "$root/docs/DAY-ONE.md") { # what was written by hand stays
	local $/;
	print $1 if <$old> =~ /^(## What is not known\n.*)/ms;
}
exit($wrong ? 1 : 0);
