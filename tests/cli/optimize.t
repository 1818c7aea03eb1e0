#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# optimize: a dry run with canned results, what is refused before anything is begun, and a loop with a real program: what is
# kept, what is refused with which reason, and that nothing of the user's changes.
use strict;
use warnings;
use lib 'tests/lib';
use Cwd qw(getcwd);
use JSON::PP;
use OptimizeLoop;
use SpecRunner;
use Test::More;

# Of a process that lets nobody read its memory, or without /proc, the sanitizer can look for no leaks.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0' if $ENV{TEST_SANITIZED};

my $schema = getcwd() . '/schemas/optimize_result_v1.yaml';
-x '.artifacts/libexec/spec-runner-optimize' || $ENV{SPEC_RUNNER_ALL} or plan skip_all => 'optimize is not part of this build';
my $slow = slow_factor();
my $json = JSON::PP->new;

sub result_of { my ($r) = @_; return $json->decode($r->{out}) }
sub loop_dir { my ($dir, $id) = @_; return "$dir/.artifacts/optimize/$id" }

sub holds_schema {
	my ($file) = @_;
	my $dir = new_dir();
	write_file("$dir/result.json", read_file($file));
	write_file("$dir/check.spec.yaml", "version: 1\nsuite: s\ncases:\n  - {id: X, harness: {type: data.validate, paths: [result.json], schema: $schema}}\n");
	is(run_spec(['test', 'check.spec.yaml'], dir => $dir)->{code}, 0, 'result.json holds its schema');
}

sub dry_project {
	my (%mean) = @_;
	my $dir = new_dir();
	git($dir, 'init', '-q', '.');
	write_file("$dir/a.txt", "a\nb\nc\n");
	mkdir "$dir/src";
	write_file("$dir/src/a.c", join '', map { "line $_\n" } 1 .. 30);
	git($dir, 'add', '.');
	git($dir, 'commit', '-qm', 'one');
	mkdir "$dir/$_" for qw(dummy cand);
	for my $n (sort keys %mean) {
		mkdir "$dir/dummy/$n";
		write_file("$dir/dummy/$n/workload.json", $json->encode({ metrics => { wall_ms => [map { $mean{$n} + $_ / 10 } 1 .. 10] } }));
		write_file("$dir/dummy/$n/test.json", $json->encode({ success => JSON::PP::true, tests => { t1 => 'pass', t2 => 'pass' } }));
	}
	write_file("$dir/dummy/0/profile.folded", "main;work;inner 70\nmain;other 30\n");
	write_file("$dir/adapters.yaml", "version: 1\nadapters:\n" . join '', map { "  $_: {kind: dummy, dir: dummy}\n" } qw(build test workload profiler));
	return $dir;
}

subtest 'a dry run of three candidates' => sub {
	my $dir = dry_project(0 => 100, 1 => 100, 2 => 80, 3 => 130);
	write_file("$dir/cand/$_.diff", edit($_)) for 1 .. 3;
	my $before = fingerprint($dir);
	my $r = run_spec([qw(optimize --adapters adapters.yaml --candidates cand --dry-run --json)], dir => $dir);
	is($r->{code}, 0, 'exit 0: a best was found and confirmed') or diag $r->{err};
	my $v = result_of($r);
	is_deeply([map { $_->{verdict} } @{ $v->{results} }], ['unchanged', 'improved', 'regressed'], 'each has its verdict');
	is_deeply([map { $_->{perf_improved} ? 1 : 0 } @{ $v->{results} }], [0, 1, 0], 'one is better');
	is($v->{best_run_id}, $v->{results}[1]{run_id}, 'and is the best');
	is($v->{stop_reason}, 'candidates_exhausted', 'why it stopped');
	ok($v->{confirmed} && abs($v->{change} + 0.2) < 0.01, 'confirmed, with its change');
	is(fingerprint($dir), $before, 'nothing of the user changed');
	my $loop = loop_dir($dir, $v->{run_id});
	holds_schema("$loop/result.json");
	is(read_file("$loop/result.json"), $r->{out}, '--json prints it');
	like(read_file("$loop/best.patch"), qr/^\+LINE 6$/m, 'best.patch has the best');
	is(system("cd '$dir' && git apply --check '$loop/best.patch'"), 0, 'and applies to the baseline');
	like(read_file("$loop/report.md"), qr/## $_/, "report.md: $_") for 'Summary', 'KPIs', 'Hotspots', 'Patch', 'Trace evidence', 'Risk and rollback';
	my $page = read_file("$loop/report.html");
	like($page, qr{<svg.*<circle}s, 'report.html has a chart');
	unlike($page, qr{<script|https?://}, 'no script, and nothing from elsewhere');
	my %seen;
	for my $line (split /\n/, read_file("$loop/loop.jsonl")) {
		my $l = $json->decode($line);
		$seen{"$l->{iteration} $l->{node_name}"}{ $l->{event} eq 'enter' ? 'enter' : 'end' }++;
	}
	is_deeply([grep { $seen{$_}{enter} != 1 || $seen{$_}{end} != 1 } sort keys %seen], [], 'loop.jsonl: one enter and one end of each');
	is(scalar(keys %seen), 6 + 3 * 8 + 2, 'and of every node');
	ok(!-e "$loop/work" && !-e "$loop/repo.git", 'work trees are gone');
	my $q = sub { my $x = run_spec(['history', 'sql', @_, '--json', '--history', 'on'], dir => $dir); return $json->decode($x->{out})->{rows} };
	my $rows = run_spec(['history', 'sql', "SELECT COUNT(*) AS n, SUM(perf_improved) AS m FROM evaluations", '--history', 'on'], dir => $dir);
	like($rows->{out}, qr/\b3\b.*\b1\b/s, '3 evaluations, 1 improved');
	$rows = run_spec(['history', 'sql', "SELECT apply_status FROM patches WHERE run_id = '$v->{run_id}'", '--history', 'on'], dir => $dir);
	is(() = $rows->{out} =~ /applied/g, 3, '3 patches of the loop');
	my $x = run_spec([qw(optimize export -)], dir => $dir);
	my @lines = split /\n/, $x->{out};
	is(scalar @lines, 1, 'export: one line, of the best');
	my $line = $json->decode($lines[0]);
	is_deeply([@$line{qw(version iteration verdict)}], [1, 2, 'improved'], 'with its verdict');
	like($line->{diff}, qr/LINE 6/, 'and its diff');
	is(scalar(split /\n/, run_spec([qw(optimize export --all -)], dir => $dir)->{out}), 3, 'export --all: every one');
	is(run_spec([qw(optimize export -)], dir => $dir)->{out}, $x->{out}, 'the same store gives the same bytes');
	is(run_spec(['optimize', 'status', 'latest'], dir => $dir)->{out}, $r->{out}, 'status tells the result');
};

subtest 'the static graph of the baseline' => sub {
	plan skip_all => 'audit is not part of this build' unless -x '.artifacts/libexec/spec-runner-audit';
	my $dir = dry_project(0 => 100);
	write_file("$dir/src/app.py", "def inner():\n\treturn 1\n\n\ndef work():\n\treturn inner()\n");
	git($dir, 'add', '.');
	git($dir, 'commit', '-qm', 'two');
	write_file("$dir/src/app.py", "def later():\n\treturn 1\n\n\n" . read_file("$dir/src/app.py")); # not committed: no part of the baseline
	write_file("$dir/cand/1.diff", edit(1));
	my $v = result_of(run_spec([qw(optimize --adapters adapters.yaml --candidates cand --dry-run --json)], dir => $dir));
	my ($leave) = grep { $_->{node_name} eq 'static_analysis_psg' && $_->{event} ne 'enter' } map { $json->decode($_) } split /\n/, read_file(loop_dir($dir, $v->{run_id}) . '/loop.jsonl');
	is($leave->{event}, 'leave', 'node 3 is done') or diag $leave->{reason};
	my $sql = sub { my $x = run_spec(['history', 'sql', @_, '--history', 'on', '--json'], dir => $dir); return [map { $_->{v} } @{ $json->decode($x->{out})->{rows} }] };
	is_deeply($sql->("SELECT run_id AS v FROM graphs WHERE kind = 'PSG'"), [$v->{run_id}], 'its graph is the loop\'s');
	is_deeply($sql->("SELECT file_path || ':' || line_start || '-' || line_end AS v FROM hotspots WHERE run_id = '$v->{baseline_run_id}' AND symbol = 'inner'"), ['src/app.py:1-2'],
		'hotspots have the lines of the commit');
	my $pack = $json->decode(read_file(loop_dir($dir, $v->{run_id}) . '/pack.json'));
	my ($item) = grep { $_->{hotspot}{symbol} eq 'inner' } @{ $pack->{items} };
	like(join(' ', @{ $item->{psg}{callers} }), qr/work$/, 'the evidence pack knows who calls it');
};

subtest 'what is refused, before anything is begun' => sub {
	my $dir = dry_project(0 => 100);
	my $wrong = sub {
		my ($what, $yaml, $like, @args) = @_;
		write_file("$dir/x.yaml", $yaml);
		my $r = run_spec(['optimize', '--adapters', 'x.yaml', @args], dir => $dir);
		is($r->{code}, 2, "$what: exit 2");
		like($r->{err}, $like, "$what: says why");
	};
	my $good = read_file("$dir/adapters.yaml");
	write_file("$dir/cand/1.diff", edit(1));
	my @c = ('--candidates', 'cand');
	$wrong->('an unknown key', "version: 1\nadapters:\n  tests: {kind: dummy, dir: d}\n", qr/x\.yaml:3:\d+: /, @c);
	$wrong->('no test adapter', "version: 1\nadapters:\n  workload: {kind: dummy, dir: d}\n", qr/adapters\.test/, @c);
	$wrong->('two primaries', "version: 1\nadapters:\n  test: {kind: dummy, dir: d}\n  workload: {kind: command, argv: [x], metrics: [{name: wall_ms, better: lower, primary: true}, {name: cpu_ms, better: lower, primary: true}]}\n", qr/exactly one metric is primary/, @c);
	$wrong->('an unknown kind', "version: 1\nadapters:\n  test: {kind: magic}\n", qr/kind/, @c);
	$wrong->('a dry run with a command', "version: 1\nadapters:\n  test: {kind: command, argv: [x]}\n  workload: {kind: dummy, dir: d}\n", qr/dry run/, @c, '--dry-run');
	$wrong->('a folder without candidates', $good, qr/no file \*\.diff/, '--candidates', 'dummy');
	$wrong->('nobody who proposes', $good, qr/--candidates/);
	$wrong->('no store', $good, qr/--history/, @c, '--history', 'off');
	$wrong->('a bad number', "${good}optimize: {alpha: 7}\n", qr/alpha/, @c);
	$wrong->('a loop that is not there', $good, qr/no loop/, '--resume', 'run-x');
	my $outside = new_dir();
	write_file("$outside/x.yaml", $good);
	is(run_spec(['optimize', '--adapters', 'x.yaml', '--candidates', "$dir/cand"], dir => $outside)->{code}, 2, 'outside of a repository: exit 2');
	ok(!-e "$dir/.artifacts/optimize" || !glob("$dir/.artifacts/optimize/*"), 'no loop was begun');
};

# A program that sums slowly, a test of it, and a benchmark whose CPU time is what counts.
sub real_project {
	my $dir = new_dir();
	git($dir, 'init', '-q', '.');
	mkdir "$dir/$_" for qw(src tests cand);
	write_file("$dir/src/work.c", <<'C');
#include <stdio.h>
#include <stdlib.h>
static unsigned long sum(unsigned n)
{
	unsigned long s = 0;
	for (unsigned i = 0; i < n; i++)
		for (volatile int k = 0; k < 20; k++)
			s += i & 1;
	return s;
}
int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000;
	printf("sum=%lu\n", sum(n));
	printf("ops=%u\n", n);
	return 0;
}
C
	write_file("$dir/Makefile", "prog: src/work.c\n\tcc -O1 -o prog src/work.c\n");
	write_file("$dir/.gitignore", "prog\n");
	write_file("$dir/tests/run.sh", <<'SH', 0755);
#!/bin/sh
f=0
echo 1..2
[ "$(./prog 10 | head -1)" = "sum=100" ] && echo "ok 1 - ten" || { echo "not ok 1 - ten"; f=1; }
[ "$(./prog 11 | head -1)" = "sum=100" ] && echo "ok 2 - eleven" || { echo "not ok 2 - eleven"; f=1; }
exit $f
SH
	git($dir, 'add', '.');
	git($dir, 'commit', '-qm', 'one');
	write_file("$dir/adapters.yaml", <<"YAML");
version: 1
adapters:
  build: {kind: command, argv: [make], timeout_ms: @{[60000 * $slow]}}
  test: {kind: command, argv: [./tests/run.sh], timeout_ms: @{[3000 * $slow]}}
  workload: {kind: command, argv: [./prog, 3000000], samples: 7, warmup: 0, timeout_ms: 60000, metrics: [{name: cpu_ms, better: lower, primary: true}, {name: ops, better: higher, stdout: 'ops=([0-9.]+)', guard: true}]}
optimize: {patience: 9}
YAML
	return $dir;
}

sub inner { my ($k, $sum) = @_; return diff_of('src/work.c', '@@ -6,4 +6,4 @@', " \tfor (unsigned i = 0; i < n; i++)", "-\t\tfor (volatile int k = 0; k < 20; k++)", "-\t\t\ts += i & 1;", "+\t\tfor (volatile int k = 0; k < $k; k++)", "+\t\t\ts += $sum;", " \treturn s;") }

subtest 'a real program' => sub {
	my $dir = real_project();
	write_file("$dir/cand/1-wrong.diff", inner(5, 'i & 1'));
	write_file("$dir/cand/2-good.diff", inner(5, '4 * (i & 1)'));
	write_file("$dir/cand/3-tests.diff", diff_of('tests/run.sh', '@@ -1,3 +1,3 @@', ' #!/bin/sh', '-f=0', '+exit 0', ' echo 1..2'));
	write_file("$dir/cand/4-escape.diff", diff_of('../x', '@@ -1 +1 @@', '-a', '+b'));
	write_file("$dir/cand/5-evil.diff", diff_of('src/work.c', '@@ -12,2 +12,3 @@', ' {', "+\tsystem(\"echo pwned > $dir/pwned; (sleep 0.1; echo late > $dir/pwned) & echo x > /tmp/spec-runner-pwned-$$\"); for (volatile long z = 0; argc > 1 && z < 30000000; z++);", " \tunsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000;"));
	write_file("$dir/cand/6-hang.diff", diff_of('src/work.c', '@@ -13,2 +13,3 @@', "+\tfor (volatile int k = 0; argc > 1 && argv[1][1] == '1';) k = 1;", " \tunsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000;", " \tprintf(\"sum=%lu\\n\", sum(n));"));
	my $before = fingerprint($dir);
	my $r = run_spec([qw(optimize --adapters adapters.yaml --candidates cand --json --branch better)], dir => $dir, timeout => 120);
	is($r->{code}, 0, 'exit 0') or diag $r->{err};
	my $v = result_of($r);
	my @got = map { join ' ', map { $_ // '-' } @$_{qw(apply_status reason verdict)} } @{ $v->{results} };
	is($got[0], 'applied test.failed -', 'a wrong one is not correct');
	is($got[1], 'applied - improved', 'a good one is better');
	is($got[2], 'rejected path.not_allowed -', 'tests are out of reach');
	is($got[3], 'rejected path.escape -', 'so is what is outside');
	like($got[4], qr/^applied/, 'one that writes elsewhere is built and tested');
	is($got[5], 'applied test.hung -', 'one that hangs is told so');
	is($v->{best_run_id}, $v->{results}[1]{run_id}, 'the good one is the best');
	like($v->{sandbox}{writes}, qr/^(landlock abi \d+|none)$/, 'the sandbox is told');
	SKIP: {
		skip 'this kernel has no Landlock', 2 if $v->{sandbox}{writes} eq 'none';
		ok(!-e "$dir/pwned", 'nothing was written into the user\'s folder');
		ok(!-e "/tmp/spec-runner-pwned-$$", 'nor into /tmp');
	}
	unlink "/tmp/spec-runner-pwned-$$", "$dir/pwned";
	like(`git -C '$dir' log --format=%s better`, qr/candidate of optimize/, '--branch has the best');
	git($dir, 'branch', '-qD', 'better');
	my $rows = run_spec(['history', 'sql', "SELECT pattern_id FROM findings WHERE run_id = '$v->{results}[5]{run_id}' ORDER BY rank", '--history', 'on'], dir => $dir);
	like($rows->{out}, qr/hang\./, 'the hang is a finding of the candidate');
	$rows = run_spec(['history', 'sql', "SELECT case_id, result FROM v_test_results WHERE run_id = '$v->{results}[0]{run_id}'", '--history', 'on'], dir => $dir);
	like($rows->{out}, qr/ten.*pass|ten.*fail/, 'tests of a candidate are in the store');
	my $after = fingerprint($dir);
	s/[^\n]*\.git\/(objects|logs|refs|packed-refs)[^\n]*\n//g for $before, $after; # the branch that was asked for
	my %was = map { $_ => 1 } split /\n/, $before;
	my %now = map { $_ => 1 } split /\n/, $after;
	is_deeply([(grep { !$now{$_} } sort keys %was), grep { !$was{$_} } sort keys %now], [], 'work tree, index, HEAD, configuration and hooks are the same');
};

done_testing();
