#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# silence.pl [--node DIR] [--work SECONDS] - what silence means at level strict with a stall limit of 5 s: 90 s of silent work on a
# processor survive, a sleeping command is ended at 5 s, one that spins at its busy limit; jest and vitest on a pseudo-terminal,
# whose reporters repaint for ever, are ended at the stall limit when a test never ends: verdict hung, file, test and line named.
#
# --node DIR: a folder whose node_modules has jest and vitest. Takes some three minutes. Exit 1: one is not so.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Getopt::Long;
use JSON::PP;
use Time::HiRes qw(time);

my ($node, $work) = ('', 90);
GetOptions('node=s' => \$node, 'work=i' => \$work) or die "usage: silence.pl [--node DIR] [--work SECONDS]\n";
my $program = abs_path($ENV{SPEC_RUNNER} // './spec-runner');
my $bad = 0;

sub run_one {
	my ($name, $files, @argv) = @_;
	my $dir = tempdir('silence-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	for my $path (keys %$files) {
		open my $f, '>', "$dir/$path" or die;
		print $f $files->{$path};
	}
	mkdir "$dir/.git";
	symlink "$node/node_modules", "$dir/node_modules" if $node;
	my $from = time;
	system("cd '$dir' && CI= exec '$program' run --liveness-level strict --stall 5s @argv >out 2>err </dev/null");
	my $code = $? >> 8;
	my %r = (name => $name, code => $code, seconds => time - $from, verdict => '', idle => 0);
	open my $e, '<', "$dir/err" or die;
	$r{err} = join '', grep { /^spec-runner: / } <$e>;
	if (open my $t, '<', "$dir/.artifacts/run-trace.json") {
		local $/;
		my $trace = decode_json(scalar <$t>);
		for (grep { ($_->{attrs}{reason_token} // '') eq 'stall.subprocess.no_output_no_event' } @{ $trace->{events} }) {
			@r{qw(verdict idle)} = ($_->{attrs}{verdict}, $_->{attrs}{idle_ms} / 1000);
		}
	}
	return \%r;
}

sub judge {
	my ($r, $right, $what) = @_;
	$bad++ if !$right;
	printf "%s %s: exit code %d after %.1f s, verdict '%s', idle %.1f s%s\n", $right ? 'ok' : 'not ok', $r->{name}, $r->{code}, $r->{seconds},
		$r->{verdict}, $r->{idle}, $what ? ": $what" : '';
	print $r->{err} =~ s/^/    /gmr if !$right;
}

my $compute = "perl -e 'my \$x = 0; while ((times)[0] < \$ENV{CPU_S}) { \$x++ for 1 .. 10000 }'";
my $r = run_one("$work s of silent work", {}, "--liveness-busy-ms 600s -- env CPU_S=$work $compute");
judge($r, $r->{code} == 0 && $r->{seconds} >= $work);
$r = run_one('asleep', {}, "-- sleep 300");
judge($r, $r->{code} == 124 && $r->{verdict} eq 'hung' && $r->{idle} >= 5 && $r->{idle} < 8);
$r = run_one('spinning, busy limit 15 s', {}, "--liveness-busy-ms 15s -- env CPU_S=1000 $compute");
judge($r, $r->{code} == 124 && $r->{verdict} eq 'busy' && $r->{idle} >= 15);
for my $tool (['jest', "test('first', () => {});\ntest('never ends', () => new Promise(() => {}), 400000);\n", 'jest'],
	['vitest', "import { test } from 'vitest';\ntest('first', () => {});\ntest('never ends', () => new Promise(() => {}), 400000);\n", 'vitest run']) {
	if (!-x "$node/node_modules/.bin/$tool->[0]") {
		print "# $tool->[0] is not in --node: left out\n";
		next;
	}
	$r = run_one("$tool->[0] on a pseudo-terminal", { 'a.test.js' => $tool->[1], 'package.json' => "{\"type\": \"module\"}\n" x ($tool->[0] eq 'vitest') || "{}\n" },
		"--pty always --liveness-busy-ms 120s -- node_modules/.bin/$tool->[2]");
	my ($first) = $r->{err} =~ /^spec-runner: (HUNG: .*)$/m;
	my ($place) = $r->{err} =~ /^spec-runner:   place: +(\S+)$/m;
	my $line = $tool->[0] eq 'vitest' ? 3 : 2;
	judge($r, $r->{code} == 124 && $r->{verdict} eq 'hung' && $r->{idle} >= 5 && $r->{idle} < 10 && ($first // '') =~ /\ba\.test\.js: never ends;/ &&
		($place // '') =~ /\ba\.test\.js:.*:$line$/, ($first // 'no answer') . ', ' . ($place // 'no place'));
}
exit($bad ? 1 : 0);
