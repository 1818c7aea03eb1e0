# SPDX-License-Identifier: Apache-2.0
# SpecRunner.pm - runs ./spec-runner for a test and looks at what it left: exit code, output,
# trace, files, processes. Every run has a folder and a tag of its own; the tag stands in the
# environment of all that the run starts, which is how survivors are found.
package SpecRunner;
use strict;
use warnings;

use Cwd qw(abs_path getcwd);
use Exporter 'import';
use Fcntl;
use File::Path qw(make_path);
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Test::More;
use Time::HiRes qw(time sleep);

our @EXPORT = qw(run_plain run_spec start_cmd start_spec start_preloaded finish_spec tagged kill_tagged no_survivors read_file
	write_file new_dir trace_of spans events tokens checkpoints zoo spec slow_factor wait_until files_in);

my $root = getcwd();
my $build = $ENV{TEST_BUILD} // "$root/.artifacts/build";
my $spec = $ENV{SPEC_RUNNER} // "$root/spec-runner";
my $tmp = $ENV{TMPDIR} // '/tmp';
my $count = 0;
my %tags;
$^C or -x $spec or die "$spec is not built: make"; # perl -c (lint) runs nothing

sub spec { return $spec }
sub root { return $root }

# How much longer than on an idle machine things take here and now, a whole number from 1 to 12: bounds and limits of
# real time are multiplied by it. Measured once per test file: the fastest of three trivial supervised runs, which
# take 12 ms on an idle machine, and how many want each processor. A sanitised build takes six times as long.
my $factor;
sub slow_factor {
	return $factor if $factor;
	my ($best, $load) = (9, 0);
	for (1 .. 3) {
		my $from = time;
		system { $spec } $spec, 'run', '--profile-on-fail', 'off', '--', '/bin/true';
		$best = time - $from if time - $from < $best;
	}
	($load) = (read_file('/proc/loadavg') // '') =~ /^([\d.]+)/;
	my $cpus = grep { -d } glob '/sys/devices/system/cpu/cpu[0-9]*';
	$factor = $ENV{TEST_SANITIZED} ? 6 : 1;
	for my $seen ($best / 0.025, ($load // 0) / ($cpus || 1)) {
		$factor = POSIX::ceil($seen) if $seen > $factor;
	}
	$factor = 12 if $factor > 12;
	diag("this machine is busy: times are multiplied by $factor") if $factor > ($ENV{TEST_SANITIZED} ? 6 : 1);
	return $factor;
}

# The path of a zoo program: built from C, or a script.
sub zoo {
	my ($name) = @_;
	my $path = $name =~ /\.(sh|py)$/ ? "$root/tests/zoo/$name" : "$build/tests/zoo/$name";
	-x $path or die "$path is not built: make tests-built";
	return $path;
}

sub new_dir {
	my $dir = sprintf '%s/run-%d-%03d', $tmp, $$, ++$count;
	make_path($dir);
	return abs_path($dir);
}

sub read_file {
	my ($path) = @_;
	open my $in, '<:raw', $path or return undef;
	local $/;
	return scalar <$in> // '';
}

sub write_file {
	my ($path, $text, $mode) = @_;
	open my $out, '>:raw', $path or die "$path: $!";
	print $out $text;
	close $out or die "$path: $!";
	chmod $mode, $path if defined $mode;
}

# Every file below a folder, relative, sorted.
sub files_in {
	my ($dir) = @_;
	my @found;
	require File::Find;
	File::Find::find({ no_chdir => 1, wanted => sub { push @found, substr($_, length($dir) + 1) if -f $_ } }, $dir);
	return sort @found;
}

# Starts a command in a child: cwd, output to files, its own tag.
# Options: dir, env => {NAME => value or undef}, stdin => path, close => [fds], out/err => path,
# setup => code run in the child, as => uid.
sub start_cmd {
	my ($argv, %o) = @_;
	my $r = { dir => $o{dir} // new_dir(), tag => sprintf('zoo-%d-%d', $$, ++$count), start => time };
	my $base = "$tmp/io-$$-$count";
	$r->{out_path} = $o{out} // "$base.out";
	$r->{err_path} = $o{err} // "$base.err";
	$tags{$r->{tag}} = 1;
	my $pid = fork() // die "fork: $!";
	if (!$pid) {
		$ENV{ZOO_TAG} = $r->{tag};
		for my $name (keys %{ $o{env} // {} }) {
			if (defined $o{env}{$name}) { $ENV{$name} = $o{env}{$name} } else { delete $ENV{$name} }
		}
		chdir $r->{dir} or die;
		open STDIN, '<', $o{stdin} // '/dev/null' or die "stdin: $!";
		open STDOUT, '>', $r->{out_path} or die "stdout: $!";
		open STDERR, '>', $r->{err_path} or die "stderr: $!";
		$o{setup}->() if $o{setup};
		POSIX::close($_) for @{ $o{close} // [] };
		{ no warnings; exec { $argv->[0] } @$argv; }
		POSIX::_exit(127);
	}
	$r->{pid} = $pid;
	return $r;
}

# Waits at most `timeout` seconds (20). Sets code (128+N by signal N), signal, ms, out, err.
sub finish_spec {
	my ($r, $timeout) = @_;
	my $until = time + ($timeout // 20) * slow_factor();
	my $delay = 0.001;
	while (waitpid($r->{pid}, WNOHANG) == 0) {
		if (time > $until) {
			$r->{timed_out} = 1;
			diag("no end after " . int(time - $r->{start}) . " s: " . `ps -o pid,ppid,stat,wchan:20,args --forest -p $r->{pid} 2>/dev/null`);
			kill_tagged($r->{tag});
			kill KILL => $r->{pid};
			waitpid $r->{pid}, 0;
			last;
		}
		sleep $delay;
		$delay = 0.01 if ($delay *= 1.5) > 0.01;
	}
	$r->{ms} = (time - $r->{start}) * 1000;
	$r->{signal} = $? & 127;
	$r->{code} = $r->{timed_out} ? 'timed out' : $r->{signal} ? 128 + $r->{signal} : $? >> 8;
	$r->{out} = -f $r->{out_path} ? read_file($r->{out_path}) : '';
	$r->{err} = -f $r->{err_path} ? read_file($r->{err_path}) : '';
	return $r;
}

sub start_spec {
	my ($args, %o) = @_;
	return start_cmd([$spec, @$args], %o);
}

# The same with a library preloaded (tests/fault) whose functions take the place of libc's: ./spec-runner may be static.
sub start_preloaded {
	my ($library, $args, %o) = @_;
	$o{env} = { LD_PRELOAD => $library, PATH => ($ENV{TEST_LIBEXEC} // "$root/.artifacts/libexec") . ":$ENV{PATH}", %{ $o{env} // {} } };
	return start_cmd(["$build/tests/fault/spec-runner", @$args], %o);
}

sub run_spec {
	my ($args, %o) = @_;
	return finish_spec(start_spec($args, %o), $o{timeout});
}

sub run_plain {
	my ($argv, %o) = @_;
	return finish_spec(start_cmd($argv, %o), $o{timeout});
}

# Living processes with the tag in their environment: pid => comm. Zombies have no environment.
sub tagged {
	my ($tag) = @_;
	my %found;
	opendir my $proc, '/proc' or return;
	for my $pid (grep { /^\d+$/ } readdir $proc) {
		my $env = read_file("/proc/$pid/environ") // next;
		next unless $env =~ /(?:^|\0)ZOO_TAG=\Q$tag\E(?:\0|$)/;
		next if $pid == $$;
		my $comm = read_file("/proc/$pid/comm") // next;
		chomp $comm;
		$found{$pid} = $comm;
	}
	return %found;
}

sub kill_tagged {
	my ($tag) = @_;
	for (1 .. 50) {
		my %left = tagged($tag) or return;
		kill KILL => keys %left;
		sleep 0.01;
	}
}

# A test: nothing of the run is alive. What is, is ended, so that nothing stays behind.
sub no_survivors {
	my ($r, $name) = @_;
	my %left = tagged($r->{tag});
	# What has just been sent KILL may still be on its way out.
	for (my $i = 0; %left && $i < 20; $i++) {
		sleep 0.01;
		%left = tagged($r->{tag});
	}
	my $good = ok(!%left, $name // 'nothing is left alive');
	diag('left: ' . join ', ', map { "$_ ($left{$_})" } sort keys %left) if !$good;
	kill_tagged($r->{tag}) if %left;
	delete $tags{ $r->{tag} };
	return $good;
}

sub wait_until {
	my ($seconds, $condition) = @_;
	my $until = time + $seconds * slow_factor();
	while (!$condition->()) {
		return 0 if time > $until;
		sleep 0.005;
	}
	return 1;
}

# The decoded trace, or undef (with a word about why).
sub trace_of {
	my ($where) = @_;
	my $path = ref $where ? "$where->{dir}/.artifacts/run-trace.json" : $where;
	my $text = read_file($path);
	if (!defined $text) {
		diag("no trace at $path");
		return undef;
	}
	my $trace = eval { JSON::PP->new->utf8->decode($text) };
	diag("$path: $@") unless $trace;
	return $trace;
}

sub spans { my ($t, $name) = @_; return grep { $_->{name} eq $name } @{ $t->{spans} // [] } }
sub events { my ($t, $kind) = @_; return grep { $_->{kind} eq $kind } @{ $t->{events} // [] } }
sub tokens { my ($t) = @_; return map { $_->{attrs}{reason_token} // '?' } events($t, 'watchdog') }
sub checkpoints { my ($t) = @_; return map { $_->{attrs}{event} // '?' } events($t, 'checkpoint') }

END { local $?; kill_tagged($_) for keys %tags }

1;
