#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# history_bisect.pl - a hang that is planted in one of 64 commits and seen in 30 % of the runs after it: how often bisect names
# the commit, with the number of runs that it takes from the history's rate; and what of the user's tree is touched when it is
# killed at any instant. Some minutes.
#
#   tests/show/history_bisect.pl [TRIALS]             TEST_SEED=N repeats one
use strict;
use warnings;
use lib 'tests/show';
use HistoryShow;
use JSON::PP;
use Time::HiRes qw(time sleep);

my $trials = shift // 20;
my $seed = $ENV{TEST_SEED} // time;
srand $seed;
my ($dir, $commits, $rate) = (scratch(), 64, 0.3);
my $stall = 2000; # a tree that waits for a processor is busy, and no hang
print "seed $seed\n\n| what | figure | bound | |\n|---|---|---|---|\n";

sub git { my ($in, @words) = @_; my ($out, $code) = out_of('git', '-C', $in, '-c', 'user.email=a@b', '-c', 'user.name=x', @words); chomp $out; return $out }

# A repository whose n-th commit brings the hang; what is asked of the dice is new in every run.
sub repository {
	my ($to, $from) = @_;
	mkdir $to;
	git($to, 'init', '-q', '.');
	for my $n (1 .. $commits) {
		put("$to/t.sh", "echo commit $n\n" . ($n >= $from ? "[ \$((\$(od -An -N2 -tu2 /dev/urandom) % 100)) -lt @{[100 * $rate]} ] && exec sleep 300\n" : '') . "exit 0\n");
		git($to, 'add', '-A');
		git($to, 'commit', '-qm', "c$n");
	}
	put("$to/t.sh", "dirty\n");
	put("$to/new", "x\n");
	return $to;
}
sub state_of {
	my ($in) = @_;
	return join "\n", git($in, 'status', '--porcelain'), git($in, 'rev-parse', 'HEAD'), git($in, 'for-each-ref'), git($in, 'stash', 'list'), git($in, 'worktree', 'list'),
		git($in, 'ls-files', '-s'), git($in, 'symbolic-ref', 'HEAD'), -e "$in/.git/BISECT_LOG" ? 'bisect' : '', get("$in/t.sh"), get("$in/new"), get("$in/.git/index");
}

# the history says the rate: of 10 runs since the first hang 3 hung
my $store = "$dir/h";
for my $n (1 .. 10) {
	my $hung = $n % 4 == 1; # 1, 5, 9
	my ($text) = quick_trace(id => sprintf('%08x', $n), at => time - 5000 + $n, status => $hung ? 'fail' : 'pass', $hung ? (total => 'stalled', exit_code => 124) : ());
	mkdir "$dir/t$n";
	put("$dir/t$n/run-trace.json", $text);
	my ($id) = $text =~ /"run_id":"([^"]*)"/;
	put("$dir/t$n/findings.json", encode_json({ version => 1, run_id => $id, findings => [{ finding_id => 'f-1111111111111111', pattern_id => 'hang.sleep', confidence => 0.9, proved => JSON::PP::true, summary => 's' }] })) if $hung;
	out_of(spec(), 'history', 'record', "$dir/t$n/run-trace.json", { env => { SPEC_RUNNER_HISTORY => $store } });
}
mkdir "$dir/tmp";
my %env = (env => { SPEC_RUNNER_HISTORY => $store, SPEC_RUNNER_HISTORY_DSN => undef, TMPDIR => "$dir/tmp" });
my ($right, $runs, $touched, $from_time) = (0, 0, 0, time);
for my $t (1 .. $trials) {
	my $first = 2 + int rand($commits - 1);
	my $repo = repository("$dir/r$t", $first);
	my $before = state_of($repo);
	my ($out, $code, $err) = out_of(spec(), 'bisect', '--good', "HEAD~" . ($commits - 1), '--bad', 'HEAD', '--runs', 'auto', '--liveness-stall-ms', $stall, '--json', '--', 'sh', 't.sh', { %env, dir => $repo });
	my $v = eval { decode_json($out) } // { subject => "exit $code: $err" };
	$right += $v->{subject} eq "c$first";
	$runs += $v->{runs} // 0;
	$touched += state_of($repo) ne $before;
	print STDERR sprintf "trial %d: c%d, said %s after %d runs (%d a commit), %.0f s\n", $t, $first, $v->{subject}, $v->{runs} // 0, $v->{runs_per_commit} // 0, time - $from_time;
	system('rm', '-rf', $repo);
}
row("a hang in 30 % of the runs, $commits commits: the right commit", "$right of $trials", '>= ' . int(0.95 * $trials), $right >= int(0.95 * $trials)) if $trials;
row('runs a search', sprintf('%.0f', $runs / $trials)) if $trials;
row("the user's tree, index, HEAD and refs touched", $touched, '0', !$touched) if $trials;

my $repo = repository("$dir/killed", 20);
my $before = state_of($repo);
my ($kills, $bad) = (30, 0);
for (1 .. $kills) {
	my $job = start_job([spec(), 'bisect', '--good', "HEAD~" . ($commits - 1), '--bad', 'HEAD', '--runs', 2, '--liveness-stall-ms', $stall, '--', 'sh', 't.sh'], %env, dir => $repo, setup => sub { setpgrp });
	sleep rand(1 + $stall / 1000);
	kill 'KILL', -$job->{pid}; # all of its group at once
	kill 'KILL', $job->{pid};
	end_job($job);
	$bad += state_of($repo) ne $before;
}
row("SIGKILL at $kills random instants: the user's tree, index, HEAD, refs touched", $bad, '0', !$bad);
finish_rows();
