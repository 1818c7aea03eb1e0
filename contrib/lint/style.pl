#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# style.pl FILE... - the rules of the house that a compiler does not know: floors, banned
# functions, length of files, functions and lines, words that promise later work, who may
# print and exit. Prints file:line: message; exit 1 where there was any.
use strict;
use warnings;

my %floor = (base => 0, trace => 1, liveness => 2, profile => 2, evidence => 2, findings => 3, history => 3,
	audit => 3, optimize => 3, serve => 4, mcp => 4, runner => 4, programs => 5);
# the order within runner/
my %room = (config => 0, ui => 1, proc => 2, cases => 3, sampled => 3, gate => 4, doctor => 4, repro => 4, optimize => 4, cli => 5);
my ($max_file, $max_function, $max_columns) = (800, 90, 125);

# function => why not, and what instead
my %banned = (
	(map { $_ => 'unbounded: snprintf, memcpy or struct str' } qw(strcpy strcat strncpy strncat sprintf vsprintf gets stpcpy)),
	(map { $_ => 'a shell between us and the command: spawn it' } qw(system popen)),
	(map { $_ => 'no errors reported: strtol with endptr' } qw(atoi atol atoll atof)),
	(map { $_ => 'hidden state' } qw(strtok gmtime localtime ctime asctime rand srand)),
	(map { $_ => 'predictable name: mkstemp or O_TMPFILE' } qw(tmpnam tempnam mktemp)),
	signal => 'semantics vary: sigaction or signalfd',
	alloca => 'unbounded stack',
	(map { $_ => 'a step never sleeps: a timer and the loop' } qw(sleep usleep nanosleep clock_nanosleep)),
	(map { $_ => 'unchecked allocation path: base/mem.h' } qw(strdupa strndupa)),
);
my $banned = join '|', map { quotemeta } sort keys %banned;
# (A TAP directive has its number or a # before it and is meant.)
my $promises = join '|', '(?<!# )TO' . 'DO(?=[:(]| [a-z])', 'FIX' . 'ME', 'XX' . 'X', 'HA' . 'CK', 'for ' . 'now', 'not ' . 'implemented', 'place' . 'holder';
my $prints = 'printf|vprintf|puts|putchar|perror|exit|err|errx|warn|warnx';
my $bad = 0;

sub complain {
	my ($file, $line, $message) = @_;
	print "$file:$line: $message\n";
	$bad = 1;
}

# Comments and literals emptied, lines kept: what is left is code.
sub code_of {
	my ($text) = @_;
	$text =~ s{(/\*.*?\*/)|(//[^\n]*)|("(?:\\.|[^"\\\n])*")|('(?:\\.|[^'\\\n])*')}{
		my $m = $&;
		defined $3 && $m !~ /\n/ ? '""' : ($m =~ s/[^\n]//gr) . ' ';
	}gse;
	return $text;
}

sub check_include {
	my ($file, $line, $text) = @_;
	my ($wing) = $file =~ m{^(\w+)/};
	my ($target) = $text =~ m{^\s*#\s*include\s+"(\w+)/} or return;
	return unless defined $wing && exists $floor{$wing};
	return complain($file, $line, "includes $target/, which is no wing of the house") unless exists $floor{$target};
	return check_room($file, $line, $text) if $wing eq $target;
	return if $floor{$target} < $floor{$wing};
	complain($file, $line, "$wing (floor $floor{$wing}) includes $target (floor $floor{$target}): only lower floors");
}

sub check_room {
	my ($file, $line, $text) = @_;
	my ($from) = $file =~ m{^runner/(\w+)/} or return;
	my ($to) = $text =~ m{"runner/(\w+)/} or return;
	return complain($file, $line, "runner/$_ has no place in the order of rooms") for grep { !exists $room{$_} } $from, $to;
	complain($file, $line, "runner/$from includes runner/$to: only lower rooms") unless $from eq $to || $room{$to} < $room{$from};
}

# A read of these waits for the memory lock of the process, which a hung server may hold for ever, and a stat through
# /proc/PID/fd for that server itself: only in the thread that may be given up.
my %may_block = (
	'profile/proc/slow_read.c' => 'is that thread',
	'profile/proc/denied.c' => 'asks for the owner only',
	'profile/proc/fdtable.c' => 'asks only files of mounts that answer',
	'profile/snapshot/snapshot.c' => 'opens it; proc_is_stuck is asked before it is read',
	'runner/proc/orphans.c' => 'the guard, which an alarm ends',
);

sub check_blocking {
	my ($file, $line, $raw, $code) = @_;
	return if $may_block{$file} || $code !~ /""|fstatat/;
	complain($file, $line, "reads /proc/PID/$1 itself: proc_slow_read")
		if $code !~ /\bproc_slow_read\s*\(/ && $raw !~ m{"/proc/self/} && $raw =~ m{"(?:[^"\s]*/)?(cmdline|environ|maps|smaps|mem)"};
	complain($file, $line, 'a stat that follows the link may wait for a dead server: AT_SYMLINK_NOFOLLOW')
		if $file =~ m{^(?:profile|runner/proc)/} && $code =~ /\bfstatat\s*\(.*,\s*0\)/;
}

# A function's body begins with { and ends with } in the first column (kernel style).
sub check_functions {
	my ($file, @lines) = @_;
	my ($start, $name);
	for my $i (0 .. $#lines) {
		if ($lines[$i] =~ /^\{/) {
			$start = $i;
			for (my $k = $i - 1; $k >= 0 && $k > $i - 8; $k--) {
				next unless $lines[$k] =~ /^\w.*?(\w+)\s*\(/;
				$name = $1;
				last;
			}
		} elsif (defined $start && $lines[$i] =~ /^\}/) {
			my $length = $i - $start + 1;
			complain($file, $start + 1, sprintf('%s() has %d lines (at most %d): one that gathers, one that decides?',
				$name // '?', $length, $max_function)) if $length > $max_function;
			undef $start;
		}
	}
}

sub check_c {
	my ($file, $raw) = @_;
	my @raw = split /\n/, $raw, -1;
	my @code = split /\n/, code_of($raw), -1;
	my $test = $file =~ m{^tests/};
	my $may_print = $test || $file =~ m{^(?:runner/cli|programs|contrib)/}; # programs
	check_functions($file, @code);
	for my $i (0 .. $#code) {
		check_include($file, $i + 1, $raw[$i]);
		check_blocking($file, $i + 1, $raw[$i], $code[$i]) unless $test || $raw[$i] =~ m{^\s*(?:/?\*|//)};
		(my $wide = $raw[$i]) =~ s/\t/        /g;
		complain($file, $i + 1, 'line of ' . length($wide) . " columns (at most $max_columns)") if length($wide) > $max_columns && !$test; # tables of tests may be wide
		complain($file, $i + 1, 'space at the end of the line') if $raw[$i] =~ /[ \t]$/;
		while ($code[$i] =~ /(?<![\w.>])($banned)\s*\(/g) {
			complain($file, $i + 1, "$1(): $banned{$1}") unless $test;
		}
		while ($code[$i] =~ /(?<![\w.>])($prints)\s*\(/g) {
			complain($file, $i + 1, "$1(): only runner/cli and programs print and exit") unless $may_print;
		}
		complain($file, $i + 1, 'writes to a standard stream: only runner/cli and programs print')
			if !$may_print && $code[$i] =~ /\bf(printf|puts|write)\s*\(.*\bstd(out|err)\b/ && $file ne 'base/err.c';
	}
	complain($file, 1, 'no include guard') if $file =~ /\.h$/ && $raw !~ /^#ifndef \w+_H\n#define \w+_H$/m;
}

for my $file (@ARGV) {
	open my $in, '<:raw', $file or die "$file: $!\n";
	my $raw = do { local $/; <$in> };
	my @lines = split /\n/, $raw;
	next unless length $raw;
	complain($file, scalar @lines, sprintf('%d lines (at most %d): split by noun?', scalar @lines, $max_file)) if @lines > $max_file;
	complain($file, scalar @lines, 'no newline at the end') unless $raw =~ /\n\z/;
	for my $i (0 .. $#lines) {
		complain($file, $i + 1, "'$1' promises later work") if $lines[$i] =~ /\b($promises)\b/;
	}
	check_c($file, $raw) if $file =~ /\.(c|h)$/;
}
exit $bad;
