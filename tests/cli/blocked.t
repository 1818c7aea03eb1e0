#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# blocked.t - what other processes can hold up: reads of /proc under the lock of their memory, files on a server that
# does not answer, and our own supervisor, stopped or traced by its child. No limit may depend on any of it.
use strict;
use warnings;
use lib 'tests/lib';
use Cwd qw(getcwd);
use POSIX ();
use SpecRunner;
use Test::More;
use Time::HiRes qw(time);

my $build = $ENV{TEST_BUILD} // getcwd() . '/.artifacts/build';
my $fuse = "$build/tests/lib/hung_fuse";
my ($limit, $grace) = (1.5, 0.5);
my @limits = ('--timeout-ms', $limit * 1000, '--liveness-kill-grace-ms', $grace * 1000);
# What a starved machine may take for starting and sealing, besides.
my $slack = 3 + slow_factor();
# The server of a test lets everybody go then, whatever we do: other programs of the machine hang with it.
my $server_s = 20;
# The sanitizer's search for leaks waits for such a lock as well.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0' if $ENV{TEST_SANITIZED};

# Without the right to mount there is no such file system.
sub fuse_works {
	my $dir = new_dir();
	return system("$fuse write $dir 2 test -d $dir 2>/dev/null") == 0;
}

sub ended_in_time {
	my ($r, $began, $name) = @_;
	my $took = time - $began;
	cmp_ok $took, '<', $limit + $grace + 2 + $slack, sprintf '%s: over %.1f s after its start', $name, $took;
}

sub run_in_fuse {
	my ($mode, $mount, @args) = @_;
	return run_plain([$fuse, $mode, $mount, $server_s, spec(), @args]);
}

sub checkpoint {
	my ($t, $name) = @_;
	my ($event) = grep { ($_->{attrs}{event} // '') eq $name } events($t, 'checkpoint');
	return $event ? $event->{attrs} : undef;
}

SKIP: {
	skip 'FUSE cannot be mounted here', 18 unless fuse_works();
	{
		my $mount = new_dir();
		my $began = time;
		my $r = run_in_fuse('write', $mount, 'run', @limits, '--', $fuse, 'lock', "$mount/file");
		ended_in_time($r, $began, 'memory lock held');
		is $r->{code}, 124, 'memory lock held: ended by its limit';
		like $r->{err}, qr/cannot be read: the lock of its memory is held/, 'and said';
		my $t = trace_of($r);
		is_deeply [grep { $_ eq 'timeout.subprocess.wait' } tokens($t)], ['timeout.subprocess.wait'], 'its token';
		is +(checkpoint($t, 'process.unreadable') // {})->{file}, 'cmdline', 'what could not be read is recorded';
		is checkpoint($t, 'run.supervisor_lost'), undef, 'neither of our processes was given up';
		like read_file("$r->{dir}/.artifacts/findings.json"), qr/"hang\.unkillable\.memory_lock"/, 'and is a finding';
	}
	{
		my $mount = new_dir();
		my $began = time;
		my $r = run_in_fuse('getattr', $mount, 'run', @limits, '--drain-ms', 300, '--', 'sh', '-c',
			"sleep 30 3<$mount/file & exit 0");
		ended_in_time($r, $began, 'file on a dead server');
		is $r->{code}, 0, 'file on a dead server: the command keeps its code';
		like $r->{err}, qr/sleep \(pid \d+\) holds its pipe/, 'the holder is named';
		no_survivors($r);
	}
	{ # it hangs before it has become another program, in our memory: we do not wait for it
		my $mount = new_dir();
		my $began = time;
		my $r = run_in_fuse('getattr', $mount, 'run', @limits, '--', "$mount/file");
		ended_in_time($r, $began, 'program on a dead server');
		is $r->{code}, 124, 'program on a dead server: ended by its limit';
		like $r->{err}, qr/still running after/, 'and said';
		is checkpoint(trace_of($r), 'run.supervisor_lost'), undef, 'neither of our processes was given up';
	}
	{
		my $mount = new_dir();
		my $dir = new_dir();
		my $spec = spec();
		my $text = `$fuse write $mount $server_s sh -c '$fuse lock $mount/file >/dev/null & sleep 0.5
			$spec inspect --json --diagnose-ms 2000 \$! > $dir/out; echo \$? > $dir/code; kill -9 \$!' 2>&1`;
		is read_file("$dir/code"), "0\n", 'inspect answers' or diag $text;
		like read_file("$dir/out"), qr/the memory of its process is locked/, 'and says why it saw so little';
		my ($ms) = read_file("$dir/out") =~ /"duration_ms": ?([\d.]+)/;
		cmp_ok $ms // 1e9, '<', 2000 + 1000 * $slack, "within its deadline ($ms ms)";
	}
}

{
	my $began = time;
	my $r = run_spec(['run', @limits, '--', 'sh', '-c', 'kill -STOP $PPID; sleep 60']);
	ended_in_time($r, $began, 'supervisor stopped by its child');
	is $r->{code}, 124, 'ended by the limit';
	is checkpoint(trace_of($r), 'run.supervisor_lost'), undef, 'it was let go on';
	no_survivors($r);
}

SKIP: {
	my %ptrace = (x86_64 => 101, aarch64 => 117);
	my $nr = $ptrace{(POSIX::uname())[4]} // skip 'no number for ptrace', 4;
	my $began = time;
	my $r = run_spec(['run', @limits, '--', 'perl', '-e',
		"\$p = getppid; syscall($nr, 16, \$p, 0, 0) == 0 or exit 77; sleep 60"]);
	skip 'a child may not trace us', 4 if $r->{code} == 77;
	ended_in_time($r, $began, 'supervisor traced by its child');
	is $r->{code}, 124, 'ended by the limit';
	my $t = trace_of($r);
	is_deeply [grep { $_ eq 'timeout.subprocess.wait' } tokens($t)], ['timeout.subprocess.wait'], 'with its token';
	is +(checkpoint($t, 'run.supervisor_lost') // {})->{reason}, 'blocked', 'by the front, in its place';
	no_survivors($r);
}

# A cancel that the supervisor cannot hear.
{
	my $r = start_spec(['run', '--', 'sh', '-c', 'echo ready; while :; do kill -STOP $PPID; done']);
	wait_until(10 * $slack, sub { (read_file($r->{out_path}) // '') =~ /ready/ });
	my $began = time;
	kill TERM => $r->{pid};
	finish_spec($r, 8 + $slack);
	cmp_ok time - $began, '<', 7 + $slack, 'stopped again and again: cancelled within 7 s';
	is $r->{code}, 143, 'with the code of a cancel';
	no_survivors($r);
}

done_testing;
