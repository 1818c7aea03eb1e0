#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Samples of interpreted and compiled languages name their functions: programs whose split is known.
use strict;
use warnings;
use lib 'tests/lib';
use JSON::PP;
use SpecRunner;
use Split;
use Test::More;

my $json = JSON::PP->new->utf8;
my $dir = new_dir();
write_splits($dir, 1.5);

sub where_is { my ($name) = @_; return (grep { -x } map { "$_/$name" } split /:/, $ENV{PATH})[0] }

sub check {
	my ($language, @command) = @_;
	my $r = run_spec(['record', '--sample-hz', '199', '--', @command], dir => $dir, timeout => 90);
	is($r->{code}, 0, "$language: the exit code is the command's") or diag $r->{err};
	my ($raw) = (glob "$dir/.artifacts/raw/run-*")[-1];
	my $p = $json->decode(read_file("$raw/profile.json"));
	my (%ns, $all, $sum, $squares);
	for my $s (grep { $_->[4] < 0 } @{ $p->{samples} }) {
		$all += $s->[5];
		my ($f) = grep { ($_->{function} // '') =~ /(?:^|\.)(?:alpha|beta|gamma)$/ && $_->{language} eq $language }
			map { $p->{frames}[$_] } @{ $p->{stacks}[ $s->[2] ] };
		next unless $f;
		my ($name) = $f->{function} =~ /(\w+)$/;
		$ns{$name} += $s->[5];
		$sum += $s->[5];
		$squares += $s->[5]**2;
	}
	my %threads;
	$threads{"$_->{pid} $_->{tid}"}++ for @{ $p->{threads} };
	is_deeply([grep { $threads{$_} > 1 } keys %threads], [], "$language: no thread is counted twice");
	my $n = $sum ? $sum**2 / $squares : 0;
	# A machine that lends no processor in time allows few stops: what is known then is little, but never wrong.
	my $stops = $json->decode(read_file("$raw/artifact-cpu.json"))->{metrics}{overhead}{stops_count};
	return pass(sprintf 'too few samples to judge: %d, %d stops', $n, $stops) if $n < 20 || ($language eq 'ruby' && $stops < 40);
	# Compiled code may have no line at a place: one that has is asked.
	my ($place) = sort { ($b->{line} // 0) <=> ($a->{line} // 0) } grep { ($_->{function} // '') =~ /spin$/ && $_->{language} eq $language } @{ $p->{frames} };
	like($place->{file} // '', qr/^(?:\S*\/)?[sS]plit\.\w+$/, "$language: the hot function has its file");
	cmp_ok($place->{line} // 0, '>', 0, "$language: and a line");
	cmp_ok($sum / $all, '>', 0.6, "$language: most of it has a name");
	for (['alpha', 0.7], ['beta', 0.2], ['gamma', 0.1]) {
		my $share = ($ns{ $_->[0] } // 0) / $sum;
		my $off = 4 * sqrt($_->[1] * (1 - $_->[1]) / $n) + 0.03;
		ok(abs($share - $_->[1]) <= $off, sprintf '%s: %s has %.3f of %.1f, +-%.3f', $language, $_->[0], $share, $_->[1], $off);
	}
	system 'rm', '-rf', "$dir/.artifacts";
	return;
}

for (['javascript', 'node', 'split.js'], ['ruby', 'ruby', 'split.rb']) {
	my ($language, $name, $file) = @$_;
	subtest $language => sub {
		my $program = where_is($name) or plan skip_all => "no $name";
		check($language, $program, $file);
	};
}
# Compiled while it runs, interpreted at first, with calls inlined; by both engines.
subtest 'java' => sub {
	my ($java, $javac) = map { where_is($_) } qw(java javac);
	plan skip_all => 'no java' unless $java && $javac;
	plan skip_all => 'javac does not compile here' if system("cd $dir && $javac Split.java >/dev/null 2>&1") != 0;
	check('java', $java, '-cp', $dir, 'Split');
	local $ENV{SPEC_RUNNER_SAMPLE_WITH} = 'stop';
	check('java', $java, '-cp', $dir, 'Split');
};
subtest 'go, stripped' => sub {
	my $go = where_is('go') or plan skip_all => 'no go';
	local $ENV{GOCACHE} = "$dir/cache";
	local $ENV{GOFLAGS} = '-mod=mod';
	local $ENV{GO111MODULE} = 'off';
	plan skip_all => 'go does not build here'
		if system("cd $dir && $go build -ldflags '-s -w' -o sgo split.go >/dev/null 2>&1") != 0;
	check('go', "$dir/sgo");
};
done_testing();
