#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# profile_splits.pl - programs whose CPU time is 70 : 20 : 10 between three functions, in six languages, sampled by each engine:
# shares within 3 points. What a share of 70 % is worth depends on how many samples it is of: one sigma is 46 points by the root
# of their count, so that 3 points are two sigmas of 933. Each program is run until there are so many that tell something of their
# own: of an interpreter only stops do, which cost more than the clock's samples and are fewer. 250 children of 12 ms each, seen within 12 % of what the kernel counted. Waits of known kinds and lengths, within
# 5 points. Prints a table; exit 1 where a bound is passed.
#
#   tests/show/profile_splits.pl [--seconds 5] [--hz 199] [--with perf,stop] [--samples 933] [--runs 12] [NAME]...
use strict;
use warnings;
use Getopt::Long;
use lib 'tests/show', 'tests/lib';
use ProfileShow;
use Split;

my ($seconds, $hz, $engines, $enough, $runs) = (5, 199, 'perf,stop', 933, 12);
GetOptions('seconds=f' => \$seconds, 'hz=i' => \$hz, 'with=s' => \$engines, 'samples=i' => \$enough, 'runs=i' => \$runs) or die "usage: see the head of $0\n";
my $at = fresh();
my $split = (glob root() . '/.artifacts/build/tests/zoo/split')[0];

write_splits($at, $seconds);

my %programs = (
	c => [native => sub { $split, $seconds }],
	python => [python => sub { (where_is('python3') // return), "$at/split.py" }],
	node => [javascript => sub { (where_is('node') // return), "$at/split.js" }],
	ruby => [ruby => sub { (where_is('ruby') // return), "$at/split.rb" }],
	go => [go => sub {
		my $go = where_is('go') // return;
		local %ENV = (%ENV, GOCACHE => scratch() . '/gocache', GO111MODULE => 'off');
		system("cd $at && $go build -ldflags '-s -w' -o split-go split.go") == 0 or return;
		return "$at/split-go";
	}],
	java => [java => sub {
		my $java = where_is('java') // return;
		system("cd $at && javac Split.java") == 0 or return;
		return ($java, '-cp', $at, 'Split');
	}],
);
my @names = @ARGV ? @ARGV : (qw(c python node ruby go java), 'children', 'waits');

sub measure {
	my ($name, $with) = @_;
	my ($language, $command) = @{ $programs{$name} };
	my @command = $command->() or return row(undef, $name, $with, 'not here', '', '', '');
	my (%ms, $told, $all, $own, $stopped, $run);
	for ($run = 0; $run < $runs && ($told // 0) < $enough; $run++) {
		my $dir = fresh();
		my $r = record($dir, 'record', '--sample-hz', $hz, '--sample-with', $with, '--', @command);
		return row(undef, $name, $with, "refused: $r->{err}") if $r->{code} == 2;
		my $p = profile_of($dir) or return row(0, $name, $with, "no profile: exit $r->{code}", '', '', '');
		my $o = artifact_of($dir, 'cpu')->{metrics}{overhead};
		$all += sum_ms($p, 5);
		my ($sum, $squares) = (0, 0);
		for my $s (@{ $p->{samples} }) {
			next if $s->[4] >= 0;
			my ($f) = grep { ($_->{function} // '') =~ /(?:^|[.#_])(?:alpha|beta|gamma)$/ && $_->{language} eq $language }
				map { $p->{frames}[$_] } @{ $p->{stacks}[ $s->[2] ] } or next;
			my ($which) = $f->{function} =~ /(alpha|beta|gamma)$/;
			$ms{$which} += $s->[5] / 1e6;
			$sum += $s->[5];
			$squares += $s->[5]**2;
		}
		# samples of unequal weight tell as little as so many equal ones, and those with the stack of the same stop as little as that
		my $n = $squares ? $sum**2 / $squares : 0;
		$n = $o->{stops_count} if $with eq 'perf' && $name =~ /^(python|ruby)$/ && $o->{stops_count} < $n;
		$told += $n;
		$own += $o->{own_cpu_ms};
		$stopped += $o->{stopped_ms};
		system 'rm', '-rf', "$dir/.artifacts";
	}
	my $sum = ($ms{alpha} // 0) + ($ms{beta} // 0) + ($ms{gamma} // 0);
	my @share = map { $sum ? 100 * ($ms{$_} // 0) / $sum : 0 } qw(alpha beta gamma);
	my $worst = 0;
	for (0 .. 2) { my $off = abs($share[$_] - (70, 20, 10)[$_]); $worst = $off if $off > $worst }
	return row($worst <= 3 && $sum > 0.8 * $all, $name, $with, sprintf('%.1f / %.1f / %.1f', @share), sprintf('%.1f', $worst),
		sprintf('%.0f of %.0f', $sum, $all), sprintf('%.0f in %d runs', $told // 0, $run), sprintf('%.1f ms, stopped %.1f', $own, $stopped));
}

# What the shell's children used, by its own account: the kernel's count of its ended children.
sub children {
	my ($with) = @_;
	my $dir = fresh();
	my $r = record($dir, 'record', '--sample-with', $with, '--', '/bin/bash', '-c',
		"i=0; while [ \$i -lt 250 ]; do $split 0.012; i=\$((i+1)); done; times > times.txt");
	return row(undef, 'children', $with, "refused: $r->{err}") if $r->{code} == 2;
	my $p = profile_of($dir) or return row(0, 'children', $with, 'no profile');
	my ($children) = (split /\n/, get("$dir/times.txt"))[1];
	my $truth = 0;
	$truth += $1 * 60e3 + $2 * 1e3 while $children =~ /(\d+)m([\d.]+)s/g;
	my (%cpu, %is);
	$is{$_} = 1 for grep { $p->{threads}[$_]{comm} eq 'split' } 0 .. $#{ $p->{threads} };
	my $seen = sum_ms($p, 5, sub { $is{ $_[0][1] } });
	my $named = sum_ms($p, 5, sub { shift; grep { ($_->{function} // '') =~ /^split_/ } @_ });
	my $processes = grep { $is{$_} && $p->{threads}[$_]{pid} == $p->{threads}[$_]{tid} } 0 .. $#{ $p->{threads} };
	return row(abs($seen - $truth) <= 0.12 * $truth, '250 children of 12 ms', $with, "$processes processes", sprintf('%.1f %%', 100 * ($seen - $truth) / $truth),
		sprintf('%.0f of %.0f', $seen, $truth), sprintf('%.0f below split_*', $named), '');
}

# One thread that waits 40 % in a sleep, 30 % for a pipe, 20 % for a socket, 10 % for a lock.
put("$at/waits.py", <<'PY');
import os, socket, sys, threading, time
unit = float(sys.argv[1])
r, w = os.pipe()
a, b = socket.socketpair()
lock = threading.Lock()
go = [threading.Event() for _ in range(3)]
def feed_pipe():
    go[0].wait(); time.sleep(3 * unit); os.write(w, b'x')
def feed_socket():
    go[1].wait(); time.sleep(2 * unit); b.send(b'x')
def hold():
    lock.acquire(); go[2].set(); time.sleep(unit); lock.release()
ts = [threading.Thread(target=f) for f in (feed_pipe, feed_socket)]
[t.start() for t in ts]
time.sleep(4 * unit)
go[0].set(); os.read(r, 1)
go[1].set(); a.recv(1)
h = threading.Thread(target=hold); h.start(); go[2].wait()
lock.acquire()
PY
sub waits {
	my ($with) = @_;
	my $python = where_is('python3') // return;
	my $dir = fresh();
	my $r = record($dir, 'record', '--sample-with', $with, '--', $python, "$at/waits.py", 0.4);
	return row(undef, 'waits', $with, "refused: $r->{err}") if $r->{code} == 2;
	my $p = profile_of($dir) or return row(0, 'waits', $with, 'no profile');
	my (%kind, $all);
	for my $s (@{ $p->{samples} }) {
		my $t = $p->{threads}[ $s->[1] ];
		next if $s->[4] < 0 || $t->{pid} != $t->{tid};
		$kind{ $p->{waits}[ $s->[4] ]{kind} } += $s->[6];
		$all += $s->[6];
	}
	my %want = (sleep => 40, pipe_read => 30, socket_recv => 20, lock => 10);
	$kind{lock} += delete $kind{$_} // 0 for qw(mutex semaphore futex condition);
	my ($worst, @text) = (0);
	for (sort keys %want) {
		my $share = $all ? 100 * ($kind{$_} // 0) / $all : 0;
		$worst = abs($share - $want{$_}) if abs($share - $want{$_}) > $worst;
		push @text, sprintf '%s %.1f', $_, $share;
	}
	return row($worst <= 5, 'waits 40/30/20/10', $with, join(', ', @text), sprintf('%.1f', $worst), sprintf('%.0f ms', $all / 1e6), '', '');
}

print "| program | engine | alpha / beta / gamma | off by, points | ms named | samples | cost | kept |\n|---|---|---|---|---|---|---|---|\n";
for my $name (@names) {
	for my $with (split /,/, $engines) {
		$name eq 'children' ? children($with) : $name eq 'waits' ? waits($with) : measure($name, $with);
	}
}
finish_rows();
