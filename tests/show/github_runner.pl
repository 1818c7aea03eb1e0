#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# github_runner.pl [ROUNDS] - a cancelled job as GitHub's runner does it: INT to the step's shell alone, TERM 7.5 s later, KILL 2.5 s
# after that, each only if the step's shell is still there, and never to anybody else. With `exec` in the step (the shell is
# spec-runner then) and without (the shell dies, and spec-runner sees its parent go). Every time the trace must be sealed, the line that
# hangs named, and nothing left alive. TIMES=0.2 shortens GitHub's times.
use strict;
use warnings;
use JSON::PP;
use File::Temp qw(tempdir);
use POSIX qw(:sys_wait_h setsid);
use Time::HiRes qw(sleep time);
use Cwd qw(abs_path);

my $rounds = shift // 50;
my $times = $ENV{TIMES} // 1;
my $program = abs_path($ENV{SPEC_RUNNER} // './spec-runner');
my $tag = 'GITHUB_SHOW_TAG';

# Processes that have our tag in their environment.
sub tagged {
	my ($value) = @_;
	my @pids;
	for my $p (glob '/proc/[0-9]*') {
		open my $f, '<', "$p/environ" or next;
		local $/;
		my $text = <$f> // '';
		push @pids, $p =~ m{(\d+)$} if $text =~ /(?:^|\0)\Q$tag=$value\E(?:\0|$)/;
	}
	return @pids;
}

sub wait_until {
	my ($s, $done) = @_;
	for (my $until = time + $s; time < $until; sleep 0.05) { return 1 if $done->() }
	return $done->() ? 1 : 0;
}

sub once {
	my ($exec, $n) = @_;
	my $dir = tempdir('github-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $value = "$$-$exec-$n";
	mkdir "$dir/.git";
	open my $f, '>', "$dir/test_cart.py" or die;
	print $f "import time, unittest\nclass T(unittest.TestCase):\n    def test_total(self):\n        print('ready', flush=True)\n        time.sleep(300)\n";
	close $f;
	my $step = ($exec ? 'exec ' : '') . "'$program' run -- python3 -m unittest -v test_cart >out 2>err" . ($exec ? '' : "; echo the step goes on >>out");
	my $pid = fork // die;
	if (!$pid) {
		chdir $dir;
		setsid();
		delete @ENV{ grep { /^SPEC_RUNNER_/ } keys %ENV };
		@ENV{qw(CI GITHUB_ACTIONS), $tag} = ('true', 'true', $value);
		open STDIN, '<', '/dev/null';
		exec 'bash', '-e', '-c', $step;
		exit 127;
	}
	my $gone = 0;
	my $over = sub { $gone ||= waitpid($pid, WNOHANG) != 0; return $gone };
	wait_until(60, sub { -s "$dir/out" && do { open my $o, '<', "$dir/out"; grep { /ready/ } <$o> } }) or return 'did not start';
	sleep 1; # into its sleep
	kill INT => $pid;
	if (!wait_until(7.5 * $times, $over)) {
		kill TERM => $pid;
		if (!wait_until(2.5 * $times, $over)) {
			kill KILL => $pid;
			wait_until(5, $over);
		}
	}
	my $sealed = wait_until(20, sub { -s "$dir/.artifacts/run-trace.json" });
	my $left = !wait_until(20, sub { !tagged($value) });
	my $found = eval { local (@ARGV, $/) = "$dir/.artifacts/findings.json"; decode_json(<>) };
	my @wrong;
	push @wrong, 'the trace is not sealed' if !$sealed || system($program, 'verify', "$dir/.artifacts/run-trace.json") != 0;
	push @wrong, 'the line is not named: ' . ($found->{findings}[0]{location} // '?') if ($found->{findings}[0]{location} // '') !~ /test_cart\.py:.*:5$/;
	if ($left) {
		push @wrong, 'alive: ' . join ' ', tagged($value);
		kill KILL => tagged($value);
	}
	return join '; ', @wrong;
}

my $bad = 0;
for my $exec (1, 0) {
	my $right = 0;
	for my $n (1 .. $rounds) {
		my $wrong = once($exec, $n);
		$right++ if !$wrong;
		print "round $n: $wrong\n" if $wrong;
	}
	printf "%s exec: %d of %d\n", $exec ? 'with' : 'without', $right, $rounds;
	$bad += $rounds - $right;
}
exit($bad ? 1 : 0);
