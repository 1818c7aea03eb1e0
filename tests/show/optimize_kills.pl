#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Kills optimise loops and their children at random instants until as many kills as asked were made, resuming each time; every
# loop must come to the same end, and leave no work tree, no process and nothing changed in the user's repository.
# Usage: tests/show/optimize_kills.pl [KILLS [SEED [SECONDS between kills]]]; prints a line a loop and the sums. Exit 1 where one differed.
use strict;
use warnings;
use lib 'tests/lib';
use File::Path qw(remove_tree);
use JSON::PP;
use OptimizeLoop;
use SpecRunner;

$| = 1;
my ($want, $seed, $every) = (shift // 1000, shift // time ^ $$, shift // 0.4);
my ($kills, $children, $loops, @faults) = (0, 0, 0);
my $json = JSON::PP->new->utf8->canonical;
srand $seed;
print "seed $seed\n";

sub faults_of {
	my ($dir, $before, $r) = @_;
	return "exit $r->{code}: $r->{err}" if $r->{code} ne '0';
	my ($v, @found, %seen) = $json->decode($r->{out});
	my $got = join ' ', $v->{stop_reason}, $v->{confirmed} ? 1 : 0, sprintf('%.3f', $v->{change}), map { $_->{reason} // $_->{verdict} } @{ $v->{results} };
	push @found, "result: $got" if $got ne 'candidates_exhausted 1 -0.200 test.failed improved';
	for my $line (split /\n/, read_file("$dir/.artifacts/optimize/$v->{run_id}/loop.jsonl")) {
		my $l = $json->decode($line);
		$seen{"$l->{iteration} $l->{node_name} " . ($l->{event} eq 'enter' ? 'enter' : 'end')}++;
	}
	push @found, map { "loop.jsonl: $_ $seen{$_} times" } grep { $seen{$_} != 1 } sort keys %seen;
	push @found, map { "left: $_" } glob "$dir/.artifacts/optimize/*/{work,home,tmp,repo.git}";
	my $living = living_below($dir);
	push @found, map { "alive: $_ $living->{$_}" } sort keys %$living;
	push @found, 'the repository changed' if fingerprint($dir) ne $before;
	my $verify = run_spec(['history', 'verify', '--history', 'on'], dir => $dir);
	push @found, "history verify: $verify->{out}" if $verify->{code} ne '0';
	return @found;
}

while ($kills < $want) {
	my $dir = new_dir();
	killed_project($dir);
	my $before = fingerprint($dir);
	my $most = $want - $kills < 25 ? $want - $kills : 25;
	my $r = kill_until_done($dir, $most, $every);
	my @found = faults_of($dir, $before, $r);
	$loops++;
	$kills += $r->{kills};
	$children += $r->{tree};
	print "loop $loops: $r->{kills} kills, sum $kills", (map { "; $_" } @found), "\n";
	push @faults, @found;
	remove_tree($dir) unless @found;
}
printf "%d kills (%d of children) of %d loops: %d faults\n", $kills, $children, $loops, scalar @faults;
exit(@faults ? 1 : 0);
