#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# python_zoo.t - programs that hang in Python's own machinery, each with what must be found, in the system's Python and in
# the newest other one. See tests/lib/Zoo.pm. ZOO_PYTHONS=all: in every one that is found.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Zoo;
use Cwd qw(abs_path);
use Test::More;

my $dir = new_dir();
my $program = abs_path('tests/zoo/hang/hang_py_more.py');
my $embed = abs_path('tests/zoo/hang/hang_embed.c');
my $cc = $ENV{CC} // 'cc';

# The system's, and of each minor version of pyenv one.
sub pythons {
	my %found;
	my $pyenv = $ENV{PYENV_ROOT} // (($ENV{HOME} // '') . '/.pyenv');
	for my $p (glob "$pyenv/versions/3.*/bin/python3") {
		$found{$1} //= $p if $p =~ m{/3\.(\d+)\.} && $1 >= 8 && $1 <= 14 && -x $p;
	}
	my @others = map { $found{$_} } sort { $b <=> $a } keys %found;
	splice @others, 1 if ($ENV{ZOO_PYTHONS} // '') ne 'all';
	return ((grep { -x } '/usr/bin/python3'), @others);
}

# name, what it does, finding, kind of wait, and more of tests/lib/Zoo.pm.
my @animals = (
	[task => 'waits in an event loop for a task whose event is never set', 'hang.wait.event', 'poll', holder => 'self|none',
		resource => qr/event loop of 2 tasks: Task-1 in two_tasks .*stuck in never_set at hang_py_more\.py:\d+ awaits Future/, place => qr/hang_py_more\.py:never_set:\d+$/],
	[mp_queue => 'takes from a multiprocessing queue into which nobody puts', 'hang.deadlock.processes', 'pipe_read',
		holder => 'self'],
	[mp_pool => 'waits for a worker of a process pool that sleeps', 'hang.sleep', 'condition',
		inspects => 'hang.wait.sync|hang.sleep', resource => qr/result of a multiprocessing\.Pool/],
	[futures_deadlock => 'waits in the only worker of a pool for work that the pool has not begun', 'hang.wait.sync',
		'condition', resource => qr/Future\.result: running/, holder => 'thread'],
	[import_lock => 'imports a module that joins a thread which imports the module', 'hang.deadlock.locks', 'futex',
		resource => qr/exit of thread Thread-1/, holder => 'thread', place => qr/zoo_module\.py/],
	[fork_lock => 'takes a lock that another thread held at the fork', 'hang.wait.sync', 'mutex', who => 'child',
		resource => qr/left behind by a fork/],
	[barrier => 'waits alone at a barrier for three', 'hang.wait.sync', 'condition',
		resource => qr/Barrier\.wait: 1 of 3/],
	[semaphore => 'waits for a semaphore that nobody gives back', 'hang.wait.sync', 'semaphore', resource => qr/value 0/],
	[generator => 'sleeps in a generator', 'hang.sleep', 'sleep'],
	[subinterpreter => 'sleeps in a second interpreter', 'hang.sleep', 'sleep'], # text has no file: the place is the line that runs it
	[executed => 'sleeps in code made at run time', 'hang.sleep', 'sleep'],
);

sub animal {
	my ($python, $v, $name, $does, $finding, $waits, %more) = @_;
	return { name => $name, label => "$name ($v)", does => $does, finding => $finding, waits => $waits, marks => $name,
		argv => [$python, $program, $name], %more };
}

# A program of C with the Python that has headers here. Its command to compile; undef where there is none.
sub embedding {
	for my $config (map { s{/python3$}{/python3-config}r } pythons()) {
		next unless -x $config;
		my $flags = `$config --embed --includes --ldflags 2>/dev/null`;
		(my $prefix = `$config --prefix`) =~ s/\s+$//;
		$flags =~ s/\s+/ /g;
		return "$cc -g -O1 $embed -o $dir/embed $flags -Wl,-rpath,$prefix/lib"
			if $flags && quietly("$cc -g -O1 $embed -o $dir/embed $flags -Wl,-rpath,$prefix/lib");
	}
	return undef;
}

plan skip_all => 'no Python 3' unless pythons();
zoo_marks($_) for $program, $embed;
for my $python (pythons()) {
	my ($v) = `$python -V 2>&1` =~ /(3\.\d+)/;
	zoo_look('python_more', map { animal($python, $v, @$_) } @animals);
}
SKIP: {
	skip 'no Python to embed', 2 unless embedding();
	zoo_look('python_more', { name => 'embedded', does => 'sleeps in Python that its C code has called', finding => 'hang.sleep',
			waits => 'sleep', marks => 'embedded', place => qr/^$/, argv => ["$dir/embed"] });
}
zoo_section('python_more', "Python's own machinery");
done_testing;
