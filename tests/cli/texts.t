#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What is printed for people, word for word, so that a change of wording is a diff in review: the help of every verb, and the
# reports of three recorded runs (tests/fixtures/runs). `make texts` writes the files of tests/texts anew.
use strict;
use warnings;
use Test::More;
use lib 'tests/lib';
use SpecRunner;

my $root = SpecRunner::root();
my $update = $ENV{TEXTS_WRITE};

sub held {
	my ($name, $text) = @_;
	my $file = "$root/tests/texts/$name.txt";

	write_file($file, $text), return pass("$name is written") if $update;
	is($text, read_file($file) // '', "$name (`make texts` accepts another wording)");
}

sub printed {
	my ($dir, @args) = @_;
	my $r = run_spec([@args], dir => $dir, env => { COLUMNS => undef, GITHUB_ACTIONS => undef, CI => undef });

	return $r->{out} . $r->{err};
}

# A wing whose libraries are not here has no verb; what the others say is the same.
my $list = printed(new_dir(), 'help');
my @verbs = $list =~ /^  ([a-z-]+) {2,}\S/mg;
my %written = map { s{.*/help-(.*)\.txt}{$1}r => 1 } glob "$root/tests/texts/help-*.txt";
my %here = map { $_ => 1 } @verbs;
my @missing = grep { !$here{$_} } sort keys %written;

SKIP: {
	skip "left out of this build: @missing", 1 if @missing && !$update;
	held('help', $list);
}
held("help-$_", printed(new_dir(), 'help', $_)) for @verbs;

for my $run (qw(fail hang shell)) {
	my $dir = new_dir();
	system('cp', '-r', "$root/tests/fixtures/runs/$run/.", $dir) == 0 or die "cp: $?";
	held("$run-$_", printed($dir, 'report', '--format', $_, 'run-trace.json')) for qw(console markdown junit);
}

done_testing;
