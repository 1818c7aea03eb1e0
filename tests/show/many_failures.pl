#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# many_failures.pl [N] - N (500) failing tests of pytest on what looks like GitHub: how many annotations, how large the step summary and each
# annotation, whether JUnit has every name and message. GitHub shows 10 errors a step, takes 1 MiB of summary a step and 64 KiB an annotation.
# Exit 1: a limit is not kept, or a test is missing.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);

my $n = shift // 500;
my $program = abs_path($ENV{SPEC_RUNNER} // './spec-runner');
my $dir = tempdir('many-XXXXXX', TMPDIR => 1, CLEANUP => 1);
mkdir "$dir/.git";
open my $t, '>', "$dir/test_many.py" or die;
print $t "import pytest\n\n\@pytest.mark.parametrize('n', range($n))\ndef test_price(n):\n    assert {'items': n, 'text': 'x' * 200} == {'items': n + 1}, '50% | <b>off</b> `now`'\n";
close $t;
sub slurp { open my $f, '<', $_[0] or return ''; local $/; return scalar <$f> // '' }
local %ENV = (map({ $_ => $ENV{$_} } grep { !/^(?:SPEC_RUNNER_|GITHUB_)/ } keys %ENV), CI => 'true', GITHUB_ACTIONS => 'true',
	GITHUB_STEP_SUMMARY => "$dir/summary.md");
system("cd '$dir' && '$program' run --junit j.xml -- /usr/bin/python3 -m pytest -p no:cacheprovider -v test_many.py >out 2>err </dev/null");
my $code = $? >> 8;
my @errors = map { split /\n/, $_ } grep { length } join '', grep { /^::error/ } split /^/, slurp("$dir/out") . slurp("$dir/err");
my $longest = (sort { $b <=> $a } map { length } @errors)[0] // 0;
my $summary = slurp("$dir/summary.md");
my $junit = slurp("$dir/j.xml");
my %named = map { $_ => 1 } $junit =~ /<testcase [^>]*name="test_price\[(\d+)\]"/g;
my $messages = () = $junit =~ /<failure message="[^"]+"/g;
my $lint = system("xmllint --noout '$dir/j.xml' 2>$dir/lint") == 0 ? 'well-formed' : -s "$dir/lint" ? 'BROKEN' : 'no xmllint';
my $places = grep { /^::error .*file=[^,]*test_many\.py,.*line=5\b/ } @errors;
my ($console) = slurp("$dir/err") =~ /^spec-runner: (FAILED: .*)$/m;
my $lines = () = slurp("$dir/err") =~ /^spec-runner: /mg;
printf "exit code %d; console: %s, %d lines; %d annotations, %d with file and line, the longest %d bytes; step summary %d bytes, %d rows of it name a test; "
	. "JUnit %s: %d names, %d messages\n", $code, $console // 'nothing', $lines, scalar @errors, $places, $longest, length $summary,
	scalar(() = $summary =~ /test_price\[\d+\]/g), $lint, scalar keys %named, $messages;
my $good = $code == 1 && @errors >= 1 && @errors <= 10 && $places == @errors && $longest < 65536 && length $summary < 1048576 && length $summary > 0 &&
	keys %named == $n && $messages == $n && $lint ne 'BROKEN';
exit($good ? 0 : 1);
