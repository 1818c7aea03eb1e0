#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# history_scale.pl - a million test results: rows recorded a second of CPU, bytes a row, times of the questions that CI asks,
# memory, beside the same rows by the sqlite3 shell and by psql's COPY; and 100 MB of hitrace. Takes some minutes of CPU and
# 2 GB of disk. Exit 1 where a bound of docs/HISTORY.md is not kept.
#
#   tests/show/history_scale.pl [RUNS]        (default 500 runs of 2,000 tests)
use strict;
use warnings;
use lib 'tests/show', 'tests/lib';
use HistoryShow;
use Postgres;
use Time::HiRes qw(time);

my $runs = shift // 500;
my $tests = 2000;
my $rows = $runs * $tests;
my $dir = scratch();
srand 11;
my @mean = map { 5 * exp(1.5 * gauss()) } 1 .. $tests;
my $from = time - 86400;

sub traces {
	my (@paths);
	open my $csv, '>', "$dir/rows.csv" or die;
	for my $n (0 .. $runs - 1) {
		my @t;
		for my $k (0 .. $tests - 1) {
			my $ms = $mean[$k] * exp(0.1 * gauss());
			my $result = rand() < 0.002 ? 'fail' : 'pass';
			push @t, ["suite" . int($k / 50), "test_case_number_$k", $result, $ms];
			printf $csv "%d,%d,1,%d,%d\n", $n + 1, $k + 1, $result eq 'fail', $ms * 1000;
		}
		my ($text) = quick_trace(id => sprintf('%08x', $n), at => $from + $n * 60, rev => sprintf('%040x', $n), tests => \@t);
		push @paths, put("$dir/t$n.json", $text);
	}
	close $csv or die;
	return @paths;
}

my @paths = traces();
my %home = (env => { SPEC_RUNNER_HISTORY => "$dir/h", SPEC_RUNNER_HISTORY_DSN => undef });
print "| what | figure | bound | |\n|---|---|---|---|\n";

# --- recording, all in one call: the rate, and memory
my $r = measured([spec(), 'history', 'record', @paths], %home);
die get($r->{err}) if $r->{code};
row('1 M results recorded from traces (SQLite), rows a second of CPU', sprintf('%d', $rows / $r->{cpu}), '>= 100000', $rows / $r->{cpu} >= 100_000) if $rows;
row('its peak of memory', sprintf('%.1f MiB', $r->{rss} / 2**20), '<= 64', $r->{rss} <= 64 * 2**20) if $r->{rss};
my $bytes = -s "$dir/h/history.db";
row('bytes a row in history.db', sprintf('%.1f', $bytes / $rows), '<= 30', $bytes / $rows <= 30);
my ($n) = out_of(spec(), 'history', 'sql', 'SELECT COUNT(*) AS n FROM v_test_results', '--json', \%home);
row('rows that are there', $n =~ /"n":(\d+)/ ? $1 : '?', $rows, ($n =~ /"n":(\d+)/)[0] == $rows);

# --- the same rows by the sqlite3 shell
SQLITE: {
	last if system('command -v sqlite3 >/dev/null') != 0;
	for my $layout (['a plain table (run, test, attempt, result, us), no index', 'CREATE TABLE r (run, test, attempt, result, us)'],
		['the same with our primary key', 'CREATE TABLE r (run INTEGER, test INTEGER, attempt INTEGER, result INTEGER, us INTEGER, PRIMARY KEY (run, test, attempt)) WITHOUT ROWID']) {
		unlink "$dir/plain.db";
		put("$dir/plain.sql", "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;\n$layout->[1];\n.mode csv\n.import $dir/rows.csv r\n");
		my $p = measured(['sqlite3', "$dir/plain.db"], stdin => "$dir/plain.sql");
		row("sqlite3 .import of the same numbers: $layout->[0]", sprintf('%d rows/s of CPU, %.1f bytes a row', $rows / $p->{cpu}, (-s "$dir/plain.db") / $rows));
	}
}

# --- questions
my ($device) = (out_of(spec(), 'history', 'sql', 'SELECT device_id AS d FROM runs LIMIT 1', '--json', \%home))[0] =~ /"d":"([^"]*)"/;
put("$dir/list", join '', map { "suite" . int($_ / 50) . " test_case_number_$_\n" } 0 .. $tests - 1);
sub fastest {
	my ($words, %o) = @_;
	my @all = map { measured($words, %home, %o) } 1 .. ($words->[2] eq 'regressions' ? 1 : 5);
	die get($all[0]{err}) if $all[0]{code} > 1;
	return (map { my $k = $_; (sort { $a <=> $b } map { $_->{$k} } @all)[0] } qw(wall cpu)), $all[0]{code};
}
for my $q (['limits of 2,000 tests', 50, 'limits', '--device', $device, '--json'], ['flaky', undef, 'flaky', '--json'], ['hangs', undef, 'hangs', '--json'],
	['one test', undef, 'test', 'suite0 test_case_number_7', '--json'], ['one run of 2,000 tests', undef, 'show', 'latest', '--json'],
	['regressions of 2,000 tests', undef, 'regressions', '--json'], ['the last 50 runs', undef, 'runs', '--json']) {
	my ($what, $bound, @words) = @$q;
	my ($wall, $cpu) = fastest([spec(), 'history', @words]);
	row("history $words[0]: $what, CPU time (its process included)", sprintf('%.0f ms (wall %.0f)', 1000 * $cpu, 1000 * $wall), $bound ? "<= $bound" : '', $bound ? 1000 * $cpu <= $bound : undef);
}
my ($wall, $cpu) = fastest([spec(), 'shard', '3/16', "$dir/list", '--device', $device]);
row('shard 3/16 of 2,000 tests, CPU time (its process included)', sprintf('%.0f ms (wall %.0f)', 1000 * $cpu, 1000 * $wall), '<= 50', 1000 * $cpu <= 50);

# --- what a recording adds to `run`: in turn, so that what else the machine does falls on both; CPU time, for the same reason
for my $n (50, 2000) {
	put("$dir/t.tap", "TAP version 13\n1..$n\n" . join '', map { "ok $_ - t$_\n" } 1 .. $n);
	my (%with, %without);
	for (1 .. 15) {
		for my $of ([\%without, undef], [\%with, "$dir/h"]) {
			my $r = measured([spec(), 'run', '--profile-level', 'basic', '--', 'cat', "$dir/t.tap"], dir => $dir, env => { SPEC_RUNNER_HISTORY => $of->[1] });
			push @{ $of->[0]{$_} }, $r->{$_} for qw(cpu wall);
		}
	}
	my ($cpu, $wall) = map { 1000 * (median(@{ $with{$_} }) - median(@{ $without{$_} })) } qw(cpu wall);
	row("a recording adds to `run` of $n tests: CPU time (median of 15 pairs)", sprintf('%.0f ms', $cpu), '<= 30', $cpu <= 30);
	my ($fast, $slow) = map { (sort { $a <=> $b } @$_)[0] } $with{wall}, $without{wall};
	row('and of wall time, by the fastest of each', sprintf('%.1f ms (median %.1f)', 1000 * ($fast - $slow), $wall));
}

# --- PostgreSQL
PG: {
	my $port = postgres_start() or last;
	my ($psql) = (reverse sort glob '/usr/lib/postgresql/*/bin/psql');
	my @psql = ($psql, '-qAtX', '-h', '127.0.0.1', '-p', $port, '-U', 'postgres');
	out_of(@psql, '-c', 'CREATE DATABASE h');
	my %pg = (env => { SPEC_RUNNER_HISTORY => "$dir/pg", SPEC_RUNNER_HISTORY_DSN => "host=127.0.0.1 port=$port user=postgres dbname=h" });
	my $p = measured([spec(), 'history', 'record', @paths], %pg);
	die get($p->{err}) if $p->{code};
	row('the same into PostgreSQL, rows a second of our CPU', sprintf('%d', $rows / $p->{cpu}), '>= 100000', $rows / $p->{cpu} >= 100_000);
	row('and of wall time, the server working beside us', sprintf('%d rows/s', $rows / $p->{wall}));
	my $size = (out_of(@psql, '-d', 'h', '-c', "SELECT pg_total_relation_size('results')"))[0];
	row('bytes a row of results with its index in PostgreSQL', sprintf('%.1f', $size / $rows));
	out_of(@psql, '-d', 'h', '-c', 'CREATE TABLE plain (run BIGINT, test BIGINT, attempt BIGINT, result BIGINT, us BIGINT, PRIMARY KEY (run, test, attempt))');
	my $c = measured([@psql, '-d', 'h', '-c', "\\copy plain FROM '$dir/rows.csv' CSV"]);
	row('psql \copy of the same numbers', sprintf('%d rows/s of its CPU, %d of wall time', $rows / ($c->{cpu} || 0.01), $rows / $c->{wall}));
	for my $words (['history', 'limits', '--device', $device, '--json'], ['shard', '3/16', "$dir/list", '--device', $device], ['history', 'flaky', '--json']) {
		my @all = sort { $a <=> $b } map { measured([spec(), @$words], %pg)->{wall} } 1 .. 5;
		row("$words->[0] $words->[1] by PostgreSQL", sprintf('%.1f ms', 1000 * $all[0]), '', undef);
	}
	postgres_stop();
}
unlink @paths;

# --- 100 MB of hitrace
my $trace = "$dir/trace.txt";
open my $out, '>', $trace or die;
print $out "# tracer: nop\n#\n";
my ($t, @on) = (1_000_000_000, (0) x 8);
while (tell($out) < 100e6) {
	my ($cpu, $pid) = (int rand 8, 100 + int rand 900);
	$t += 1 + int rand 8;
	my $at = sprintf '%d.%06d', $t / 1e6, $t % 1_000_000;
	printf $out "     Binder:%d_4-%-7d (%5d) [%03d] d..5 %s: sched_waking: comm=RenderThread pid=%d prio=120 target_cpu=%03d\n", $pid, $pid, $pid, $cpu, $at, $pid, $cpu;
	printf $out "     Binder:%d_4-%-7d (%5d) [%03d] d..5 %s: sched_wakeup: comm=RenderThread pid=%d prio=120 target_cpu=%03d\n", $pid, $pid, $pid, $cpu, $at, $pid, $cpu;
	printf $out "          <idle>-0       (-----) [%03d] d..3 %s: sched_switch: prev_comm=RenderThread prev_pid=%d prev_prio=120 prev_state=S ==> next_comm=RenderThread next_pid=%d next_prio=120\n",
		$cpu, $at, $on[$cpu], $pid;
	$on[$cpu] = $pid;
	printf $out "     Binder:%d_4-%-7d (%5d) [%03d] .... %s: tracing_mark_write: B|%d|H:DoFrame %d\n", $pid, $pid, $pid, $cpu, $at, $pid, $t if rand() < 0.5;
}
close $out or die;
my $h = measured([spec(), 'ingest', 'artifacts', '--path', $trace], %home);
die get($h->{err}) if $h->{code};
my $mb = (-s $trace) / 1e6;
row(sprintf('%.0f MB of hitrace', $mb), sprintf('%.1f MB a second of CPU', $mb / $h->{cpu}), '>= 50', $mb / $h->{cpu} >= 50);
row('its CPU time', sprintf('%.2f s', $h->{cpu}), '<= 2', $h->{cpu} <= 2);
row('its peak of memory', sprintf('%.1f MiB', $h->{rss} / 2**20), '<= 64', $h->{rss} <= 64 * 2**20) if $h->{rss};
finish_rows();
