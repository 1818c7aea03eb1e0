#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Runs the five hangs of tests/zoo/real and prints their programs and console blocks as Markdown; with --write,
# into docs/FINDINGS.md between its two marks. tests/cli/findings.t holds the docs against new runs.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use RealHangs;

my $file = 'docs/FINDINGS.md';
my ($begin, $end) = ("<!-- five hangs: tests/show/five_hangs.pl --write -->\n", "<!-- end of the five hangs -->\n");
my $text = '';
for my $h (@RealHangs::hangs) {
	my $r = RealHangs::run_hang($h, 1500);
	my $program = read_file("tests/zoo/real/$h->[1]");
	my $head = $program =~ s/^# (.*)\n// ? $1 : '';
	$text .= "## $h->[0]\n\n$head ([$h->[1]](../tests/zoo/real/$h->[1]))\n\n" . ($program =~ s/\n{3,}/\n\n/gr =~ s/^(?=.)/    /mgr) . "\n";
	$text .= "    \$ spec-runner --timeout-ms 1500 run -- @{ $h->[2] }\n" . (RealHangs::block_of($r) =~ s/^/    /mgr) . "\n";
}
if (!grep { $_ eq '--write' } @ARGV) {
	print $text;
	exit 0;
}
my $docs = read_file($file) // die "$file: $!";
$docs =~ s/\Q$begin\E.*?\Q$end\E/$begin\n$text$end/s or die "$file has no marks\n";
write_file($file, $docs);
