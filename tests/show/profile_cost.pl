#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# profile_cost.pl - where the cost of `record` lies: CPU time of the recorded tree itself (what samples and stops cost in it) and of
# everything of ours, apart, in pairs of plain, `run` and `record`. Quick: programs of one to three seconds. It judges nothing:
# profile_overhead.pl does.
#
#   tests/show/profile_cost.pl [--pairs 4] [--collect cpu,wall,proc] [NAME]...
use strict;
use warnings;
use Getopt::Long;
use lib 'tests/show';
use ProfileShow;

my ($pairs, $collect) = (4, 'cpu,wall,proc');
GetOptions('pairs=i' => \$pairs, 'collect=s' => \$collect) or die "usage: see the head of $0\n";
my $split = root() . '/.artifacts/build/tests/zoo/split';
my $python = where_is('python3');
my %programs = (
	'0.1 s of C' => [$split, 0.1],
	'2 s of C' => [$split, 2],
	'CPython fractions, decimal' => [$python, '-m', 'unittest', 'test.test_fractions', 'test.test_decimal'],
	'CPython queue, threading' => [$python, '-m', 'unittest', 'test.test_queue', 'test.test_threading_local', 'test.test_fractions'],
	'30 s of sleep' => ['/bin/sleep', 30],
	'CPython difflib, statistics' => [$python, '-m', 'unittest', 'test.test_difflib', 'test.test_statistics'],
);
sub median { my @v = sort { $a <=> $b } @_; return ($v[$#v / 2] + $v[@v / 2]) / 2 }

print "| program | tree, ms | run | record | ours, run | ours, record | sampler until it writes |\n|---|---|---|---|---|---|---|\n";
for my $name (@ARGV ? @ARGV : sort keys %programs) {
	my $at = fresh();
	my $times = scratch() . '/times';
	my @with = ('--artifacts-dir', "$at/.artifacts", '--');
	my @command = ('/bin/bash', '-c', "\"\$@\"; times > $times", 'bash', @{ $programs{$name} // die "no program '$name'\n" });
	my %ways = (plain => [@command], run => [spec(), 'run', '--quiet', @with, @command],
		record => [spec(), 'record', '--quiet', '--collect', $collect, @with, @command]);
	my (%tree, %ours, @own);
	for my $pair (0 .. $pairs) { # the first warms caches
		for my $way ($pair % 2 ? sort keys %ways : reverse sort keys %ways) {
			my $all = child_cpu(sub { ProfileShow::run_in($at, @{ $ways{$way} }) });
			my ($line) = (split /\n/, get($times))[1];
			my $ms = 0;
			$ms += $1 * 60e3 + $2 * 1e3 while $line =~ /(\d+)m([\d.]+)s/g;
			next if !$pair;
			push @{ $tree{$way} }, $ms;
			push @{ $ours{$way} }, $all - $ms;
			my $artifact = artifact_of($at, 'cpu');
			push @own, $artifact->{metrics}{overhead}{own_cpu_ms} if $way eq 'record' && $artifact;
		}
	}
	my $plain = median(@{ $tree{plain} });
	row(undef, $name, map({ sprintf '%.0f', $_ } $plain), map({ sprintf '%+.0f', median(@{ $tree{$_} }) - $plain } qw(run record)),
		map({ sprintf '%.0f', median(@{ $ours{$_} }) } qw(run record)), @own ? sprintf('%.0f', median(@own)) : '-');
}
