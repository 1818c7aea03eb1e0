#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# history_goldens.pl - files that other projects test their own tools with, read by `ingest` and held against what those tools
# say, or against a second reader that is written here: FlameGraph's folder of goldens, bytrace's samples of SmartPerf and
# hiperf's reports. The projects' git directories are given; nothing of them is kept.
#
#   tests/show/history_goldens.pl FLAMEGRAPH.git [SMARTPERF.git [HIPERF.git]]
use strict;
use warnings;
use lib 'tests/show';
use HistoryShow;
use JSON::PP;

my ($flamegraph, $smartperf, $hiperf) = @ARGV or die "history_goldens.pl FLAMEGRAPH.git [SMARTPERF.git [HIPERF.git]]\n";
my $dir = scratch();
my %home = (env => { SPEC_RUNNER_HISTORY => "$dir/h", SPEC_RUNNER_HISTORY_DSN => undef });
print "| what | figure | bound | |\n|---|---|---|---|\n";

sub listed { my ($git) = @_; return split /\n/, (out_of('git', "--git-dir=$git", 'ls-tree', '-r', '--name-only', 'HEAD'))[0] }
sub taken { my ($git, $path, $to) = @_; return put($to, (out_of('git', "--git-dir=$git", 'show', "HEAD:$path"))[0]) }

sub metrics_of {
	my ($path) = @_;
	my ($out, $code, $err) = out_of(spec(), 'ingest', 'artifacts', '--path', $path, '--json', \%home);
	return { error => $err } if $code;
	my $v = decode_json($out);
	return { unreadable => $v->{unreadable_lines}, kind => $v->{artifacts}[0]{kind}, top => [map { [$_->{tags}{symbol}, $_->{value}] } grep { $_->{tags}{symbol} } @{ $v->{metrics} }],
		map { $_->{metric_name} => $_->{value} } grep { !$_->{tags}{symbol} } @{ $v->{metrics} } };
}
sub near { my ($a, $b) = @_; return defined $a && defined $b && abs($a - $b) <= 1e-9 * (1 + abs $b) }

# --- FlameGraph: the goldens that its own program holds, byte for byte
my %names = map { $_ => 1 } listed($flamegraph);
taken($flamegraph, 'stackcollapse-perf.pl', "$dir/stackcollapse-perf.pl");
my ($goldens, $stale, @other, @theirs) = (0, 0);
for my $in (grep { m{^test/[^/]*\.txt$} } sort keys %names) {
	my ($name) = $in =~ m{([^/]*)\.txt$};
	my $file = taken($flamegraph, $in, "$dir/$name.txt");
	for my $opt (qw(pid tid kernel jit all addrs)) {
		my $golden = "test/results/$name-collapsed-$opt.txt";
		next unless $names{$golden};
		my $want = get(taken($flamegraph, $golden, "$dir/golden"));
		my ($their) = out_of('perl', "$dir/stackcollapse-perf.pl", "--$opt", $file, { env => { LC_ALL => 'C' } });
		my ($our) = out_of(spec(), 'ingest', 'fold', $file, "--$opt");
		$goldens++;
		$stale++ if $their ne $want;
		push @other, "$name --$opt" if $our ne $want && $their eq $want;
		push @theirs, "$name --$opt" if $our ne $their;
	}
}
my $held = $goldens - $stale;
row("FlameGraph: its $goldens goldens ($held hold for its own newest program): ours are the same", ($held - @other) . " of $held", "$held", !@other && $goldens);
row('FlameGraph: the same bytes as its own newest program prints', ($goldens - @theirs) . " of $goldens", "$goldens", !@theirs);
print STDERR "other: $_\n" for @other, @theirs;
my ($in) = grep { m{^test/perf-java-stacks-01} } sort keys %names;
my $stacks = metrics_of("$dir/perf-java-stacks-01.txt");
my ($folded) = out_of('perl', "$dir/stackcollapse-perf.pl", "$dir/perf-java-stacks-01.txt");
my $sum = 0;
$sum += $1 while $folded =~ / (\d+)$/mg;
row('perf-java-stacks-01: weight_total is the sum of its folded lines', $stacks->{weight_total} // $stacks->{error}, $sum, near($stacks->{weight_total}, $sum));

# --- bytrace: a second reader, by the rules of docs/HISTORY.md
sub bytrace {
	my (@lines) = @_;
	my (%woken, %preempted, %cpu, @wake, @preempt, $first, $last, $has_wakeup);
	my @parsed;
	for (@lines) {
		next unless /\[(\d+)\]\s+\S*\s*(\d+)\.(\d{6}): (\w+): (.*)/;
		push @parsed, [$1, $2 * 1_000_000 + $3, $4, $5];
		$has_wakeup ||= $4 =~ /^sched_wakeup/;
	}
	for (@parsed) {
		my ($cpu, $us, $event, $args) = @$_;
		$first = $us if !defined $first || $us < $first;
		$last = $us if !defined $last || $us > $last;
		if ($event =~ ($has_wakeup ? qr/^sched_wakeup(_new)?$/ : qr/^sched_waking$/)) {
			my ($pid) = $args =~ /.* pid=(\d+)/;
			$woken{$pid} //= $us if $pid;
		} elsif ($event eq 'sched_switch') {
			my ($prev, $state, $next) = $args =~ /.* prev_pid=(\d+) .*prev_state=(\S+) ==> .* next_pid=(\d+)/ or next;
			my $c = $cpu{$cpu} //= { idle => 0 };
			if (!defined $c->{at}) { $c->{head} = [$prev, $us] } elsif (!$c->{on}) { $c->{idle} += $us - $c->{at} }
			@$c{qw(on at)} = ($next, $us);
			delete $woken{$prev};
			delete $preempted{$prev};
			$preempted{$prev} = $us if $prev && $state =~ /^R/;
			push @wake, $us - delete $woken{$next} if $next && exists $woken{$next};
			push @preempt, $us - delete $preempted{$next} if $next && exists $preempted{$next};
		}
	}
	my ($idle, $all) = (0, 0);
	for my $c (values %cpu) {
		$all += $last - $first;
		$idle += $c->{idle};
		$idle += $c->{head}[1] - $first if !$c->{head}[0];
		$idle += $last - $c->{at} if !$c->{on};
	}
	my %m = (cpu_idle_ratio => $all ? $idle / $all : undef);
	for my $q (50, 95, 99) {
		$m{"sched_latency_p$q"} = quantile($q / 100, @wake);
		$m{"preempt_latency_p$q"} = quantile($q / 100, @preempt);
	}
	return (\%m, scalar @wake, scalar @preempt);
}
# What was worked out by hand of these two.
my %known = ('ut_bytrace_input_full.txt' => '12 85.05 112.21 0.2593', 'ut_bytrace_input_thread.txt' => '12 85.05 112.21 0.2566');
if ($smartperf) {
	for my $path (grep { /bytrace_input\w*\.txt$|systrace\w*\.txt$/ } listed($smartperf)) {
		my ($name) = $path =~ m{([^/]*)$};
		my $file = taken($smartperf, $path, "$dir/$name");
		my ($want, $n, $m) = bytrace(split /\r?\n/, get($file));
		my $got = metrics_of($file);
		if ($got->{error}) { row("$name", $got->{error} =~ s/\n.*//sr, 'read', 0); next }
		my @bad = grep { defined $want->{$_} ? !near($got->{$_}, $want->{$_}) : defined $got->{$_} } sort keys %$want;
		my $shown = join ' ', map { sprintf '%.4g', $got->{$_} // -1 } qw(sched_latency_p50 sched_latency_p95 sched_latency_p99 cpu_idle_ratio);
		$shown = sprintf '%g %g %g %.4f', map { $got->{$_} // -1 } qw(sched_latency_p50 sched_latency_p95 sched_latency_p99 cpu_idle_ratio);
		row("$name: latency p50 p95 p99, idle ($n wakeups, $m preemptions; a second reader says the same of all seven)", $shown, $known{$name} // '', !@bad && (!$known{$name} || $shown eq $known{$name}));
	}
}

# --- hiperf: its reports as text, and protobuf
sub varint { my ($b, $at) = @_; my ($v, $shift) = (0, 0); while (1) { my $c = ord substr $$b, $$at++, 1; $v |= ($c & 127) << $shift if $shift < 64; return $v if $c < 128; $shift += 7 } }
sub fields {
	my ($b) = @_;
	my ($at, @f) = (0);
	while ($at < length $b) {
		my $key = varint(\$b, \$at);
		if (($key & 7) == 0) { push @f, [$key >> 3, varint(\$b, \$at)] }
		elsif (($key & 7) == 2) { my $n = varint(\$b, \$at); push @f, [$key >> 3, substr $b, $at, $n]; $at += $n }
		elsif (($key & 7) == 1) { $at += 8 } else { $at += 4 }
	}
	return @f;
}
sub protobuf {
	my ($bytes) = @_;
	my ($at, $samples, $weight, %self) = (12, 0, 0);
	while ((my $n = unpack 'V', substr $bytes, $at, 4)) {
		for my $f (fields(substr $bytes, $at + 4, $n)) {
			next if $f->[0] != 1;
			my %s = (4 => 0);
			my @frames;
			for (fields($f->[1])) { if ($_->[0] == 3) { push @frames, $_->[1] } else { $s{ $_->[0] } = $_->[1] } }
			$samples++;
			$weight += $s{4};
			my %frame = map { $_->[0] => $_->[1] } fields($frames[0] // '');
			$self{ join ',', $frame{2} // 0, $frame{3} // 0 } += $s{4};
		}
		$at += 4 + $n;
	}
	return ($samples, $weight, (sort { $b <=> $a } values %self)[0]);
}
if ($hiperf) {
	my ($good, @bad) = (0);
	for my $path (grep { m{testdata/report_test_\w+\.txt$} } listed($hiperf)) {
		my ($name) = $path =~ m{([^/]*)$};
		my $file = taken($hiperf, $path, "$dir/$name");
		my ($samples, $weight, %by) = (0, 0);
		my $func;
		for (split /\r?\n/, get($file)) {
			$samples += $1 if /^Samples Count: (\d+)/;
			$weight += $1 if /^Event Count: (\d+)/;
			$func = index $_, 'func' if /^Heating/;
			next unless /^\s*\d+\.\d+%\s+(?:[-+]\d+\.\d+%\s+)?(\d+)/ && defined $func && $func > 0;
			my $count = $1;
			my $at = $func; # --diff's own rows are a column to the left of their header
			$at-- while $at && substr($_, $at - 1, 1) ne ' ';
			$by{ substr($_, $at) =~ s/\s+$//r } += $count;
		}
		my $got = metrics_of($file);
		my ($top) = sort { $by{$b} <=> $by{$a} || $a cmp $b } keys %by;
		my $ok = near($got->{samples_total}, $samples) && near($got->{weight_total}, $weight) && (!defined $top ? !@{ $got->{top} // [] }
			: $got->{top}[0] && $got->{top}[0][0] eq $top && near($got->{top}[0][1], $by{$top} / $weight)) && !$got->{unreadable};
		if ($ok) { $good++ } else { push @bad, "$name: " . ($got->{error} // encode_json([@$got{qw(samples_total weight_total)}, $got->{top}[0]])) }
	}
	row('hiperf: text reports of its tests: samples, events and hottest function as the report itself says', "$good of " . ($good + @bad), $good + @bad, !@bad && $good);
	print STDERR "$_\n" for @bad;
	my ($path) = grep { m{testdata/proto_test$} } listed($hiperf);
	my $file = taken($hiperf, $path, "$dir/proto_test");
	my ($samples, $weight, $most) = protobuf(get($file));
	my $got = metrics_of($file);
	row("hiperf: protobuf of its tests: $samples samples, $weight events, most of one function $most (a second reader)",
		join(' ', map { $_ // '?' } @$got{qw(samples_total weight_total)}, sprintf '%d', ($got->{top}[0][1] // 0) * ($got->{weight_total} // 0) + 0.5), "$samples $weight $most",
		near($got->{samples_total}, $samples) && near($got->{weight_total}, $weight) && near(($got->{top}[0][1] // 0) * $weight, $most));
	# perf.data of hiperf is refused with the command that converts it
	my $data = taken($hiperf, (grep { m{unittest.*testdata/perf\.data$} } listed($hiperf))[0], "$dir/perf.data");
	my (undef, $code, $err) = out_of(spec(), 'ingest', 'artifacts', '--path', $data, \%home);
	row('hiperf: its perf.data is refused', "exit $code", 'exit 2', $code == 2 && $err =~ /hiperf report/);
}
finish_rows();
