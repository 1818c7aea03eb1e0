#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# zoo_python.t - programs that hang in Python, in the oldest and the newest one that is found. ZOO_ALL=1: in each.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Zoo;
use Cwd qw(abs_path);
use Test::More;

my $zoo = abs_path('tests/zoo/hang');

# The system's and one of each minor version of pyenv.
sub pythons {
	my (%found, @some);
	my $pyenv = $ENV{PYENV_ROOT} // (($ENV{HOME} // '') . '/.pyenv');
	for my $p (glob "$pyenv/versions/3.*/bin/python3") {
		$found{$1} //= $p if $p =~ m{/3\.(\d+)\.} && $1 >= 8 && $1 <= 14 && -x $p;
	}
	my @others = map { $found{$_} } sort { $a <=> $b } keys %found;
	@some = ((grep { -x } '/usr/bin/python3'), @others);
	return @some if zoo_all() || @others < 2;
	return ($others[0], $others[-1]);
}

my ($locks, $held, $sync, $event, $sleep) = qw(hang.deadlock.locks hang.lock.held hang.wait.sync hang.wait.event hang.sleep);
# Name, what it does, first finding, kind of wait, who waits, what for, who holds it, more (tests/lib/Zoo.pm).
my @py = (
	[py_abba => 'two locks in opposite order', $locks, 'mutex', 'main', qr/lock/i, 'thread'],
	[py_rlock => 'an RLock whose holder sleeps', $held, 'mutex', 'thread', qr/lock/i, 'thread'],
	[py_event => 'an Event that is never set', $sync, 'condition', 'main', qr/./],
	[py_queue => 'a Queue that stays empty', $sync, 'condition', 'main', qr/./],
	[py_join => 'joins a thread that sleeps', $sleep, 'futex', 'main', qr/thread/, 'thread'],
	[py_exit => 'a thread that is not a daemon, at exit', 'hang.exit.threads', 'sleep', 'thread', qr/sleep|select/],
	[py_child => 'subprocess.call of a program that sleeps', $sleep, 'child', 'main', qr/^exit of child \d+/, 'child', place => qr/hang\.py:py_child:\d+$/], # the child's only line stands in no file
	[py_communicate => 'subprocess.run reads a pipe', $sleep, 'pipe_read', 'main', qr/^pipe:/, 'child', place => qr/hang\.py:py_communicate:\d+$/],
	[py_accept => 'accept, and nobody connects', 'hang.net.accept', 'accept', 'main', qr/^tcp listening on/],
	[py_input => 'input()', 'hang.input.stdin', 'stdin', 'main', qr/^standard input/, 'outside'],
	[py_sleep => 'sleeps', $sleep, 'sleep', 'main', qr/sleep|select/],
	[py_select => 'select of a pipe', $event, 'poll', 'main', qr/^select of 1: fd \d+ pipe/, 'self'],
	[py_spin => 'a loop without end', 'hang.spin', 'none', 'main'],
	[py_gil => 'a regular expression keeps the interpreter lock', 'hang.python.gil', 'gil', 'thread', qr/./, 'thread'],
);

zoo_marks("$zoo/hang.py");
for my $python (pythons()) {
	my ($v) = `$python -V 2>&1` =~ /(3\.\d+\.\d+)/;
	zoo_look(python => zoo_animals(" ($v)", [$python, "$zoo/hang.py"], {}, @py));
}
zoo_section('python', 'Python');
done_testing;
