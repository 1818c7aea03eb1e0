#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# herd.pl - how long a tree of 2,000 processes lives on after KILL: TERM ignored, half of them in
# sessions of their own, some stopped, some forking on. BENCH_HERD_RUNS: how many (5).
use strict;
use warnings;
use lib 'tests/lib', 'tests/bench';
use Row;
use SpecRunner;

my $runs = $ENV{BENCH_HERD_RUNS} // 5;
for my $contain ('subreaper', 'auto') {
	my (@took, $survivors);
	$survivors = 0;
	for (1 .. $runs) {
		my $r = start_spec(['run', '--profile-level', 'basic', '--contain', $contain, '--liveness-kill-grace-ms', 200, '--', zoo('herd'), 2000]);
		wait_until(30, sub { (read_file($r->{out_path}) // '') =~ /ready/ }) or die 'the herd does not gather';
		kill TERM => $r->{pid};
		finish_spec($r, 30);
		my %left = tagged($r->{tag});
		$survivors += keys %left;
		kill_tagged($r->{tag});
		my $t = trace_of($r) or die $r->{err};
		my ($wait) = spans($t, 'subprocess.wait');
		my ($kill) = grep { $_->{attrs}{reason_token} eq 'watchdog.kill.killed' } events($t, 'watchdog');
		push @took, ($wait->{end_ns} - $kill->{ts_ns}) / 1e6;
	}
	my $worst = (sort { $a <=> $b } @took)[-1];
	row("2,000 processes gone after KILL, --contain $contain, worst of $runs", sprintf('%.0f ms', $worst), '', "$survivors survivors",
		'≤ 500 ms, 0 survivors', $worst <= 500 && !$survivors);
}
finish_rows();
