#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Pages and routes of serve on a large store: makes one of RUNS runs (100,000) with RESULTS results (1,000,000), by import,
# unless DIR has it; then asks every page when a run was just recorded, and again, and prints the server's CPU time of each and
# its bytes. Usage: tests/show/serve_scale.pl DIR [RUNS [RESULTS]]. Exit 1 where a page costs more than 200 ms or 500 KB.
use strict;
use warnings;
use lib 'tests/lib';
use History;
use JSON::PP;
use File::Path qw(remove_tree);
use Serve;
use SpecRunner;
use Time::HiRes qw(clock_gettime);

$| = 1;
my ($dir, $runs, $results) = (shift // die("usage: $0 DIR [RUNS [RESULTS]]\n"), shift // 100_000, shift // 1_000_000);
my $json = JSON::PP->new->utf8->canonical;
my @workloads = map { "job-$_" } qw(unit integration lint nightly);
my @branches = ('main', 'main', 'main', map { "topic/$_" } 1 .. 20);
my $now = int time;
my @keep = qw(--keep-days 0 --keep-history-runs 0 --keep-history-bytes 0);
my $step = 100; # seconds between runs: 116 days

sub run_id { my ($i) = @_; my $id = rfc3339($now - ($runs - $i) * $step); $id =~ s/\.\d+Z$/Z/; $id =~ tr/-://d; return sprintf 'run-%s-%08x', $id, $i }

sub make_store {
	my $each = int $results / $runs;
	open my $out, '>', "$dir/import.jsonl" or die;
	print $out qq({"spec_runner_history": 1, "schema": 1}\n);
	for my $i (0 .. $runs - 1) {
		my ($id, $at) = (run_id($i), $now - ($runs - $i) * $step);
		my $hangs = $i % 50 == 7;
		my $failed = $hangs || $i % 17 == 3;
		my $branch = $branches[$i % @branches];
		my $ms = 60_000 + 500 * ($i % 13) + ($i > $runs * 0.999 ? 9_000 : 0);
		print $out '{"table":"runs","row":', $json->encode({ run_id => $id, parent_run_id => undef, repo_uri => 'https://h/r', repo_rev => sprintf('%040x', int $i / 4), repo_dirty => 0,
			workload_id => $workloads[$i % 4], device_id => 'x86_64-4-8-a4207cd0', toolchain_id => undef, status => $failed ? 'failed' : 'succeeded', created_at => rfc3339($at),
			finished_at => rfc3339($at + $ms / 1000), kind => 'run', branch => $branch, command => 'run make check', exit_code => $hangs ? 124 : $failed ? 1 : 0, ended_by => $hangs ? 'watchdog' : undef,
			duration_ms => $ms, shard => undef, ci_json => undef }), "}\n";
		print $out '{"table":"metrics","row":', $json->encode({ run_id => $id, scope => 'process', metric_name => 'run_duration_ms', value => $ms, unit => 'ms', tags_json => '{}' }), "}\n";
		print $out '{"table":"findings","row":', $json->encode({ run_id => $id, rank => 1, finding_id => sprintf('f-%016x', $i / 50 % 40), pattern_id => 'hang.lock.held', location => 'src/pool.c:take:' . ($i / 50 % 40),
			confidence => 0.8, proved => 1, summary => 'a worker waits for a lock whose holder sleeps' }), "}\n" if $hangs;
		for my $t (0 .. $each - 1) {
			my $n = $i % 4 * 500 + ($i * $each + $t) % 500;
			my $result = $hangs && $t == 0 ? 'stalled' : $failed && !$hangs && $t == 1 ? 'fail' : 'pass';
			print $out qq({"table":"v_test_results","row":{"run_id":"$id","suite":"suite$n","case_id":"test_number_$n","attempt":1,"result":"$result","duration_ms":), 10 + $n % 90, qq(,"file":"t/f$n.c","line":3}}\n);
		}
	}
	close $out;
	my $from = time;
	system(spec(), 'history', '--history', "$dir/h", 'import', "$dir/import.jsonl") == 0 or die 'import';
	printf "imported in %d s\n", time - $from;
	unlink "$dir/import.jsonl";
}

# CPU time of the whole process: its CPU clock.
sub cpu_ns { my ($pid) = @_; return 1e9 * clock_gettime(-8 * ($pid + 1) + 2) }

mkdir $dir;
make_store() unless -f "$dir/h/history.db";
my $info = history_json($dir, 'info');
print "store: $info->{runs} runs\n";
my $last = history_json($dir, 'runs', '--limit', 1000)->{runs};
my ($hung) = grep { ($_->{ended_by} // '') eq 'watchdog' } @$last;
my @of_one = grep { $_->{workload_id} eq 'job-unit' && $_->{status} eq 'succeeded' } @{ history_json($dir, 'runs', '--limit', 400)->{runs} };
my @alike = map { my $part = $_; join ',', map { $_->{run_id} } @of_one[30 * $part .. 30 * $part + 29] } 0, 1;
my $s = serve_start($dir);
my @pages = ('/', "/?before=$last->[40]{run_id}", "/ui/runs/$last->[0]{run_id}", "/ui/runs/$hung->{run_id}", '/ui/tests', '/ui/tests?state=flaky', '/ui/tests?state=stable', '/ui/tests/suite7/test_number_7',
	'/ui/hangs', '/ui/hangs/f-0000000000000007', '/ui/compare', "/ui/compare?base=$alike[0]&candidate=$alike[1]",
	'/runs', '/tests', '/hangs', '/tests/suite7/test_number_7', "/compare?base=$alike[0]&candidate=$alike[1]", "/runs/$last->[0]{run_id}/report");
my ($count, @late) = 0;
printf "%-60s %10s %10s %9s\n", 'page', 'first ms', 'again ms', 'bytes';
for my $page (@pages) {
	my @ms;
	my $r;
	for my $fresh (1, 0, 1, 0, 1, 0) {
		if ($fresh) { # a run that was just recorded: nothing kept is good any more
			my ($path) = write_trace($dir, id => sprintf('%04x%04x', $$ & 0xffff, ++$count), at => time - 5, tests => [['suite7', 'test_number_7', 'pass', 10]]);
			history($dir, 'record', '--workload', 'job-nightly', @keep, $path)->{code} eq '0' or die 'record';
			remove_tree($path =~ s{/[^/]*$}{}r);
		}
		my $from = cpu_ns($s->{pid});
		$r = http('GET', $page);
		push @{ $ms[$fresh] }, (cpu_ns($s->{pid}) - $from) / 1e6;
	}
	my ($first, $again) = map { (sort { $a <=> $b } @{ $ms[$_] })[1] } 1, 0;
	my $n = length $r->{body};
	printf "%-60s %10.1f %10.1f %9d%s\n", substr($page, 0, 60), $first, $again, $n, $r->{status} == 200 ? '' : " status $r->{status}";
	push @late, $page if $first > 200 || $n > 500_000 || $r->{status} != 200;
}
serve_stop($s);
print @late ? "beyond 200 ms or 500 KB: @late\n" : "every page: at most 200 ms of CPU and 500 KB\n";
exit(@late ? 1 : 0);
