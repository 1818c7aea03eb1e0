# SPDX-License-Identifier: Apache-2.0
# HistoryShow.pm - what the scripts that measure the history share: traces written quickly, processes with their CPU time
# and peak of memory, and rows of a table that say whether a bound was kept.
package HistoryShow;
use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter 'import';
use File::Temp qw(tempdir);
use POSIX qw(strftime WNOHANG);
use Time::HiRes qw(time sleep);

our @EXPORT = qw(spec scratch put get gauss median quantile quick_trace measured start_job end_job out_of row finish_rows);

my $spec = abs_path($ENV{SPEC_RUNNER} // './spec-runner') // die "no ./spec-runner: make\n";
my ($beyond, $dir, $jobs) = (0);

sub spec { return $spec }

# A folder that goes with the script.
sub scratch { return $dir //= tempdir('spec-runner-show.XXXXXX', DIR => $ENV{TMPDIR} // '/tmp', CLEANUP => 1) }

sub put { my ($path, $text) = @_; open my $f, '>:raw', $path or die "$path: $!\n"; print $f $text; close $f or die "$path: $!\n"; return $path }
sub get { my ($path) = @_; open my $f, '<:raw', $path or return ''; local $/; return scalar(<$f>) // '' }
sub gauss { return sqrt(-2 * log(1 - rand)) * cos(6.283185307179586 * rand) }

sub quantile {
	my ($q, @v) = @_;
	@v = sort { $a <=> $b } @v or return;
	my $at = $q * $#v;
	my $i = int $at;
	return $i < $#v ? $v[$i] + ($at - $i) * ($v[$i + 1] - $v[$i]) : $v[-1];
}
sub median { return quantile(0.5, @_) }

sub stamp { my ($s) = @_; return strftime('%Y-%m-%dT%H:%M:%S', gmtime int $s) . sprintf '.%03dZ', ($s - int $s) * 1000 }

# A sealed trace as text, and its run_id. o: id (8 hex), at, status, exit_code, argv0, rev, branch, dirty, extra (metrics of the
# head), tests => [[suite, case, result, ms]]. Written with sprintf: a million rows take a minute, not an hour.
sub quick_trace {
	my (%o) = @_;
	my $run_id = 'run-' . strftime('%Y%m%dT%H%M%SZ', gmtime int $o{at}) . "-$o{id}";
	my $status = $o{status} // 'pass';
	my $total = $o{total} // ($status eq 'pass' ? 'ok' : 'error');
	my ($at, $n, @spans) = (1_000_000, 4);
	for my $t (@{ $o{tests} // [] }) {
		my ($suite, $case, $result, $ms) = @$t;
		my $to = $at + int($ms * 1e6);
		my $ended = $result =~ /^(?:timeout|stalled|cancelled)$/;
		push @spans, sprintf('{"span_id":"%016x","parent_span_id":"0000000000000004","kind":"case","name":"case.run","phase":"x","start_ns":%d,"end_ns":%d,'
			. '"duration_ms":%.3f,"status":"%s","attrs":{"dialect":"tap","suite":"%s","case_id":"%s","result":"%s"},"error":null}', ++$n, $at, $to, $ms,
			$ended ? $result : $result =~ /^(?:pass|skip)$/ ? 'ok' : 'error', $suite, $case, $ended ? 'unfinished' : $result);
		$at = $to;
	}
	my $end = $at + 1_000_000;
	my $ms = $end / 1e6;
	my @name = (['run.total', 'run', '{}'], ['runner.dispatch', 'runner', '{"verb":"run"}'], ['subprocess.exec', 'subprocess', '{"argv":["make","check"]}'],
		['subprocess.wait', 'subprocess', '{"pid":1}']);
	for my $i (reverse 0 .. 3) {
		unshift @spans, sprintf('{"span_id":"%016x","parent_span_id":%s,"kind":"%s","name":"%s","phase":"x","start_ns":0,"end_ns":%d,"duration_ms":%.3f,'
			. '"status":"%s","attrs":%s,"error":null}', $i + 1, $i ? sprintf('"%016x"', $i) : 'null', $name[$i][1], $name[$i][0], $end, $ms, $total, $name[$i][2]);
	}
	my $repo = $o{rev} ? sprintf(',"repo":{"uri":"u","rev":"%s","branch":"%s","dirty":%s}', $o{rev}, $o{branch} // 'main', $o{dirty} ? 'true' : 'false') : '';
	return (sprintf('{"version":1,"run_id":"%s","runner_impl":"c","started_at":"%s","ended_at":"%s","status":"%s","exit_code":%d,"command":"run",'
		. '"args":["make","check"],"env_profile":{},"environment":{"kernel":"6","arch":"x86_64","cpus":4,"memory_bytes":8589934592,"ci_provider":null,'
		. '"version":"0","libraries":{}%s},"spans":[%s],"events":[],"summary":{"span_count":%d,"event_count":0,"status":"%s","slowest_spans":[],'
		. '"timeout_span_count":0,"stall_warning_count":0,"reason_tokens":{},"last_progress_event":null,"longest_idle_ms":1.5,'
		. '"output":{"stdout_bytes":1,"stderr_bytes":0,"truncated":false}}}' . "\n", $run_id, stamp($o{at}), stamp($o{at} + $ms / 1000), $status,
		$o{exit_code} // ($status eq 'pass' ? 0 : 1), $repo, join(',', @spans), scalar @spans, $status), $run_id);
}

# ---- processes ----

# Starts words with output into files. o: env, dir, stdin, out, setup.
sub start_job {
	my ($words, %o) = @_;
	my $base = scratch() . '/job-' . ++$jobs;
	my $job = { out => $o{out} // "$base.out", err => "$base.err", from => time };
	$job->{pid} = fork // die "fork: $!\n";
	return $job if $job->{pid};
	for my $name (keys %{ $o{env} // {} }) { if (defined $o{env}{$name}) { $ENV{$name} = $o{env}{$name} } else { delete $ENV{$name} } }
	chdir($o{dir} // $dir) or POSIX::_exit(126);
	open STDIN, '<', $o{stdin} // '/dev/null' or POSIX::_exit(126);
	open STDOUT, '>', $job->{out} or POSIX::_exit(126);
	open STDERR, '>', $job->{err} or POSIX::_exit(126);
	$o{setup}->() if $o{setup};
	{ no warnings; exec { $words->[0] } @$words; }
	POSIX::_exit(127);
}

# Waits for it; sets code, wall, and, by the difference of our children's times, cpu where nothing else ended meanwhile.
sub end_job {
	my ($job) = @_;
	waitpid $job->{pid}, 0;
	$job->{code} = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	$job->{wall} = time - $job->{from};
	return $job;
}

# One process from start to end: {code, wall, cpu (seconds), rss (bytes, peak), out, err}.
sub measured {
	my ($words, %o) = @_;
	my $peak = scratch() . '/peak-' . ++$jobs;
	my @before = times;
	my $job = end_job(start_job(-x '/usr/bin/time' ? ['/usr/bin/time', '-f', '%M', '-o', $peak, @$words] : $words, %o));
	my @after = times;
	$job->{cpu} = $after[2] + $after[3] - $before[2] - $before[3];
	my ($kib) = get($peak) =~ /(\d+)\s*\z/;
	$job->{rss} = $kib * 1024 if defined $kib;
	return $job;
}

sub out_of {
	my (@words) = @_;
	my %o = ref $words[-1] ? %{ pop @words } : ();
	my $job = end_job(start_job(\@words, %o));
	return (get($job->{out}), $job->{code}, get($job->{err}));
}

# ---- the table ----

# row(what, figure, bound, good): good undef is a figure for comparison alone.
sub row {
	my ($what, $figure, $bound, $good) = @_;
	$beyond = 1 if defined $good && !$good;
	local $| = 1;
	print '| ', join(' | ', $what, $figure, $bound // '', defined $good ? $good ? 'ok' : '**beyond**' : ''), " |\n";
	return $good;
}

sub finish_rows { exit $beyond }

1;
