#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# dialects.pl - reading tests out of output: ordinary output of tests (pytest -v and ctest, with logs between) through
# `run` with their dialects spoken, against `grep -cE` of the same patterns (to a pipe: it stops at the first match
# where its output is /dev/null), and with --dialect none against a pipe; three
# times alternating. BENCH_DIALECT_GB: how much (1).
use strict;
use warnings;
use lib 'tests/lib', 'tests/bench';
use Row;
use SpecRunner;
use Time::HiRes qw(time);

my $bytes = int(($ENV{BENCH_DIALECT_GB} // 1) * 1e9);
my $dir = new_dir();

# A pattern of ours as one that `grep -E` knows: groups without names, classes spelled out, nothing looked ahead.
sub ere {
	my ($p) = @_;
	$p =~ s/\(\?=\\\)\)//g;
	$p =~ s/\(\?[=!][^()]*(?:\([^()]*\)[^()]*)*\)//g;
	$p =~ s/\(\?(?:<\w+>|:)/(/g;
	$p =~ s/\[\\d\.\]/[0-9.]/g;
	$p =~ s/\\d/[0-9]/g;
	$p =~ s/\[\^\\s/[^[:space:]/g;
	$p =~ s/\[\\w/[[:alnum:]_/g;
	$p =~ s/([*+}])\?/$1/g;
	$p =~ s/\)\?\?/)?/g;
	return "^($p)";
}

sub patterns {
	my @found;
	for my $dialect (@_) {
		my $text = read_file("liveness/dialects/$dialect.yaml");
		push @found, map { s/''/'/gr } $text =~ /match: '((?:[^']|'')*)'/g;
	}
	return map { ere($_) } @found;
}

# One round of output: what a test run prints; of twenty lines one to two tell of a test.
sub sample {
	my $text = '';
	my $seed = 1;
	my $random = sub { return ($seed = ($seed * 1103515245 + 12345) % 2147483648) % $_[0] };
	my @words = qw(connection opened request handled cache miss for key retry after backoff worker started loaded config ok done);
	while (length $text < 20e6) {
		my $n = $random->(100000);
		my $kind = $random->(60);
		if ($kind < 3) {
			$text .= sprintf "tests/unit/test_module_%d.py::TestClass%d::test_case_%d %s%s [%3d%%]\n", $n % 97, $n % 13, $n,
				$n % 50 ? 'PASSED' : 'SKIPPED (not here)', ' ' x 20, $n % 100;
		} elsif ($kind == 3) {
			$text .= sprintf "      Start %3d: module_%d_check\n", $n % 900, $n;
			$text .= sprintf "%3d/900 Test %4s: module_%d_check ..................   Passed    0.%02d sec\n", $n % 900, '#' . $n % 900, $n, $n % 100;
		} elsif ($kind < 30) {
			$text .= sprintf "2026-11-21 03:%02d:%02d,%03d INFO app.module.%d: %s\n", $n % 60, $n % 59, $n % 1000, $n % 40,
				join ' ', map { $words[$random->(scalar @words)] } 1 .. 9;
		} elsif ($kind < 40) {
			$text .= sprintf "gcc -O2 -Wall -Wextra -Iinclude -c src/module_%d.c -o build/module_%d.o\n", $n, $n;
		} elsif ($kind < 47) {
			$text .= sprintf "    at com.example.Module%d.handle(Module%d.java:%d)\n", $n % 300, $n % 300, $n % 900;
		} elsif ($kind < 52) {
			$text .= "\n";
		} else {
			$text .= sprintf "[%d] {\"level\":\"debug\",\"id\":%d,\"message\":\"%s\"}\n", $n, $n,
				join ' ', map { $words[$random->(scalar @words)] } 1 .. 6;
		}
	}
	return $text;
}

write_file("$dir/head", "============================= test session starts ==============================\ncollected 900 items\n"
	. "Test project /src/build\n");
write_file("$dir/sample", sample());
write_file("$dir/patterns", join '', map { "$_\n" } patterns('pytest', 'ctest'));
my $rounds = int($bytes / -s "$dir/sample") || 1;
my $size = $rounds * -s "$dir/sample";
my $feed = "cat head" . ' sample' x $rounds;

sub seconds {
	my ($command) = @_;
	my $start = time;
	system('sh', '-c', "cd '$dir' && $command") == 0 or die "$command: $?";
	return time - $start;
}

my $run = spec() . ' run';
my (@read, @grep, @none, @pipe);
for (1 .. 3) {
	push @read, seconds("$run --dialect auto -- $feed >/dev/null");
	push @grep, seconds("$feed | LC_ALL=C grep -cE -f patterns | cat >/dev/null");
	push @none, seconds("$run --dialect none -- $feed >/dev/null");
	push @pipe, seconds("$feed | cat >/dev/null");
}
my ($read, $grep, $none, $pipe) = map { median(@$_) } \@read, \@grep, \@none, \@pipe;
row(sprintf('%.1f GB of test output, its dialects read', $size / 1e9), sprintf('%.0f MB/s', $size / 1e6 / $read),
	sprintf('`grep -cE` of them: %.0f MB/s', $size / 1e6 / $grep), sprintf('%.2f ×', $grep / $read), '≥ 0.33 ×', $grep / $read >= 1 / 3);
row('the same, `--dialect none`', sprintf('%.2f s', $none), sprintf('`cat \\| cat`: %.2f s', $pipe), sprintf('%.2f ×', $none / $pipe),
	'≤ 1.25 ×', $none / $pipe <= 1.25);
finish_rows();
