#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# kills.pl [KILLS] [KIND...] - kills our own processes at random instants, from a run's first one on, at each --contain in
# turn, and looks for what is left of the command's tree and of the record. One line a kind; exit 1 where anything is left.
# From the project's folder, after make tests-built; as root for cgroup, oom and oom_real.
#
#   group     SIGKILL to the process group of the front, as timeout -s KILL and CI runners send it
#   both      the front and the supervisor, by pid
#   ours      the front, the supervisor, the guard and the helpers, by pid; what is left is for `recover` to end
#   oom       the whole cgroup that we were started in, as memory.oom.group does (cgroup.kill of cgroup v2)
#   oom_real  a memory limit (cgroup v1) that the command breaks, with ours as the kernel's first choice
#   front, supervisor, guard   that one alone
#
#   KILLS_SEED   seed, which is printed     KILLS_CONTAIN (auto subreaper cgroup pidns)     KILLS_WORKERS (4) at once
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use Time::HiRes qw(sleep time);

BEGIN { $ENV{TMPDIR} = tempdir('/tmp/kills.XXXXXX') }
use SpecRunner;

my $kills = @ARGV && $ARGV[0] =~ /^\d+$/ ? shift : 1000;
my @kinds = @ARGV ? @ARGV : qw(group both ours oom front supervisor guard);
my @contain = split ' ', $ENV{KILLS_CONTAIN} // 'auto subreaper cgroup pidns';
my $workers = $ENV{KILLS_WORKERS} // 4;
my $seed = $ENV{KILLS_SEED} // $$;
my ($unified) = grep { -e "$_/cgroup.procs" && -e "$_/cgroup.controllers" } '/sys/fs/cgroup', '/sys/fs/cgroup/unified';
my $memory = '/sys/fs/cgroup/memory';

# Daemons, a process that ignores TERM, and more of both all the time. With --contain group nobody may leave the group.
sub tree {
	my ($group) = @_;
	my $away = $group ? '' : 'setsid';
	return "(trap '' TERM; $away sleep 61 &); for ((n = 0; n < 100; n++)); do sleep 0.02; ($away sleep 60.\$n &); done & sleep 62 & sleep 63";
}

# Breaks its limit of memory when it is told to.
sub eater { return tree() . ' & until [ -e go ]; do sleep 0.01; done; exec perl -e \'$n = 200 << 20; $x = "x" x $n; sleep 60\'' }

# Front, supervisor, guard, helpers: children of the front, the supervisor being the first of them. (By name a guard that
# has only just been made is a supervisor.)
sub ours {
	my ($front) = @_;
	my ($first, @rest) = split ' ', read_file("/proc/$front/task/$front/children") // '';
	my %is = (front => [$front], supervisor => [grep { defined } $first], guard => [], helpers => []);
	push @{ $is{ (read_file("/proc/$_/comm") // '') =~ /^sr-guard/ ? 'guard' : 'helpers' } }, $_ for @rest;
	return \%is;
}

# At a random instant, mostly early: half of them before the command can have come far.
sub strike {
	my ($kind, $r, $cgroup) = @_;
	sleep rand(rand() < 0.5 ? 0.02 : 0.25);
	my $is = ours($r->{pid});
	return kill KILL => -$r->{pid} if $kind eq 'group';
	return kill KILL => @{ $is->{front} }, @{ $is->{supervisor} } if $kind eq 'both';
	return kill KILL => map { @{ $is->{$_} } } qw(guard supervisor helpers front) if $kind eq 'ours';
	return write_file("$cgroup/cgroup.kill", '1') if $kind eq 'oom';
	if ($kind eq 'oom_real') { # the kernel's part, ours being its first choice
		write_file("/proc/$_/oom_score_adj", 1000) for grep { -e "/proc/$_" } map { @$_ } values %$is;
		return write_file("$r->{dir}/go", '');
	}
	return kill KILL => @{ $is->{$kind} };
}

sub cgroup_for {
	my ($kind, $n) = @_;
	my $dir = $kind eq 'oom' ? "$unified/sr-kills-$$-$n" : $kind eq 'oom_real' ? "$memory/sr-kills-$$-$n" : return undef;
	mkdir $dir or die "$dir: $!";
	write_file("$dir/memory.limit_in_bytes", 64 << 20) if $kind eq 'oom_real';
	return $dir;
}

sub cgroup_leave {
	my ($dir) = @_;
	for (1 .. 100) {
		rmdir $_ for glob "$dir/*/";
		last if rmdir $dir;
		sleep 0.02;
	}
	return -d $dir ? 1 : 0;
}

# One kill: what it left, in words; counts go to %$sum.
sub one {
	my ($kind, $contain, $n, $sum) = @_;
	my $dir = new_dir();
	mkdir "$dir/.git";
	my $cgroup = cgroup_for($kind, $n);
	my $setup = sub {
		setpgrp(0, 0);
		write_file("$cgroup/cgroup.procs", $$) if $cgroup;
	};
	my $r = start_spec(['--profile-level', 'basic', 'run', '--liveness-kill-grace-ms', 200, '--diagnose-ms', 300, '--timeout-ms', 3000,
		'--contain', $contain, '--', '/bin/bash', '-c', $kind eq 'oom_real' ? eater() : tree($contain eq 'group')], dir => $dir, setup => $setup);
	strike($kind, $r, $cgroup);
	finish_spec($r, 30);
	my ($rec, @why, @journal);
	my $tries = 0;
	# Those that were killed hold the journal until they are gone, the guard for as long as it has to end something.
	my $recover = sub {
		while ((@journal = glob "$dir/.artifacts/*.journal") && $tries++ < 20) {
			sleep 0.1 if $tries > 1;
			unlink $rec->{out_path}, $rec->{err_path} if $rec;
			$rec = run_spec(['recover'], dir => $dir, timeout => 30, setup => $setup);
		}
	};
	$recover->() if $kind eq 'ours';
	my $gone = wait_until(4, sub { my %left = tagged($r->{tag}); !%left });
	push @why, 'left ' . join ' ', %{ { tagged($r->{tag}) } } if !$gone;
	kill_tagged($r->{tag}) if !$gone;
	$recover->();
	$sum->{late}++ if $tries > 1;
	push @why, "journal not recovered ($rec->{code}: $rec->{err})" if @journal;
	for my $trace (glob("$dir/.artifacts/recovered/run-*/run-trace.json"), grep { -e } "$dir/.artifacts/run-trace.json") {
		$sum->{ $trace =~ /recovered/ ? 'recovered' : 'sealed' }++;
		my $v = run_spec(['verify', $trace], dir => $dir);
		push @why, "verify: $v->{err}$v->{out}" if $v->{code} ne '0';
		unlink $v->{out_path}, $v->{err_path};
	}
	$sum->{timed_out}++ if $r->{timed_out};
	$sum->{kills}++;
	push @why, 'a cgroup is left' if $cgroup && cgroup_leave($cgroup);
	unlink map { $_ ? ($_->{out_path}, $_->{err_path}) : () } $r, $rec;
	remove_tree($dir);
	return @why ? "$kind $contain code $r->{code}: @why" : '';
}

sub worker {
	my ($kind, $w, $out) = @_;
	my %sum = map { $_ => 0 } qw(kills bad recovered sealed timed_out late);
	srand $seed * 100 + $w;
	for (my $n = $w; $n < $kills; $n += $workers) {
		my $why = one($kind, $contain[int($n / $workers) % @contain], $n, \%sum);
		next if $why eq '';
		$sum{bad}++;
		print STDERR "$why\n";
	}
	print $out join(' ', %sum), "\n";
	close $out;
	POSIX::_exit(0);
}

my $failed = 0;
for my $kind (@kinds) {
	my (@in, %sum);
	my $began = time;
	for my $w (0 .. $workers - 1) {
		pipe my $in, my $out or die $!;
		my $pid = fork // die $!;
		worker($kind, $w, $out) if !$pid;
		push @in, [$pid, $in];
	}
	for (@in) {
		my ($pid, $in) = @$_;
		my %one = split ' ', (readline $in) // '';
		waitpid $pid, 0;
		$sum{$_} += $one{$_} for keys %one;
	}
	$failed ||= $sum{bad} || $sum{kills} != $kills;
	printf "%s (%s): %d kills, %d with something left, %d traces sealed, %d journals recovered (%d not at once), %d never ended, seed %d, %.0f s\n", $kind,
		join(' ', @contain), @sum{qw(kills bad sealed recovered late timed_out)}, $seed, time - $began;
}
remove_tree($ENV{TMPDIR});
exit($failed ? 1 : 0);
