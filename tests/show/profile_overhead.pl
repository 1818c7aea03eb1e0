#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# profile_overhead.pl - what `record` costs five test suites that others wrote, in user and system time of everything that was started, by
# runs in pairs: without us, `run` without collecting, `record` at its defaults, and beside them a pauser as py-spy is one, `perf record -g`
# and cProfile. Bound: record costs at most 1 % and 20 ms more than run. Prints a table; exit 1 where the bound is passed.
# npm packages are fetched into .artifacts/suites once. Takes a while: pairs x 5 suites x some seconds.
#
#   tests/show/profile_overhead.pl [--pairs 12] [--others 3] [NAME]...
use strict;
use warnings;
use Getopt::Long;
use POSIX ();
use lib 'tests/show';
use ProfileShow;

my ($pairs, $others) = (12, 3);
GetOptions('pairs=i' => \$pairs, 'others=i' => \$others) or die "usage: see the head of $0\n";
my $work = root() . '/.artifacts/suites';
my $python = where_is('python3');
system('mkdir', '-p', $work);
sub sh { system('sh', '-c', $_[0]) == 0 or die "$_[0]: $?\n" }
sub npm_suite {
	my ($name, @needs) = @_;
	return sub {
		return if -x "$work/$name/package/node_modules/.bin/tape";
		sh(qq{mkdir -p '$work/$name' && cd '$work/$name' && npm pack --silent $name && tar xzf $name-*.tgz && cd package && node -e '
			const fs = require("fs"), p = JSON.parse(fs.readFileSync("package.json"));
			for (const k of Object.keys(p.devDependencies)) p.devDependencies[k] = "*";
			p.scripts = {}; fs.writeFileSync("package.json", JSON.stringify(p))' &&
			npm install --silent --no-audit --no-fund --ignore-scripts @needs});
	};
}
my %suites = (
	'CPython difflib, statistics' => { python => 1, argv => [$python, '-m', 'unittest', 'test.test_difflib', 'test.test_statistics'] },
	'CPython queue, threading' => { python => 1, argv => [$python, '-m', 'unittest', 'test.test_queue', 'test.test_threading_local', 'test.test_fractions'] },
	'Go strconv, sort, regexp' => { argv => [where_is('go') // '', qw(test -short -count=1 strconv sort regexp)] },
	'npm qs' => { ready => npm_suite('qs'), dir => "$work/qs/package", argv => ['sh', '-c', 'for i in 1 2 3; do node_modules/.bin/tape "test/**/*.js"; done'] },
	'npm fastq' => { ready => npm_suite('fastq', 'reusify', 'tape'), dir => "$work/fastq/package", argv => ['sh', '-c', 'for i in 1 2 3; do node_modules/.bin/tape test/test.js test/promise.js; done'] },
);
my $pauser = scratch() . '/pauser';
system('cc', '-O2', '-o', $pauser, 'tests/show/pauser.c') == 0 or die "no compiler for pauser.c\n";

sub cost_of {
	my ($s, @argv) = @_;
	my $dir = $s->{dir} // scratch();
	return child_cpu(sub {
		my $pid = fork // die;
		if (!$pid) {
			chdir $dir;
			$ENV{GOCACHE} = "$work/gocache";
			open STDIN, '<', '/dev/null';
			open STDOUT, '>', scratch() . '/out';
			open STDERR, '>', scratch() . '/err';
			{ no warnings; exec { $argv[0] } @argv; }
			POSIX::_exit(127);
		}
		waitpid $pid, 0;
		warn "@argv: exit ", $? >> 8, "\n" if $? >> 8 > 1 || $? & 127;
	});
}
# The pauser's own time counts, too.
sub paused {
	my ($s) = @_;
	put(my $script = scratch() . '/paused.sh', "\"\$\@\" & $pauser \$! > " . scratch() . "/pauser.txt; wait\n");
	return cost_of($s, 'sh', $script, @{ $s->{argv} });
}
sub median { my @v = sort { $a <=> $b } @_; return @v ? ($v[$#v / 2] + $v[@v / 2]) / 2 : 0 }
# Half the distance between the quartiles over the root of the count: what the median is worth.
sub doubt { my @v = sort { $a <=> $b } @_; return @v > 3 ? ($v[0.75 * $#v] - $v[0.25 * $#v]) / 1.35 * 1.25 / sqrt @v : 0 }

print "| suite | CPU, ms | run | record - run | allowed | stops | stopped | own CPU | pausing | perf record -g | cProfile | kept |\n|", '---|' x 12, "\n";
for my $name (@ARGV ? @ARGV : sort keys %suites) {
	my $s = $suites{$name} // die "no suite '$name'\n";
	$s->{ready}->() if $s->{ready};
	my $at = fresh();
	my @with = ('--artifacts-dir', "$at/.artifacts");
	cost_of($s, @{ $s->{argv} }) for 1 .. 2;
	my (@plain, @run, @record, @pause, @perf, @cprofile);
	for my $i (1 .. $pairs) {
		my @ways = ([\@plain, @{ $s->{argv} }], [\@run, spec(), 'run', '--quiet', @with, '--', @{ $s->{argv} }],
			[\@record, spec(), 'record', '--quiet', @with, '--', @{ $s->{argv} }]);
		@ways = reverse @ways if $i % 2;
		push @{ $_->[0] }, cost_of($s, @$_[1 .. $#$_]) for @ways;
		next if $i > $others;
		push @pause, paused($s);
		push @perf, cost_of($s, where_is('perf'), 'record', '-q', '-g', '-F', '99', '-o', scratch() . '/perf.data', '--', @{ $s->{argv} }) if where_is('perf');
		push @cprofile, cost_of($s, $s->{argv}[0], '-m', 'cProfile', '-o', '/dev/null', @{ $s->{argv} }[1 .. $#{ $s->{argv} }]) if $s->{python};
	}
	my $o = artifact_of($at, 'cpu')->{metrics}{overhead};
	my $base = median(@plain);
	my @more = map { $record[$_] - $run[$_] } 0 .. $#record;
	my $share = sub { @_ ? sprintf '%+.1f %%', 100 * (median(@_) / $base - 1) : '-' };
	my $allowed = 0.01 * $base + 20;
	row(median(@more) - doubt(@more) <= $allowed, $name, sprintf('%.0f', $base), $share->(@run),
		sprintf('%+.0f ms +-%.0f = %+.2f %%', median(@more), doubt(@more), 100 * median(@more) / $base),
		sprintf('%.0f ms', $allowed), $o->{stops_count} // 0, sprintf('%.1f ms', $o->{stopped_ms}), sprintf('%.0f ms', $o->{own_cpu_ms}),
		$share->(@pause), $share->(@perf), $share->(@cprofile));
	unlink glob scratch() . '/perf.data*';
	system 'rm', '-rf', "$at/.artifacts";
}
finish_rows();
