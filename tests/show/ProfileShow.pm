# SPDX-License-Identifier: Apache-2.0
# ProfileShow.pm - what the scripts that measure the profilers share: runs of ./spec-runner in folders of their own, samples
# summed by what stands on their stacks, and rows of a table that say whether a bound was kept.
package ProfileShow;
use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter 'import';
use File::Temp qw(tempdir);
use JSON::PP;

our @EXPORT = qw(spec root scratch put get json where_is fresh around record report profile_of artifact_of trace_of findings_of raw_of sum_ms
	child_cpu row finish_rows);

my $root = abs_path('.');
my $spec = abs_path($ENV{SPEC_RUNNER} // './spec-runner') // die "no ./spec-runner: make\n";
my $json = JSON::PP->new->utf8->canonical;
my ($beyond, $dir, $count) = (0, undef, 0);
$SIG{INT} = $SIG{TERM} = sub { exit 130 };

sub spec { return $spec }
sub root { return $root }
sub json { return $json }
sub scratch { return $dir //= tempdir('profile-show.XXXXXX', DIR => $ENV{TMPDIR} // '/tmp', CLEANUP => 1) }
sub put { my ($path, $text) = @_; open my $f, '>:raw', $path or die "$path: $!\n"; print $f $text; close $f or die "$path: $!\n"; return $path }
sub get { my ($path) = @_; open my $f, '<:raw', $path or return ''; local $/; return scalar(<$f>) // '' }
sub where_is { my ($name) = @_; return (grep { -x && !/pyenv/ } map { "$_/$name" } split /:/, $ENV{PATH})[0] }

# A folder that is the root of its own runs.
sub fresh {
	my ($at) = sprintf '%s/%03d', scratch(), ++$count;
	mkdir $at or die "$at: $!\n";
	mkdir "$at/.git";
	return $at;
}

# Runs a command in a folder with its output in files; {code, out, err}.
sub run_in {
	my ($at, @argv) = @_;
	my ($out, $err) = ("$at/.out", "$at/.err");
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		chdir $at or die;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', $out;
		open STDERR, '>', $err;
		{ no warnings; exec { $argv[0] } @argv; }
		exit 127;
	}
	waitpid $pid, 0;
	return { code => $? & 127 ? 128 + ($? & 127) : $? >> 8, out => get($out), err => get($err), dir => $at };
}
# A command of ours with another one around it.
sub around { my ($at, $with, @args) = @_; return run_in($at, @$with, $spec, @args) }
sub record { my ($at, @args) = @_; return run_in($at, $spec, @args) }
sub report { my ($at, @args) = @_; return run_in($at, $spec, 'report', @args) }

sub raw_of { my ($at) = @_; return (sort { -M $b <=> -M $a } glob "$at/.artifacts/raw/run-*")[-1] // 'none' }
sub load { my ($path) = @_; my $text = get($path); return length $text ? $json->decode($text) : undef }
sub profile_of { return load(raw_of($_[0]) . '/profile.json') }
# Of the newest run that has one: a run that collects nothing may have left raw files since.
sub artifact_of { my ($at, $name) = @_; return load((sort { -M $b <=> -M $a } glob "$at/.artifacts/raw/run-*/artifact-$name.json")[-1] // 'none') }
sub trace_of { return load("$_[0]/.artifacts/run-trace.json") }
sub findings_of { return @{ (load("$_[0]/.artifacts/findings.json") // {})->{findings} // [] } }

# Milliseconds in a column of the samples that a function says yes to: it is given the sample and its frames.
sub sum_ms {
	my ($p, $column, $test) = @_;
	my $sum = 0;
	for my $s (@{ $p->{samples} }) {
		next if $test && !$test->($s, map { $p->{frames}[$_] } @{ $p->{stacks}[ $s->[2] ] });
		$sum += $s->[$column] / 1e6;
	}
	return $sum;
}

# User and system time, in ms, that code of this process's ended children used while a function ran.
sub child_cpu {
	my ($do) = @_;
	my @before = times;
	$do->();
	my @after = times;
	return 1000 * ($after[2] + $after[3] - $before[2] - $before[3]);
}

my @rows;
sub row {
	my ($kept, @cells) = @_;
	$beyond++ if defined $kept && !$kept;
	push @rows, [@cells, !defined $kept ? '-' : $kept ? 'yes' : 'NO'];
	print '| ', join(' | ', @cells, $rows[-1][-1]), " |\n";
	STDOUT->flush if STDOUT->can('flush');
	return $kept;
}
sub finish_rows { print $beyond ? "$beyond beyond their bounds\n" : "all within their bounds\n"; exit($beyond ? 1 : 0) }
$| = 1;

1;
