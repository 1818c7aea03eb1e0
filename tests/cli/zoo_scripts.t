#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# zoo_scripts.t - Perl, PHP and shell scripts that hang.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Zoo;
use Cwd qw(abs_path);
use Test::More;

my $zoo = abs_path('tests/zoo/hang');
my ($event, $sync, $sleep, $stdin) = qw(hang.wait.event hang.wait.sync hang.sleep hang.input.stdin);
# Name, what it does, first finding, kind of wait, who waits, what for, who holds it, more (tests/lib/Zoo.pm).
my @perl = (
	[pl_sleep => 'sleeps', $sleep, 'sleep', 'main', qr/^clock_nanosleep for/],
	[pl_wait => 'waits for a child that sleeps', $sleep, 'child', 'main', qr/^exit of child \d+/, 'child'],
	[pl_pipe => 'reads from a child that sleeps', $sleep, 'pipe_read', 'main', qr/^pipe:/, 'child'],
	[pl_select => 'select with a time', $sleep, 'sleep', 'main', qr/select|sleep/],
	[pl_stdin => 'reads standard input', $stdin, 'stdin', 'main', qr/^standard input/, 'outside'],
	[pl_method => 'sleeps in a method, within blocks', $sleep, 'sleep', 'main', qr/^clock_nanosleep for/],
	[pl_sort => 'sleeps in the block of a sort', $sleep, 'sleep', 'main', qr/^clock_nanosleep for/],
	[pl_eval => 'sleeps in evaluated text', $sleep, 'sleep', 'main', qr/^clock_nanosleep for/],
	[pl_flock => 'a lock of flock that a child holds', 'hang.lock.file', 'file_lock', 'main', qr/^FLOCK WRITE lock on .*hang\.pl/, 'child'],
	[pl_system => 'system of a shell that reads standard input', $stdin, 'stdin', 'child', qr/^standard input/, 'outside'],
	[pl_accept => 'accept, and nobody connects', 'hang.net.accept', 'accept', 'main', qr/^tcp listening on/],
	[pl_spin => 'a loop without end', 'hang.spin', 'none', 'main'],
);
push @perl, [pl_threads => 'two threads, two shared variables in opposite order', 'hang.deadlock.locks', 'mutex', 'thread',
	qr/^lock\(\) of a shared variable/, 'thread'] if qx{/usr/bin/perl -MConfig -e 'print \$Config{useithreads} || ""'};
my @php = (
	[php_sleep => 'sleeps', $sleep, 'sleep', 'main', qr/^clock_nanosleep for/],
	[php_method => 'sleeps in a method, within blocks', $sleep, 'sleep', 'main', qr/^clock_nanosleep for/],
	[php_callback => 'sleeps in a function that array_map calls', $sleep, 'sleep', 'main', qr/^clock_nanosleep for/],
	[php_generator => 'sleeps in a generator', $sleep, 'sleep', 'main', qr/^clock_nanosleep for/],
	[php_pipe => 'reads from a child that sleeps', $sleep, 'pipe_read', 'main', qr/^pipe:/, 'child'],
	[php_child => 'proc_close of a program that sleeps', $sleep, 'child', 'main', qr/^exit of child \d+/, 'child'],
	[php_stdin => 'reads standard input', $stdin, 'stdin', 'main', qr/^standard input/, 'outside'],
	[php_flock => 'a lock of flock that a child holds', 'hang.lock.file', 'file_lock', 'main', qr/^FLOCK WRITE lock on .*hang\.php/, 'child'],
	[php_accept => 'accept, and nobody connects', 'hang.net.accept', 'poll', 'main', qr/listening on/, undef, inspects => $event],
	[php_spin => 'a loop without end', 'hang.spin', 'none', 'main'],
);
my @sh = (
	[sh_child => 'a child that sleeps', $sleep, 'child', 'main', qr/^exit of/, 'child'],
	[sh_pipe => 'a pipeline whose first member sleeps', $sleep, 'child', 'main', qr/^exit of/, 'child'],
	[sh_wait => 'wait for a background job', $sleep, 'child', 'main', qr/^exit of|^a signal .*SIGCHLD/, 'child'],
	[sh_read => 'read', 'hang.input.stdin', 'stdin', 'main', qr/^standard input/, 'outside'],
);
# Of a /bin/sh that is a dash, which tells its line itself.
my @dash = (
	[dash_function => 'a function that was called before, of which a child sleeps', $sleep, 'child', 'main', qr/^exit of/, 'child'],
	[dash_lines => 'the last of three lines with sleep', $sleep, 'child', 'main', qr/^exit of/, 'child'],
	[dash_variable => 'a command that a variable names', $sleep, 'child', 'main', qr/^exit of/, 'child'],
	[dash_wait => 'wait, below the line of the job', $sleep, 'child', 'main', qr/^exit of|^a signal .*SIGCHLD/, 'child'],
	[dash_read => 'the second read', $stdin, 'stdin', 'main', qr/^standard input/, 'outside'],
	[dash_open => 'opens a FIFO that nobody writes to', 'hang.wait.event.open', 'pipe_read', 'main',
		qr/^a writer of the FIFO/, undef, inspects => 'hang.wait.event'],
	[dash_continued => 'a command that goes on in the next line', $sleep, 'child', 'main', qr/^exit of/, 'child'],
);

zoo_marks("$zoo/$_") for qw(hang.pl hang.php dash.sh);
zoo_look(scripts => zoo_animals('', ['/usr/bin/perl', "$zoo/hang.pl"], { limit_ms => 1500 }, @perl));
SKIP: {
	my $php = which('php') or skip 'no PHP', 1;
	zoo_look(scripts => zoo_animals('', [$php, "$zoo/hang.php"], { limit_ms => 1500 }, @php));
}
zoo_look(scripts => zoo_animals(" ($_)", [$_, "$zoo/hang.sh"], {}, @sh)) for grep { -x } '/bin/sh', '/bin/bash';
{
	local $ENV{TMPDIR} = new_dir();
	zoo_look(scripts => zoo_animals(' (dash)', ['/bin/sh', "$zoo/dash.sh"], {}, @dash)) if (readlink('/bin/sh') // '') =~ m{\bdash$};
}
# bats runs what it makes of a test file, and reads through pipes that the test holds as well: the line is the test's own.
SKIP: {
	which('bats') or skip 'no bats', 2;
	my $dir = new_dir();
	write_file("$dir/a.bats", qq{\@test "one" { true; }\nhelper() {\n  sleep 60\n}\n\@test "hangs" {\n  true\n  helper\n}\n});
	my $r = run_spec(['run', '--liveness-level', 'strict', '--liveness-stall-ms', 4000 * slow_factor(), '--', 'bats', 'a.bats'],
		dir => $dir, timeout => 60);
	is $r->{code}, 124, 'bats: ended' or diag $r->{err};
	like $r->{err}, qr{^spec-runner:   place:     \S*/a\.bats:helper:3$}m, '  at the line of the test file' or diag $r->{err};
}
zoo_section('scripts', 'Perl, PHP and shells', '');
done_testing;
