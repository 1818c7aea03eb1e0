#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# faults.t - the world fails: a system call, an allocation, a limit, a disk. The run ends, in time,
# with the command's code or our 125 and a line that says why; nothing is left, no file is half.
use strict;
use warnings;
use lib 'tests/lib';
use Errno qw(:POSIX);
use SpecRunner;
use Test::More;

my $build = $ENV{TEST_BUILD} // '.artifacts/build';
my $lib = Cwd::abs_path("$build/tests/fault/fault.so");

# Half a file would be one that is there and cannot be read.
sub half_files {
	my ($dir) = @_;
	my @bad;
	for my $file (grep { /\.json$/ } files_in($dir)) {
		push @bad, $file unless eval { JSON::PP->new->utf8->decode(read_file("$dir/$file")); 1 };
	}
	return @bad;
}

# function => [errno, how many of its calls are tried]
my %faults = (
	(map { $_ => [ENOMEM, 24] } qw(malloc calloc realloc)),
	mmap => [ENOMEM, 12], mremap => [ENOMEM, 4],
	(map { $_ => [EMFILE, 12] } qw(open openat pipe2 socketpair socket epoll_create1 timerfd_create signalfd eventfd memfd_create dup opendir)),
	fork => [EAGAIN, 4], setsid => [EPERM, 2],
	(map { $_ => [ENOSPC, 10] } qw(ftruncate fallocate posix_fallocate mkdir mkdirat pwrite)),
	write => [ENOSPC, 16], rename => [EACCES, 6], renameat => [EACCES, 4], unlink => [EACCES, 4],
	read => [EIO, 16], pread => [EIO, 12], (map { $_ => [EINTR, 8] } qw(epoll_wait poll waitid waitpid)),
	epoll_ctl => [ENOMEM, 10], timerfd_settime => [EINVAL, 4], flock => [ENOLCK, 4], fsync => [EIO, 4],
	kill => [EPERM, 6], splice => [EINVAL, 4], fcntl => [EMFILE, 12], dup2 => [EBUSY, 6],
	sendmsg => [ENOBUFS, 4], recvmsg => [ECONNRESET, 4], send => [ENOBUFS, 4], recv => [ECONNRESET, 4], bind => [EADDRINUSE, 2],
	syscall => [ENOSYS, 12], getrandom => [EAGAIN, 2],
);
# These may lose output or evidence, for they are how it travels.
my %carries = map { $_ => 1 } qw(read write pread pwrite splice mmap recvmsg sendmsg send recv poll epoll_wait);

sub judge {
	my ($call, $n, $r) = @_;
	my @bad;
	push @bad, 'hung' if $r->{timed_out};
	push @bad, "died by signal $r->{signal}" if $r->{signal} && !$r->{timed_out};
	push @bad, "exit code $r->{code}" unless $r->{timed_out} || $r->{code} =~ /^(?:3|12[567])$/;
	push @bad, 'no word about it' if $r->{code} =~ /^12[567]$/ && $r->{err} !~ /^spec-runner: \S/m;
	push @bad, "output '$r->{out}'" if $r->{code} eq 3 && $r->{out} ne "hi\n" && !$carries{$call};
	push @bad, "half: $_" for half_files($r->{dir});
	my %left = tagged($r->{tag});
	if (%left) {
		select undef, undef, undef, 0.3;
		%left = tagged($r->{tag});
	}
	push @bad, 'left alive: ' . join ' ', %left if %left;
	kill_tagged($r->{tag});
	return map { "$call no. $n: $_" . ($r->{err} ? " ($r->{err})" : '') } @bad;
}

SKIP: {
	skip 'the sanitizer wants to be loaded first', scalar keys %faults if $ENV{TEST_SANITIZED} || !$lib || !-e $lib;
	for my $call (sort keys %faults) {
		my ($errno, $most) = @{ $faults{$call} };
		my (@bad, $struck);
		for (my $n = 1; $n <= $most; $n += 6) {
			my @runs;
			for my $nth ($n .. ($n + 5 < $most ? $n + 5 : $most)) {
				my $dir = new_dir();
				mkdir "$dir/.git";
				push @runs, [$nth, start_preloaded($lib, ['run', '--profile-level', 'detailed', '--drain-ms', 100, '--liveness-kill-grace-ms', 200, '--',
						'/bin/sh', '-c', 'echo hi; sleep 20 >/dev/null 2>&1 & exit 3'], dir => $dir,
						env => { FAULT_CALL => $call, FAULT_NTH => $nth, FAULT_ERRNO => $errno,
							FAULT_HIT => "$dir/.git/hit" })];
			}
			my $hits = 0;
			for (@runs) {
				my $r = finish_spec($_->[1], 15);
				push @bad, judge($call, $_->[0], $r);
				$hits++ if -e "$r->{dir}/.git/hit";
			}
			$struck += $hits;
			last unless $hits;
		}
		s/\n/ | /g for @bad;
		is_deeply \@bad, [], "$call fails, " . ($struck // 0) . ' times over';
	}
}

# Real limits. The sanitizer's search for leaks needs a process and descriptors of its own.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0' if $ENV{TEST_SANITIZED};
sub limited {
	my ($name, $ulimit, $cmd, %o) = @_;
	my $got = run_plain(['/bin/bash', '-c', "$ulimit; exec \"\$0\" \"\$@\"", spec(), 'run', '--profile-level', 'basic', '--', @$cmd], %o);
	no_survivors($got, "$name: nothing left");
	is_deeply [half_files($got->{dir})], [], "$name: no half file";
	return $got;
}
for my $n (4, 6, 8, 10, 12, 16, 20, 24, 32) {
	my $got = limited("RLIMIT_NOFILE $n", "ulimit -n $n", ['/bin/sh', '-c', 'exit 3']);
	ok $got->{code} eq '3' || ($got->{code} eq '125' && $got->{err} =~ /^spec-runner: \S/m), "RLIMIT_NOFILE $n: 3, or 125 and why"
		or diag("$got->{code}: $got->{err}");
}
my $small = limited('RLIMIT_FSIZE', 'ulimit -f 1', ['/bin/sh', '-c', 'exit 3']);
# Where not even a journal in memory may grow, the command is not started.
ok $small->{code} eq '3' || $small->{code} eq '125', "RLIMIT_FSIZE: the command's own code, or 125" or diag($small->{code});
like $small->{err}, qr/^spec-runner: \S/m, 'RLIMIT_FSIZE: and a word about the trace';
$small = limited('RLIMIT_FSIZE, passing', 'ulimit -f 1', ['/bin/true']);
is $small->{code}, 125, 'RLIMIT_FSIZE: 125 where the run passed' or diag($small->{err});

SKIP: {
	skip 'only root can become somebody with no process to spare', 4 if $> != 0;
	my $dir = new_dir();
	chmod 0755, $ENV{TMPDIR};
	chmod 0777, $dir;
	my $uid = 64000 + $$ % 1000;
	for my $n (1, 2, 3, 4) {
		my $got = run_plain(['/usr/bin/setpriv', "--reuid=$uid", "--regid=$uid", '--clear-groups', '/bin/bash', '-c',
				"ulimit -u $n; exec \"\$0\" \"\$@\"", spec(), 'run', '--profile-level', 'basic', '--', '/bin/sh', '-c', 'exit 3'], dir => $dir);
		skip 'the program cannot be reached by another user', 5 - $n if $got->{code} eq 126 && $got->{err} !~ /^spec-runner: /m;
		ok $got->{code} eq '3' || ($got->{code} eq '125' && $got->{err} =~ /^spec-runner: \S/m), "RLIMIT_NPROC $n: 3, or 125 and why"
			or diag("$got->{code}: $got->{err}");
		no_survivors($got);
	}
}

# A full disk.
SKIP: {
	my $disk = new_dir();
	skip 'mounting a small file system is not permitted', 6
		if $> != 0 || system('mount -t tmpfs -o size=64k,mode=777 spec-runner-test ' . $disk . ' 2>/dev/null') != 0;
	for my $case (['/bin/true', 125], ['/bin/false', 1]) {
		write_file("$disk/filler", '');
		{
			no warnings;
			open my $out, '>', "$disk/filler";
			syswrite $out, 'x' x 4096 or last for 1 .. 100;
		}
		my $got = run_spec(['run', '--profile-level', 'detailed', '--', $case->[0]], dir => $disk);
		is $got->{code}, $case->[1], "a full disk: $case->[0] gives $case->[1]" or diag($got->{err});
		like $got->{err}, qr/^spec-runner: .*No space left/m, 'a full disk: says so';
		is_deeply [half_files($disk)], [], 'a full disk: no half file';
		no_survivors($got);
		system("rm -rf $disk/.artifacts $disk/filler");
	}
	# It fills up in the middle.
	my $got = run_spec(['run', '--profile-level', 'debug', '--', '/bin/sh', '-c',
			'head -c 200000 /dev/zero >filler 2>/dev/null; i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo $i; /bin/true; done; exit 4'], dir => $disk);
	is $got->{code}, 4, "a disk that fills up: the command's own code";
	is scalar(my @lines = split /\n/, $got->{out}), 300, 'and all of its output';
	no_survivors($got);
	system("umount -l $disk");
}

# Folders that are missing or are something else.
my $r = run_spec(['run', '--profile-level', 'basic', '--profile-out', 'no/such/folder/trace.json', '--', '/bin/true']);
ok $r->{code} == 0 ? -s "$r->{dir}/no/such/folder/trace.json" : ($r->{code} == 125 && $r->{err} =~ /no\/such\/folder/),
	'a missing folder is made, or named' or diag($r->{err});
my $dir = new_dir();
write_file("$dir/.artifacts", 'a file where the folder should be');
$r = run_spec(['run', '--profile-level', 'basic', '--', '/bin/true'], dir => $dir);
is $r->{code}, 125, '.artifacts is a file: 125';
like $r->{err}, qr/^spec-runner: .*\.artifacts/m, 'and named';
is run_spec(['run', '--profile-level', 'basic', '--', '/bin/sh', '-c', 'exit 7'], dir => $dir)->{code}, 7, "unless the command failed itself";
$r = run_spec(['run', '--', '/bin/pwd'], dir => new_dir(), setup => sub { rmdir Cwd::getcwd() });
isnt $r->{code}, 'timed out', 'a working folder that is gone: ends';

# A pipe or device as the trace's place is written in place.
$dir = new_dir();
system('mkfifo', "$dir/pipe");
my $reader = fork();
if (!$reader) {
	open my $in, '<', "$dir/pipe";
	local $/;
	write_file("$dir/read", <$in> // '');
	POSIX::_exit(0);
}
$r = run_spec(['run', '--profile-level', 'basic', '--profile-out', 'pipe', '--', '/bin/true'], dir => $dir);
is $r->{code}, 0, 'a FIFO as --profile-out';
if (!wait_until(5, sub { waitpid($reader, 1) > 0 })) {
	kill KILL => $reader;
	waitpid $reader, 0;
}
ok trace_of("$dir/read"), 'the whole trace came through it';
ok -p "$dir/pipe", 'and it still is one';

done_testing;
