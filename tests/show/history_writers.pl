#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# history_writers.pl - twenty writers at once on one store, a folder and a PostgreSQL server of our own: 1,000 runs of 50
# tests, nothing lost, nobody told of a lock, how fair the queue is; then SIGKILL at 300 random instants of writers: every
# acknowledged run is there whole, and no part of another. Exit 1 where a bound is not kept.
#
#   tests/show/history_writers.pl [sqlite|postgres]...        TEST_SEED=N repeats one
use strict;
use warnings;
use lib 'tests/show', 'tests/lib';
use HistoryShow;
use IO::Select;
use JSON::PP;
use Postgres;
use POSIX ();
use Time::HiRes qw(time sleep);

my ($writers, $each, $tests, $kills) = (20, 50, 50, $ENV{KILLS} // 300);
my $seed = $ENV{TEST_SEED} // time;
srand $seed;
my $dir = scratch();
my $made = 0;

# n sealed traces of a time that goes on: paths by run_id.
sub traces {
	my ($n) = @_;
	my %path;
	for (1 .. $n) {
		my ($text, $id) = quick_trace(id => sprintf('%08x', ++$made), at => 1_790_000_000 + $made,
			tests => [map { ['s', "t$_", rand() < 0.1 ? 'fail' : 'pass', 1 + rand 9] } 1 .. $tests]);
		$path{$id} = put("$dir/$id.json", $text);
	}
	return \%path;
}

# A writer that begins when the gate closes; what it says comes through a pipe, with the time at which we read it.
sub start_writer {
	my ($env, $gate, @paths) = @_;
	pipe my $read, my $write or die;
	my $err = "$dir/err-" . ++$made;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		close $read;
		if ($gate) { close $gate->[1]; sysread $gate->[0], my $nothing, 1 }
		$ENV{$_} = $env->{$_} for keys %$env;
		open STDOUT, '>&', $write or POSIX::_exit(126);
		open STDERR, '>', $err or POSIX::_exit(126);
		{ no warnings; exec { spec() } spec(), 'history', 'record', @paths; }
		POSIX::_exit(127);
	}
	close $write;
	return { pid => $pid, from => $read, err => $err, acks => [], paths => \@paths, rest => '' };
}

# Reads for at most so many seconds; writers at their end are reaped and returned.
sub listen_to {
	my ($select, $by, $seconds) = @_;
	my @ended;
	for my $fh ($select->can_read($seconds)) {
		my $w = $by->{ fileno $fh };
		my $n = sysread $fh, my $text, 65536;
		my $now = time;
		if ($n) {
			$w->{rest} .= $text;
			push @{ $w->{acks} }, [$1, $now] while $w->{rest} =~ s/\Arecorded (\S+)\n//;
			next;
		}
		$select->remove($fh);
		delete $by->{ fileno $fh };
		close $fh;
		waitpid $w->{pid}, 0;
		$w->{status} = $?;
		push @ended, $w;
	}
	return @ended;
}

sub rows_of {
	my ($env, $sql) = @_;
	my @all;
	for (my $from = 0; ; $from += 10_000) {
		my ($out, $code, $err) = out_of(spec(), 'history', 'sql', "$sql LIMIT 10000 OFFSET $from", '--json', { env => $env });
		die $err if $code;
		my $rows = decode_json($out)->{rows};
		push @all, @$rows;
		return @all if @$rows < 10_000;
	}
}

# What is in the store of each run: tests, metrics, artifacts.
sub there {
	my ($env) = @_;
	my %run = map { $_->{run_id} => { status => $_->{status}, tests => 0, metrics => 0, artifacts => 0 } } rows_of($env, 'SELECT run_id, status FROM runs ORDER BY run_id');
	for my $of (['tests', 'v_test_results'], ['metrics', 'metrics'], ['artifacts', 'artifacts']) {
		for my $row (rows_of($env, "SELECT run_id, COUNT(*) AS n FROM $of->[1] GROUP BY run_id ORDER BY run_id")) {
			$run{ $row->{run_id} }{ $of->[0] } = $row->{n};
		}
	}
	return \%run;
}

sub is_whole { my ($r) = @_; return ($r->{status} // '') eq 'succeeded' && $r->{tests} == $tests && $r->{metrics} == 5 && $r->{artifacts} == 1 }

# ---- nothing lost, and fairness ----

sub all_at_once {
	my ($name, $env) = @_;
	my $path = traces($writers * $each);
	my @ids = sort keys %$path;
	pipe my $gate_read, my $gate_write or die;
	my ($select, %by, @w) = (IO::Select->new);
	for my $n (0 .. $writers - 1) {
		my $w = start_writer($env, [$gate_read, $gate_write], map { $path->{ $ids[$_ * $writers + $n] } } 0 .. $each - 1);
		push @w, $w;
		$select->add($w->{from});
		$by{ fileno $w->{from} } = $w;
	}
	close $gate_read;
	sleep 0.2;
	my $from = time;
	close $gate_write;
	listen_to($select, \%by, 5) while $select->count;
	my $whole = time - $from;
	my %acknowledged = map { map { $_->[0] => 1 } @{ $_->{acks} } } @w;
	my $there = there($env);
	my @lost = grep { !$acknowledged{$_} || !is_whole($there->{$_} // {}) } @ids;
	row("$name: $writers writers at once, " . @ids . " runs of $tests tests: lost", scalar @lost, '0', !@lost);
	my @said = grep { length } map { get($_->{err}) } @w;
	row("$name: writers that were told anything", scalar @said, '0', !@said);
	print STDERR @said;
	# while all of them write, a turn comes once in $writers: its fair share of waiting is that many recordings
	my $last = (sort { $a <=> $b } map { $_->{acks}[-1] ? $_->{acks}[-1][1] : $from } @w)[0];
	my $fair = ($last - $from) / ((grep { $_->[1] <= $last } map { @{ $_->{acks} } } @w) || 1) * $writers;
	my (@waits, @means, @starts);
	for my $w (@w) {
		my ($before, @own) = ($from);
		for my $ack (grep { $_->[1] <= $last } @{ $w->{acks} }) { push @own, $ack->[1] - $before; $before = $ack->[1] }
		push @starts, shift @own; # its process, its connection, the first tables
		push @waits, @own;
		push @means, eval { my $s = 0; $s += $_ for @own; $s / @own };
	}
	my @ends = sort { $a <=> $b } map { $_->{acks}[-1][1] - $from } @w;
	my ($worst) = sort { $b <=> $a } @waits;
	my ($mean) = sort { $b <=> $a } grep { defined } @means;
	row("$name: in all", sprintf('%.2f s, %d rows/s of wall time; first writer done after %.2f s, last %.2f s', $whole, @ids * $tests / $whole, @ends[0, -1]));
	row("$name: the writer that waited longest on average, in fair shares (one is " . sprintf('%.1f ms)', $fair * 1000), sprintf('%.2f', $mean / $fair), '<= 3', $mean / $fair <= 3);
	row("$name: the longest single wait, in fair shares", sprintf('%.2f', $worst / $fair), '<= 3', $worst / $fair <= 3);
	row("$name: from the start of all to a writer's first run, in fair shares", sprintf('%.2f at most', (sort { $b <=> $a } @starts)[0] / $fair));
	row("$name: 99 % of the waits, in fair shares, at most", sprintf('%.2f', quantile(0.99, @waits) / $fair));
}

# ---- SIGKILL ----

sub killed {
	my ($name, $env) = @_;
	my ($done, $in_time, %acknowledged, @said, %tried) = (0, 0);
	my ($select, %by) = (IO::Select->new);
	my $start = sub {
		my (@paths) = @_;
		my $w = start_writer($env, undef, @paths);
		$w->{from_time} = time;
		$select->add($w->{from});
		$by{ fileno $w->{from} } = $w;
	};
	my $fresh = sub { my $t = traces($each); $tried{$_} = $t->{$_} for keys %$t; return map { $t->{$_} } sort keys %$t };
	my $take = sub {
		my ($w) = @_;
		$acknowledged{ $_->[0] } = 1 for @{ $w->{acks} };
		my $err = get($w->{err});
		push @said, $err if length $err;
		push @said, "ended by itself with status $w->{status}\n" if $w->{status} && $w->{status} != 9;
		# what was not acknowledged is given to the next one
		my @left = grep { my ($id) = m{(run-[^/]*)\.json\z}; !$acknowledged{$id} } @{ $w->{paths} };
		unlink grep { my ($id) = m{(run-[^/]*)\.json\z}; $acknowledged{$id} } @{ $w->{paths} };
		return @left;
	};
	$start->($fresh->()) for 1 .. $writers;
	while ($done < $kills) {
		my $until = time + rand 0.03;
		while ((my $left = $until - time) > 0) {
			for my $w (listen_to($select, \%by, $left)) { $start->($take->($w), $fresh->()) }
		}
		my @alive = values %by;
		my $w = $alive[rand @alive];
		$done += kill 'KILL', $w->{pid};
		until (defined $w->{status}) {
			for my $x (listen_to($select, \%by, 1)) { $in_time++ if $x == $w && $x->{status} == 9; my @left = $take->($x); $start->(@left ? @left : $fresh->()) }
		}
	}
	kill 'KILL', map { $_->{pid} } values %by; # all at one instant
	while ($select->count) { $take->($_) for listen_to($select, \%by, 5) }
	my $there = there($env);
	my @lost = grep { !is_whole($there->{$_} // {}) } keys %acknowledged;
	my @part = grep { !is_whole($there->{$_}) } keys %$there;
	row("$name: SIGKILL at $done random instants ($in_time hit a living writer), and $writers at once at the end: acknowledged runs that are not there whole",
		@lost . ' of ' . keys %acknowledged, '0', !@lost);
	row("$name: runs of which a part is there", @part . ' of ' . keys %$there, '0', !@part);
	row("$name: writers that were told anything", scalar @said, '0', !@said);
	print STDERR @said;
	my ($out, $code, $err) = out_of(spec(), 'history', 'verify', { env => $env });
	# files without a row are what a killed writer had stored before its transaction: gc takes them after an hour
	my @faults = grep { !/: no row names it$/ } grep { length && $_ ne 'ok' } split /\n/, $out;
	row("$name: faults by verify, but for files of killed writers that gc takes", scalar @faults, '0', !@faults && !length $err);
	print STDERR "$_\n" for @faults;
	unlink values %tried;
}

print "seed $seed\n\n| what | figure | bound | |\n|---|---|---|---|\n";
for my $kind (@ARGV ? @ARGV : qw(sqlite postgres)) {
	my $env = { SPEC_RUNNER_HISTORY => "$dir/$kind", SPEC_RUNNER_HISTORY_DSN => '' };
	if ($kind eq 'postgres') {
		my $port = postgres_start();
		if (!$port) { row('PostgreSQL', 'no server can be started here (package postgresql)'); next }
		$env->{SPEC_RUNNER_HISTORY_DSN} = "host=127.0.0.1 port=$port user=postgres dbname=postgres";
	}
	all_at_once($kind, $env);
	killed($kind, $env);
	postgres_stop() if $kind eq 'postgres';
}
finish_rows();
