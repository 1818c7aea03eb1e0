# SPDX-License-Identifier: Apache-2.0
# RealHangs.pm - hangs as people report them, rewritten in tests/zoo/real: what runs them, and what the console
# must say. tests/cli/findings.t holds them; tests/show/five_hangs.pl writes their blocks into the docs.
package RealHangs;
use strict;
use warnings;

use File::Copy qw(copy);
use SpecRunner;

# A python3 that can be looked into without a wrapper around it.
our $python = (grep { -x } '/usr/bin/python3', map { "$_/python3" } split /:/, $ENV{PATH})[0];
my $pytest = $python && system("$python -c 'import pytest' >/dev/null 2>&1") == 0;

# title, file, command, first pattern_id, what the block must say
our @hangs = (
	['Fork while a thread holds a lock', 'fork_lock.py', ['python3', 'fork_lock.py'], 'hang.lock.held.orphan', qr/fork_lock\.py:log:10/],
	['Wait for a child whose output nobody reads', 'popen_pipe.py', ['python3', 'popen_pipe.py'], 'hang.deadlock.processes',
		qr/popen_pipe\.py:<module>:5/],
	['A test run that passed and does not end', 'test_exit_thread.py',
		['python3', '-m', $pytest ? ('pytest', '-q', 'test_exit_thread.py') : ('unittest', 'test_exit_thread')],
		'hang.exit.threads', qr/test_exit_thread\.py:poll:9/],
	['The pipe of a background job', 'job_pipe.sh', ['sh', 'job_pipe.sh'], 'hang.pipe.leaked_writer', qr/sleep \(pid \d+\) still holds/],
	['Two file locks in opposite order', 'file_locks.py', ['python3', 'file_locks.py'], 'hang.deadlock.processes',
		qr/file_locks\.py:take:\d/],
);

# Runs one; SpecRunner's result, with {dir} where it ran.
sub run_hang {
	my ($h, $limit) = @_;
	my $dir = new_dir();
	copy("tests/zoo/real/$h->[1]", $dir) or die "$h->[1]: $!";
	my @command = @{ $h->[2] };
	$command[0] = $python if $command[0] eq 'python3';
	my $r = run_spec(['--timeout-ms', $limit, 'run', '--', @command], dir => $dir, env => { PYTHONDONTWRITEBYTECODE => 1 });
	$r->{dir} = $dir;
	return $r;
}

# The block of the first finding as the docs show it: nothing of this machine in it.
sub block_of {
	my ($r) = @_;
	my @lines = grep { /^spec-runner: (?:hang|leak|run|machine)\.|^spec-runner:   / } split /\n/, $r->{err};
	s{\Q$r->{dir}\E/}{}g, s{/usr/bin/python3}{python3}g for @lines;
	return join '', map { "$_\n" } @lines;
}

# The same of another run: numbers and addresses taken out.
sub shape_of {
	my ($block) = @_;
	$block =~ s/0x[0-9a-f]+/N/g;
	$block =~ s/\d+(?:\.\d+)*/N/g;
	return $block;
}

1;
