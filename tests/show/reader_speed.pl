#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# reader_speed.pl - what reading a runtime costs in CPU time: 1,000 and 20,000 goroutines, a JVM with 200 threads by attach, a Node and a Ruby that wait.
# The figure is the mean of --times looks: that of `inspect` with the reader less that of `inspect` of a sleep, which has none. Then whether any thread
# that is blocked was woken by a look (its counter of switches), and whether the program lives after --captures more looks. ./spec-runner must be built.
#
#   tests/show/reader_speed.pl [--times 15] [--captures 0] [NAME]...
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Getopt::Long;
use JSON::PP;
use Time::HiRes qw(sleep);

my ($times, $captures) = (15, 0);
GetOptions('times=i' => \$times, 'captures=i' => \$captures) or die "usage: see the head of $0\n";
my $spec = abs_path($ENV{SPEC_RUNNER} // './spec-runner');
my $dumps = abs_path('tests/show/own_dumps');
my $dir = tempdir(CLEANUP => 1);

sub sh { system('sh', '-c', $_[0]) == 0 or die "$_[0]: $?\n" }
sub slurp { open my $in, '<', $_[0] or return ''; local $/; return <$in> // '' }
sub put { my ($path, $text) = @_; open my $out, '>', $path or die; print $out $text; close $out }

put("$dir/many.go", <<'END');
package main

import ("os"; "os/signal"; "strconv"; "sync")

func wait(mu *sync.Mutex, ch chan int, i int) { if i%3 == 0 { mu.Lock() } else { <-ch } }
func main() {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	n, _ := strconv.Atoi(os.Args[1])
	var mu sync.Mutex
	mu.Lock()
	ch := make(chan int)
	for i := 0; i < n; i++ { go wait(&mu, ch, i) }
	mu.Lock()
}
END
put("$dir/Many.java", <<'END');
public class Many {
	static void down(int depth, Object lock) throws Exception { if (depth > 0) down(depth - 1, lock); else synchronized (lock) { lock.wait(); } }
	public static void main(String[] args) throws Exception {
		for (int i = 0; i < 200; i++) { int n = i; new Thread(() -> { try { down(n % 20, new Object()); } catch (Exception e) { } }, "worker" + i).start(); }
	}
}
END
put("$dir/wait.js", "function inner() { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) }\nfunction outer(n) { n ? outer(n - 1) : inner() }\nouter(20)\n");
put("$dir/wait.rb", "def inner = Queue.new.pop\ndef outer(n) = n.zero? ? inner : outer(n - 1)\nThread.new { sleep }\nouter(20)\n");

# name => [how it is built, argv, level, collector, bound in ms]
my %programs = (
	'1,000 goroutines' => ["GOCACHE=$dir/go go build -o $dir/many $dir/many.go", ["$dir/many", 1000], 1, 'go', 20],
	'20,000 goroutines' => ["GOCACHE=$dir/go go build -o $dir/many $dir/many.go", ["$dir/many", 20000], 1, 'go', 400],
	'a JVM with 200 threads' => ["javac -d $dir $dir/Many.java", ['java', '-cp', $dir, 'Many'], 2, 'java', 50],
	'Node' => ['true', ['node', "$dir/wait.js"], 1, 'javascript', 10],
	'Ruby' => ['true', ['ruby', "$dir/wait.rb"], 1, 'ruby', 10],
);

sub start {
	my (@argv) = @_;
	my $pid = fork // die;
	if (!$pid) { open STDIN, '<', '/dev/null'; open STDOUT, '>', '/dev/null'; exec @argv or POSIX::_exit(127) }
	return $pid;
}

# CPU time of one look, in ms, and its text; reading that in Perl takes longer than the look.
sub look {
	my ($pid, $level) = @_;
	my @before = times;
	my $text = qx{$spec inspect --json --intrusion $level $pid};
	my @after = times;
	$text =~ /\}\n\z/ or die "no diagnosis of $pid\n";
	return (1000 * ($after[2] + $after[3] - $before[2] - $before[3]), $text);
}

# Switches of each thread that is blocked.
sub switches { return { map { my ($v) = slurp("$_/status") =~ /^voluntary_ctxt_switches:\s*(\d+)/m; ($_ => $v) } glob "/proc/$_[0]/task/*" } }

# The mean CPU time, since the kernel counts it by hundredths of a second, and the least wall time of the reader.
sub cost {
	my ($pid, $level, $of) = @_;
	my ($sum, $wall) = (0, 1e9);
	for (1 .. $times) {
		my ($ms, $text) = look($pid, $level);
		my $d = decode_json($text);
		$sum += $ms;
		my ($row) = grep { $_->{name} eq $of } @{ $d->{collectors} };
		$wall = $row->{duration_ms} if $row && $row->{duration_ms} < $wall;
	}
	return ($sum / $times, $wall);
}

my $sleeper = start('sleep', 600);
my ($base) = cost($sleeper, 1, 'native');
my $bad = 0;
for my $name (@ARGV ? @ARGV : sort keys %programs) {
	my ($build, $argv, $level, $collector, $bound) = @{ $programs{$name} // die "no $name\n" };
	sh($build);
	my $pid = start(@$argv);
	sleep 3;
	look($pid, $level); # the first one reads files that the others find
	my $before = switches($pid);
	look($pid, $level) for 1 .. 3;
	my $after = switches($pid);
	my $woken = grep { defined $after->{$_} && $after->{$_} != $before->{$_} } keys %$before;
	my ($ms, $wall) = cost($pid, $level, $collector);
	look($pid, $level) for 1 .. $captures;
	my $lives = kill(0, $pid) && slurp("/proc/$pid/stat") !~ /\) Z/;
	printf "%s: %.1f ms of CPU time more than a sleep (%.1f), the reader alone %.1f ms of wall time, bound %d; %d of %d threads woken%s; %s\n", $name,
		$ms - $base, $base, $wall, $bound, $woken, scalar keys %$before, $collector eq 'java' ? ' (its own attach listener and what answers)' : '',
		$lives ? 'it lives' : 'IT HAS DIED';
	$bad++ if ($ms - $base > $bound && $wall > $bound) || !$lives || ($woken && $level < 2);
	kill KILL => $pid;
	waitpid $pid, 0;
}
kill KILL => $sleeper;
exit $bad ? 1 : 0;
