#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# analysis.pl - reading a trace of 1,000,000 events again: findings and reports (`report`), the page (`--format html`), and
# the check of every event against the contract (`verify`). Time and the most memory that it held.
use strict;
use warnings;
use lib 'tests/lib', 'tests/bench';
use Row;
use SpecRunner;
use Time::HiRes qw(time);

my $events = 1_000_000;
my $dir = new_dir();
# A real run gives the frame: what verify holds it against is all there.
run_spec(['--timeout-ms', 600, 'run', '--', 'sh', '-c', 'sleep 77; true'], dir => $dir);
my $trace = "$dir/.artifacts/run-trace.json";
my $text = read_file($trace) // die 'no trace';
my ($span) = $text =~ /"span_id":"([0-9a-f]+)"[^{}]*"name":"subprocess\.wait"/ or die 'no span';
my ($count) = $text =~ /"event_count":(\d+)/ or die 'no count';
my ($head, $tail) = $text =~ /^(.*"events":\[)(.*)$/s or die 'no events';
my $all = $count + $events;
$tail =~ s/"event_count":\d+/"event_count":$all/;
my @kinds = ('{"ts_ns":%d,"kind":"io.read","span_id":"%s","attrs":{"stream":"stdout","bytes":4096}},',
	'{"ts_ns":%d,"kind":"subprocess_state","span_id":"%s","attrs":{"state":"spawned","pid":77}},',
	'{"ts_ns":%d,"kind":"checkpoint","span_id":"%s","attrs":{"event":"notify.status","status":"at work"}},');
my ($start_ns) = $text =~ /"name":"subprocess\.wait".*?"start_ns":(\d+)/s;
open my $big, '>', $trace or die $!;
print $big $head;
printf $big $kinds[$_ % 3], $start_ns, $span for 0 .. $events - 1;
print $big $tail;
close $big or die $!;

# Seconds of processor (they wait for nothing: the same as time on an idle machine), seconds, MiB at most; of the best of three.
sub measure {
	my (@args) = @_;
	my ($best, $wall, $kib);
	for (1 .. 3) {
		my $start = time;
		my $r = run_plain(['/usr/bin/perl', '-e', 'my $p = fork // die; exec @ARGV or die if !$p; my $m = 0; while (waitpid($p, 1) == 0) {
			if (open my $f, "<", "/proc/$p/status") { while (<$f>) { $m = $1 if /^VmHWM:\s+(\d+)/ && $1 > $m } } select undef, undef, undef, 0.005 }
			print STDERR "peak $m cpu ", (times)[2] + (times)[3], "\n"; exit $? >> 8', spec(), @args], dir => $dir, timeout => 60);
		my $seconds = time - $start;
		die "$args[0]: exit $r->{code}: $r->{err}" . substr($r->{out}, 0, 600) if $r->{code};
		($kib, my $cpu) = $r->{err} =~ /peak (\d+) cpu ([\d.]+)/;
		($best, $wall) = ($cpu, $seconds) if !$best || $cpu < $best;
	}
	return ($best, $wall, $kib / 1024);
}

for my $what (['report', 'findings and reports'], ['report --format html', 'the page'], ['verify', 'held against the contract']) {
	my ($seconds, $wall, $mib) = measure(split(/ /, $what->[0]), $trace);
	row("a trace of 1,000,000 events: $what->[1] (`$what->[0]`)", sprintf('%.2f s of processor (%.2f s), %.0f MiB', $seconds, $wall, $mib), '', '', '< 4 s, < 128 MiB',
		$seconds < 4 && $mib < 128 && $mib > 1);
}
finish_rows();
