#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# day-one.pl - makes docs/DAY-ONE.md: twelve public projects of as many ecosystems, each with one fault put into a test of its own
# (a failing assertion, a crash, a hang, a cancel by TERM, an exit with code 0 in the middle), run under spec-runner, and the end
# block that it prints. What must be said (the test, its line, the reason) is in this file, and is checked.
#
#     contrib/day-one.pl [--only NAME,…] [--node DIR] [--projects DIR] >DAY-ONE.new && mv DAY-ONE.new docs/DAY-ONE.md
#
# --node DIR: a folder whose node_modules has mocha, jest and vitest. --projects DIR: a folder with clones of the projects, by
# their names; else they are cloned from GitHub. A missing tool is left out, with a word on stderr. Exit 1 where a block does not
# say what it must.
use strict;
use warnings;
use Cwd qw(abs_path getcwd);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use Getopt::Long;
use Time::HiRes qw(sleep time);

my ($only, $node, $projects, $keep) = ('', '', '', 0);
GetOptions('only=s' => \$only, 'node=s' => \$node, 'projects=s' => \$projects, 'keep' => \$keep)
	or die "usage: day-one.pl [--only NAME,…] [--node DIR] [--projects DIR]\n";
my $root = abs_path(dirname($0) . '/..');
my $program = "$root/spec-runner";
my $wrong = 0;

sub put {
	my ($path, $text) = @_;
	make_path(dirname($path));
	open my $f, '>', $path or die "$path: $!\n";
	print $f $text;
	close $f or die "$path: $!\n";
}

sub slurp { open my $f, '<', $_[0] or die "$_[0]: $!\n"; local $/; return scalar <$f> }
sub have { my ($tool) = @_; return grep { -x "$_/$tool" } split /:/, $ENV{PATH} }
sub quietly { return system("( $_[0] ) >/dev/null 2>&1") == 0 }

# Each: name, project and commit, file, after (the fault is the line behind the first one that fits), argv, test. What a tool
# tells of a test only when it has ended: hangs is how its stack names it; near is the test before it, which is all that
# is known of a crash or an early exit. crash_line: the tool's own output has the line. crash, early: all that can be known.
my $later = 'await new Promise(r => setTimeout(r, 300000));';
my $async = sub { $_[0] =~ s/(function\s*\(|\((?:t?)\) =>)/async $1/r };
my @ecosystems = (
	{ name => 'pytest', project => 'pallets/markupsafe', commit => '1251593f6b0e', file => 'tests/test_markupsafe.py', after => qr/^def test_type_behavior/,
	  needs => sub { quietly('/usr/bin/python3 -m pytest --version') }, env => { PYTHONPATH => 'src' }, crash_line => 1,
	  argv => [qw(/usr/bin/python3 -m pytest -v -p no:cacheprovider tests/test_markupsafe.py)], test => 'test_type_behavior',
	  body => { assertion => '    assert 2 == 3, "total"', crash => '    import ctypes; ctypes.string_at(0)', hang => '    import time; time.sleep(300)', early => '    import os; os._exit(0)' } },
	{ name => 'unittest', project => 'kjd/idna', commit => '6ebfaab9ea71', file => 'tests/test_idna.py', after => qr/def test_valid_label_length/,
	  argv => [qw(/usr/bin/python3 -m unittest -v tests.test_idna)], test => 'test_valid_label_length',
	  body => { assertion => '        self.assertEqual(2, 3)', crash => '        import os; os.abort()', hang => '        import time; time.sleep(300)', early => '        import os; os._exit(0)' } },
	{ name => 'node --test', project => 'fastify/fastify-error', commit => '9470f997a060', file => 'test/index.test.js', after => qr/^test\('Create error with 1 parameter'/,
	  needs => sub { have('node') }, argv => [qw(node --test test/index.test.js)], test => 'Create error with 1 parameter', async => $async, crash_test => 'test/index.test.js', crash_line => 1, early => qr{\A\z},
	  body => { assertion => "  require('node:assert').strictEqual(2, 3)", crash => '  process.abort()', hang => "  $later", early => '  process.exit(0)' } },
	{ name => 'mocha', project => 'visionmedia/bytes.js', commit => '9ddc13b6c66e', file => 'test/byte-parse.js', after => qr/Should parse raw number/,
	  needs => sub { -x "$node/node_modules/.bin/mocha" }, argv => ['NODE/mocha', '--timeout', 0, 'test/byte-parse.js'], test => 'Should parse raw number', async => $async,
	  hangs => 'Should parse raw number', near => qr/Should return null if input is invalid/, crash_line => 1,
	  body => { assertion => '    assert.strictEqual(2, 3);', crash => '    process.abort();', hang => "    $later", early => '    process.exit(0);' } },
	{ name => 'jest', project => 'tj/commander.js', commit => '970ecae402b2', file => 'tests/args.literal.test.js', after => qr/^test\('when arguments include -- then more literals/, slow => 15,
	  needs => sub { -x "$node/node_modules/.bin/jest" }, prepare => 'rm -f jest.config.js', argv => ['NODE/jest', '--verbose', '--testTimeout', 400000, 'tests/args.literal.test.js'],
	  test => 'when arguments include -- then more literals', async => $async, crash => qr{SIGABRT(?s:.*)place:.*tests/args\.literal\.test\.js$}m, early => qr/ENDED EARLY: the test runner printed no closing line/,
	  body => { assertion => '  expect(2).toBe(3);', crash => '  process.abort();', hang => "  $later", early => '  process.reallyExit(0);' } },
	{ name => 'vitest', project => 'jshttp/cookie', commit => '51c485421a95', file => 'src/parse-cookie.spec.ts', after => qr/should parse cookie string to object/, slow => 15,
	  needs => sub { -x "$node/node_modules/.bin/vitest" }, prepare => 'rm -f tsconfig*.json',
	  argv => ['NODE/vitest', 'run', '--reporter=verbose', '--testTimeout', 400000, 'src/parse-cookie.spec.ts', '-t', 'should'], test => 'should parse cookie string to object', async => $async,
	  early => qr/Worker exited unexpectedly/, crash => qr{fail\.crash\.child(?s:.*)place:.*src/parse-cookie\.spec\.ts$}m,
	  body => { assertion => '    expect(2).toBe(3);', crash => '    process.abort();', hang => "    $later", early => '    (process as any).reallyExit(0);' } },
	{ name => 'go test', slow => 20, project => 'gorilla/mux', commit => 'db9d1d0073d2', file => 'regexp_test.go', after => qr/^func Test_findFirstQueryKey/, import => [qr/^import \(/, "\t\"os\""],
	  needs => sub { have('go') }, argv => [qw(go test -v -run Test_ ./...)], test => 'Test_findFirstQueryKey', crash_line => 1,
	  body => { assertion => "\tt.Errorf(\"got %d, want %d\", 2, 3)", crash => "\tvar p *int; *p = len(os.Args)", hang => "\t<-make(chan int)", early => "\tos.Exit(0)" } },
	{ name => 'cargo test', slow => 12, project => 'servo/rust-fnv', commit => '4e55052a343a', file => 'lib.rs', after => qr/fn fnv_hash_standalone/,
	  needs => sub { have('cargo') }, argv => [qw(cargo test --offline --lib -- --test-threads=1)], test => 'test::fnv_hash_standalone', prepare_after => 'cargo test --offline --lib --no-run', may_not_build => 1,
	  body => { assertion => '        assert_eq!(2, 3);', crash => '        std::process::abort();', hang => '        std::thread::sleep(std::time::Duration::from_secs(300));', early => '        std::process::exit(0);' } },
	{ name => 'prove', project => 'Perl-Toolchain-Gang/YAML-Tiny', commit => '0b3f6349d5fa', file => 't/01_api.t', after => qr/^use YAML::Tiny;/,
	  needs => sub { have('prove') }, argv => [qw(prove -v -Ilib t/01_api.t)], test => 'total', hangs => 't/01_api.t', near => qr{t/01_api\.t},
	  crash => qr{fail\.crash\.test: t/01_api\.t crashed: .*Signal: SEGV}, early => qr{t/01_api\.t(?s:.*)No plan found in TAP output},
	  body => { assertion => "is 2, 3, 'total';", crash => "kill 'SEGV', \$\$;", hang => 'sleep 300;', early => 'use POSIX (); POSIX::_exit(0);' } },
	{ name => 'googletest', project => 'google/crc32c', commit => '2bbb3be42e20', file => 'src/crc32c_round_up_unittest.cc', after => qr/^TEST\(CRC32CRoundUpTest, RoundUpPointer/,
	  needs => sub { have('g++') && -e '/usr/include/gtest/gtest.h' }, argv => ['./round_up_test'], test => 'RoundUpPointer', hangs => 'RoundUpPointer', import => [qr/^#include <cstddef>/, '#include <unistd.h>'],
	  prepare_after => 'g++ -g -O0 -Iinclude -I. -Isrc -o round_up_test src/crc32c_round_up_unittest.cc -lgtest -lgtest_main -lpthread',
	  body => { assertion => '  EXPECT_EQ(2, 3);', crash => '  *(volatile int *)nullptr = 1;', hang => '  sleep(300);', early => '  _exit(0);' } },
	{ name => 'rspec', project => 'piotrmurach/tty-color', commit => 'e2410967c13e', file => 'spec/unit/mode_spec.rb', after => qr/it "detects color mode"/,
	  needs => sub { have('rspec') }, argv => [qw(rspec --no-color --format documentation --order defined spec/unit/mode_spec.rb)], test => 'detects color mode', near => qr/cannot find from term/,
	  body => { assertion => '    expect(2).to eq(3)', crash => '    Process.kill(:ABRT, $$); sleep 5', hang => '    sleep 300', early => '    exit!(0)' } },
	{ name => 'phpunit', project => 'paragonie/constant_time_encoding', commit => 'd5b01a39b341', file => 'tests/HexTest.php', after => qr/function testRandom/, below => 1,
	  needs => sub { have('phpunit') }, test => 'testRandom', hangs => 'testRandom', near => qr/Random/i,
	  files => { 'autoload.php' => "<?php\nspl_autoload_register(function (\$c) {\n  \$f = __DIR__ . '/src/' . basename(str_replace('\\\\', '/', \$c)) . '.php';\n  if (is_file(\$f)) require \$f;\n});\n" },
	  argv => [qw(phpunit --no-configuration --bootstrap autoload.php --debug --filter testRandom tests/HexTest.php)],
	  body => { assertion => '        $this->assertSame(2, 3);', crash => '        posix_kill(getmypid(), 6); sleep(5);', hang => '        sleep(300);', early => '        exit(0);' } },
);
my @faults = (
	[assertion => 'one failing assertion'], [crash => 'a crash'], [hang => 'a hang, ended by --timeout'], [cancel => 'a hang, cancelled by TERM'],
	[early => 'an exit with code 0 in the middle'],
);

# What the end block must say: [what, pattern].
sub musts {
	my ($x, $fault, $line) = @_;
	my $test = $x->{test};
	my @test = ['the test', qr/\Q$test\E/];
	my @line = ['its line', qr/\Q$x->{file}\E:(?:[^\n]*:)?$line\b/];
	my $hangs = $x->{hangs} // $test;
	my @hangs = ['the test', qr/^spec-runner: (?:HUNG|CANCELLED): .*\Q$hangs\E/m];
	my @near = $x->{near} ? ['the test before it', $x->{near}] : @test;
	return (['the reason', $x->{$fault}]) if defined $x->{$fault};
	return (['failed', qr/^spec-runner: FAILED/m], @test, @line, ['the reason', qr/2\b.*\b3|3\b.*\b2|total/]) if $fault eq 'assertion';
	return (['failed', qr/^spec-runner: FAILED/m], ['that it crashed', qr/fail\.(?:crash|exception|sanitizer)|SIG(?:ABRT|SEGV)|Signal: SEGV/],
		$x->{crash_line} ? @line : (), $x->{crash_test} ? ['its file', qr/\Q$x->{crash_test}\E/] : @near) if $fault eq 'crash';
	return (['hung', qr/^spec-runner: HUNG/m], ['the reason', qr/^spec-runner: hang\./m], @hangs, @line) if $fault eq 'hang';
	return (['cancelled', qr/^spec-runner: CANCELLED/m], ['the reason', qr/^spec-runner: hang\./m], @hangs, @line) if $fault eq 'cancel';
	return (['ended early or failed', qr/ENDED EARLY|^spec-runner: FAILED/m], @near);
}

# The project as of its commit, in a folder of its own.
sub checkout {
	my ($x, $dir) = @_;
	my ($name) = $x->{project} =~ m{/(.*)};
	my $from = $projects ? "$projects/$name" : "https://github.com/$x->{project}";
	quietly("git clone -q '$from' '$dir' && git -C '$dir' checkout -q $x->{commit}") or return "cannot be cloned from $from";
	symlink "$node/node_modules", "$dir/node_modules" if $node;
	put("$dir/$_", $x->{files}{$_}) for keys %{ $x->{files} // {} };
	return undef;
}

# Puts the fault in. Returns the number of its line.
sub break_test {
	my ($x, $fault, $dir) = @_;
	my $kind = $fault eq 'cancel' ? 'hang' : $fault;
	my $body = $x->{body}{$kind};
	my (@lines, $seen, $number);
	for my $line (split /^/, slurp("$dir/$x->{file}")) {
		my $anchor = !$seen && $line =~ $x->{after};
		my $here = $x->{below} ? $seen && $line =~ /^\s*\{\s*$/ : $anchor;
		$seen ||= $anchor;
		$line = $x->{async}->($line) if $anchor && $x->{async} && $kind eq 'hang';
		push @lines, $line;
		push @lines, "$x->{import}[1]\n" if $x->{import} && $line =~ $x->{import}[0] && $body =~ /\bos\.|sleep|_exit/;
		next if !$here || $number;
		push @lines, "$body\n";
		$number = @lines;
	}
	$number or die "$x->{name}: no place for the fault\n";
	put("$dir/$x->{file}", join '', @lines);
	return $number;
}

sub run_one {
	my ($x, $fault) = @_;
	my $dir = tempdir('day-one-XXXXXX', TMPDIR => 1) . '/' . ($x->{project} =~ s{.*/}{}r);
	my $why = checkout($x, $dir);
	return (undef, $why) if $why;
	for my $prepare (grep { $_ } $x->{prepare}) {
		quietly("cd '$dir' && $prepare") or return (undef, "$prepare failed");
	}
	my $line = break_test($x, $fault, $dir);
	for my $prepare (grep { $_ } $x->{prepare_after}) {
		quietly("cd '$dir' && $prepare") or return (undef, "$prepare failed");
	}
	my @argv = map { s{^NODE/}{$dir/node_modules/.bin/}r } @{ $x->{argv} };
	my @options = $fault eq 'hang' ? ('--timeout', ($x->{slow} // 6) . 's') : ();
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		chdir $dir;
		delete @ENV{ grep { /^(?:SPEC_RUNNER_|CI$|GITHUB_)/ } keys %ENV };
		$ENV{$_} = $x->{env}{$_} for keys %{ $x->{env} // {} };
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
	remove_tree(dirname($dir)) if !$keep;
	print STDERR "kept: $dir\n" if $keep;
	return ($shown, $text, $code, $line);
}

print <<"E";
# Day one: what the console says of a red job

Twelve public projects of as many ecosystems. One line was put into a test of each: a failing assertion, a crash, a hang, a cancel
by TERM, an exit with code 0 in the middle. Below, what `spec-runner run` adds to the tool's own output, as printed. Made by
`contrib/day-one.pl`, which also holds what must be said (the test, its line, the reason) against it. What is not known is not said.

E
for my $x (@ecosystems) {
	next if $only && !grep { $_ eq $x->{name} } split /,/, $only;
	if ($x->{needs} && !$x->{needs}->()) {
		print STDERR "day-one: $x->{name}: not here, left out\n";
		next;
	}
	print "## $x->{name}: [$x->{project}](https://github.com/$x->{project}) $x->{commit}\n\n";
	for (@faults) {
		my ($fault, $what) = @$_;
		my ($command, $text, $code, $line) = run_one($x, $fault);
		if (!defined $command) {
			print STDERR "day-one: $x->{name}: $text: left out\n";
			last;
		}
		my @not = grep { $text !~ $_->[1] } musts($x, $fault, $line);
		if (@not) { # on a busy machine there was no time to look: alone, and once more
			print STDERR "day-one: $x->{name}, $what: once more\n";
			($command, $text, $code, $line) = run_one($x, $fault);
			@not = grep { $text !~ $_->[1] } musts($x, $fault, $line);
		}
		for my $must (@not) {
			$wrong++;
			print STDERR "day-one: $x->{name}, $what: does not say $must->[0] ($must->[1]):\n$text\n";
		}
		print "### $x->{name}: $what (exit code $code)\n\n`$x->{file}:$line`: `" . ($x->{body}{ $fault eq 'cancel' ? 'hang' : $fault } =~ s/^\s+//r) . "`\n\n```console\n\$ $command\n$text```\n\n";
	}
}
if (open my $old, '<', "$root/docs/DAY-ONE.md") { # what was written by hand stays
	local $/;
	print $1 if <$old> =~ /^(## What is not known\n.*)/ms;
}
exit($wrong ? 1 : 0);
