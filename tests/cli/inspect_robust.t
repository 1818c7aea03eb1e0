#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# inspect_robust.t - looking where things go wrong: helpers that hang, die or talk nonsense do not hold up a run; damaged
# binaries, containers, missing rights and processes that hide give what there is, and say what is missing.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use File::Basename qw(dirname);
use File::Copy qw(copy);
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $looked = zoo('looked');

sub begin {
	my (@argv) = @_;
	my $pid = fork // die;
	if (!$pid) {
		POSIX::setsid();
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		exec @argv or POSIX::_exit(127);
	}
	return $pid;
}

sub end { kill KILL => map { -$_ } @_; kill KILL => @_; waitpid $_, 0 for @_ }

sub comm { my ($pid) = @_; return ((read_file("/proc/$pid/comm") // '') =~ s/\n//r) }
# Both of its threads sleep.
sub is_ready {
	my ($pid, $comm) = @_;
	return comm($pid) eq $comm && (grep { (read_file("$_/stat") // '') =~ /\) S / } glob "/proc/$pid/task/*") == 2;
}

# The look of a user: words before `spec-runner inspect`.
sub inspect {
	my ($pid, @before) = @_;
	my $text = `cd / && @before @{[spec()]} inspect --json $pid 2>&1`;
	my $d = eval { decode_json($text) };
	diag($text) unless $d;
	return $d // { processes => [], collectors => [] };
}

sub threads { my ($d) = @_; return map { @{ $_->{threads} } } @{ $d->{processes} } }
sub functions { my ($t) = @_; return map { $_->{function} // () } @{ $t->{frames} } }

# --- helpers of ours that fail ---

my $real = dirname(spec()) . '/.artifacts/libexec';
SKIP: {
	skip 'the programs of libexec are somewhere else', 6 unless -x "$real/spec-runner-report";
	my %helpers = (
		'hangs' => ['exec sleep 30', 'timed_out'],
		'stops itself' => ['kill -STOP $$', 'timed_out'],
		'is killed' => ['kill -KILL $$', 'timed_out'],
		'fails' => ['exit 3', 'unavailable'],
		# the front is late with its word, as on a busy machine
		'hangs and stops the front' => ['kill -STOP $PPID; exec sleep 30', 'timed_out'],
		'talks nonsense' => ['echo "{\"version\": 1, \"processes\": [[[["; exit 0', 'ok'],
	);
	for my $name (sort keys %helpers) {
		my ($script, $status) = @{ $helpers{$name} };
		my $bin = new_dir();
		mkdir "$bin/.artifacts";
		mkdir "$bin/.artifacts/libexec";
		copy(spec(), "$bin/spec-runner") or die;
		chmod 0755, "$bin/spec-runner";
		symlink "$real/spec-runner-report", "$bin/.artifacts/libexec/spec-runner-report";
		write_file("$bin/.artifacts/libexec/spec-runner-inspect", "#!/bin/sh\n$script\n", 0755);
		my $dir = new_dir();
		my $r = run_plain(["$bin/spec-runner", 'run', '--timeout-ms', 300, '--diagnose-ms', 700, '--profile-level', 'basic', '--', $looked, 'blocked'],
			dir => $dir);
		subtest "a helper that $name" => sub {
			is $r->{code}, 124, 'the limit holds';
			cmp_ok $r->{ms}, '<', (300 + 700 + 1500) * slow_factor(), 'within limit and budget';
			my $t = trace_of($r) // {};
			my ($look) = map { $_->{attrs} } grep { $_->{attrs}{event} eq 'diagnose.snapshot' } events($t, 'checkpoint');
			is $look->{status}, $status, 'the trace tells how it fared';
			is run_spec(['verify', "$dir/.artifacts/run-trace.json"])->{code}, 0, 'verify agrees';
			no_survivors($r);
		};
	}
}

# --- damaged binaries: what is not loaded (symbols, debug information, section headers) is overwritten at random ---

SKIP: {
	my $elf = read_file($looked);
	skip 'no 64-bit ELF', 1 unless substr($elf, 0, 5) eq "\x7fELF\x02";
	my ($phoff, $shoff) = unpack 'x32 Q< Q<', $elf;
	my ($phsize, $phnum) = unpack 'x54 S< S<', $elf;
	my $loaded = 0;
	for my $i (0 .. $phnum - 1) {
		my ($type, $offset, $size) = unpack 'L< x4 Q< x16 Q<', substr($elf, $phoff + $i * $phsize, $phsize);
		$loaded = $offset + $size if $type == 1 && $offset + $size > $loaded;
	}
	srand($ENV{LOOK_SEED} // 4711);
	my $dir = new_dir();
	my (@pids, @bad);
	for my $n (1 .. $ENV{LOOK_DAMAGED} // 24) {
		my $damaged = $elf;
		my $much = $n % 3 == 0 ? 20_000 : $n % 3 == 1 ? 40 : 1;
		substr($damaged, $loaded + int rand(length($elf) - $loaded), 1) = chr int rand 256 for 1 .. $much;
		substr($damaged, 40, 8) = pack 'Q<', $n % 2 ? int rand(2 ** 40) : $shoff + int rand 64 if $n % 4 == 0;
		$damaged = substr $damaged, 0, $loaded + int rand(length($elf) - $loaded) if $n % 5 == 0;
		write_file("$dir/damaged$n", $damaged, 0755);
		push @pids, begin("$dir/damaged$n", 'blocked');
		wait_until(5, sub { is_ready($pids[-1], "damaged$n") }) or push @bad, "$n does not run";
		my $from = time;
		my $d = inspect($pids[-1]);
		push @bad, "$n: " . scalar(threads($d)) . ' threads' if threads($d) != 2;
		push @bad, "$n: no pipe" unless grep { ($_->{waits_on}{kind} // '') eq 'pipe_read' } threads($d);
		push @bad, "$n: " . (time - $from) . ' s' if time - $from > 3 * slow_factor();
		end(pop @pids);
		unlink "$dir/damaged$n";
	}
	is_deeply \@bad, [], 'binaries with damaged symbols: threads and waits are told all the same';
}

# --- namespaces ---

SKIP: {
	my $script = 'mount -t tmpfs none /mnt && cp ' . $looked . ' /mnt/only_inside && exec /mnt/only_inside held';
	my @unshare = $> ? qw(unshare -Urpm) : qw(unshare -pm --propagation private);
	skip 'unshare is refused', 5 if system("@unshare --fork --mount-proc mount -t tmpfs none /mnt >/dev/null 2>&1");
	my $outer = begin(@unshare, '--fork', '--mount-proc', 'sh', '-c', $script);
	my $inner;
	wait_until(10, sub { ($inner) = grep { is_ready($_, 'only_inside') } split ' ', read_file("/proc/$outer/task/$outer/children") // ''; $inner });
	sleep 0.1;
	my $d = inspect($inner // 1);
	my ($waits) = grep { ($_->{waits_on}{kind} // '') eq 'mutex' } threads($d);
	ok scalar(grep { $_ eq 'lock_waiter' } functions($waits)), 'a binary that is mounted in its container alone is found' or diag explain $d;
	my ($f) = grep { ($_->{function} // '') eq 'lock_waiter' } @{ $waits->{frames} };
	is $f->{module}, '/mnt/only_inside', 'by its own path';
	like $f->{file} // '', qr/looked\.c$/, 'with its lines';
	is $waits->{waits_on}{holders}[0]{tid}, $inner, q{the lock's owner, 1 by its own count, is found among ours};
	ok $waits->{waits_on}{proved}, 'for certain';
	end($outer);
	kill KILL => $inner if $inner;
}

# --- rights ---

SKIP: {
	skip 'not root', 9 if $>;
	my $pid = begin($looked, 'blocked');
	wait_until(5, sub { is_ready($pid, 'looked') });
	my $d = inspect($pid, qw(setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace));
	my @t = threads($d);
	is scalar @t, 2, 'without CAP_SYS_PTRACE, as in a container: the threads are told';
	is_deeply [map { $_->{status} } @t], ['denied', 'denied'], 'their stacks are denied';
	like $t[0]{reason}, qr/capabilities that we lack.*SYS_PTRACE/, 'with the reason and a way';
	ok scalar(grep { $_->{name} eq 'snapshot' && $_->{status} eq 'denied' } @{ $d->{collectors} }), 'and by the collector';
	end($pid);

	skip 'the programs lie where a plain user may not look', 5
		if system("setpriv --reuid=65534 --regid=65534 --clear-groups test -x $looked -a -x @{[spec()]} 2>/dev/null");
	my @user = qw(setpriv --reuid=65534 --regid=65534 --clear-groups);
	$pid = begin(@user, $looked, 'secret');
	wait_until(5, sub { is_ready($pid, 'looked') });
	$d = inspect($pid, @user);
	@t = threads($d);
	is scalar @t, 2, 'an undumpable process: the threads are told';
	like $t[0]{reason} // '', qr/undumpable/, 'and why no more';
	$d = inspect($pid);
	is scalar(grep { $_->{status} =~ /^(?:ok|partial)$/ && @{ $_->{frames} } > 2 } threads($d)), 2, 'root sees it all';
	end($pid);
	$pid = begin($looked, 'blocked');
	wait_until(5, sub { is_ready($pid, 'looked') });
	$d = inspect($pid, @user);
	@t = threads($d);
	like $t[0]{reason} // '', qr/belongs to user 0, we are user 65534.*CAP_SYS_PTRACE/, q{another user's process};
	is $t[0]{state}, 'S', 'its state is for everybody';
	end($pid);
}
# --- memory: a look has a limit of its own, and less is enough ---

SKIP: {
	skip 'no prlimit', 3 if system('prlimit --version >/dev/null 2>&1') != 0;
	my $pid = begin($looked);
	wait_until(10, sub { is_ready($pid, 'looked') });
	my $d = inspect($pid, 'prlimit --as=' . (32 << 20));
	ok scalar(grep { $_ eq 'blocked_reader' } map { functions($_) } threads($d)), 'with 32 MiB of address space: frames' if !$ENV{TEST_SANITIZED};
	end($pid);
	# one that takes its time: the limits of the process that looks
	my $tree = begin($^X, '-e', 'for (1 .. 150) { fork or do { sleep 60; exit } } sleep 60');
	wait_until(20, sub { split(' ', read_file("/proc/$tree/task/$tree/children") // '') == 150 });
	my $out = new_dir() . '/out';
	my $look = fork // die;
	if (!$look) {
		open STDOUT, '>', $out;
		exec 'prlimit', '--as=unlimited', spec(), 'inspect', '--json', $tree or POSIX::_exit(127);
	}
	my $limits = '';
	wait_until(20, sub {
		my $text = read_file("/proc/$look/limits") // '';
		$limits = $text if $text =~ /^Max address space\s+\d+/m;
		return $limits || waitpid($look, POSIX::WNOHANG()) != 0;
	});
	waitpid $look, 0;
	skip 'it had looked before we could', 1 if !$limits;
	like $limits, qr/^Max address space\s+2147483648 /m, 'a look may take 2 GiB of address space';
	end($tree);
}

done_testing;
