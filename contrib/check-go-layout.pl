#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# check-go-layout.pl - checks the rows of profile/lang/go_layout.def against real programs: each PROGRAM (of any Go, stripped or
# not) is started with a silent standard input, or built from tests/zoo/hang/hang.go where it is called `go`; every goroutine's stack
# must end at the function that the runtime ends it with, and somebody must be seen to wait.
#
#   contrib/check-go-layout.pl PROGRAM...
#   for v in 0.16.17 0.19.12 0.23.1 0.25.8 0.28.2; do npm pack @esbuild/linux-x64@$v; done   # programs of Go 1.19 to 1.26
use strict;
use warnings;
use JSON::PP;
use Time::HiRes qw(sleep);

my $failed = 0;
for my $program (@ARGV) {
	pipe my $in, my $keep or die;
	my $pid = fork // die;
	if (!$pid) {
		open STDIN, '<&', $in;
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		close $keep;
		exec $program or exit 127;
	}
	close $in;
	sleep 0.5;
	my $d = eval { decode_json(scalar qx(./spec-runner inspect --json $pid)) } // {};
	kill KILL => $pid;
	waitpid $pid, 0;
	my ($p) = @{ $d->{processes} // [] };
	my ($row) = grep { $_->{name} eq 'go' } @{ $d->{collectors} // [] };
	my @stacks = (@{ $p->{tasks} // [] }, grep { ($_->{label} // '') =~ /^goroutine/ } @{ $p->{threads} // [] });
	my $whole = grep { ($_->{frames}[-1]{function} // '') eq 'runtime.goexit' } @stacks;
	my %states = map { ($_->{state} // 'on a thread') => 1 } @stacks;
	my $named = grep { ($_->{state} // 'x') =~ /^[a-zA-Z]/ } @stacks;
	my $good = @stacks >= 4 && $whole == @stacks && $named == @stacks;
	$failed++ unless $good;
	printf "%s %s: %d goroutines, %d to their end, %.1f ms%s; %s\n", $good ? 'ok    ' : 'WRONG ', $program, scalar @stacks, $whole,
		$row->{duration_ms} // -1, $row->{reason} ? " ($row->{reason})" : '', join ', ', sort keys %states;
}
exit($failed ? 1 : 0);
