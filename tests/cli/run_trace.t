#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# run_trace.t - what a trace says about a run, and that `verify` and this test, written apart,
# agree about its form.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Test::More;

# The form, held against the contract: independent of the program's own `verify`.
my %span_names = map { $_ => 1 } qw(run.total runner.dispatch case.run case.chain case.harness check.execute
	subprocess.exec subprocess.wait);
my %kinds = map { $_ => 1 } qw(heartbeat stall_warning watchdog subprocess_state checkpoint io.read io.write);
my %statuses = map { $_ => 1 } qw(ok error timeout cancelled stalled);
my $when = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

sub faults_of {
	my ($t) = @_;
	my (@bad, %by);
	for (qw(version run_id runner_impl started_at ended_at status command args env_profile spans events summary exit_code environment)) {
		push @bad, "no $_" unless exists $t->{$_};
	}
	push @bad, 'version' unless ($t->{version} // 0) == 1;
	push @bad, 'runner_impl' unless ($t->{runner_impl} // '') eq 'c';
	push @bad, 'run_id' unless ($t->{run_id} // '') =~ /^run-\d{8}T\d{6}Z-[0-9a-zA-Z]{8}$/;
	push @bad, $_ for grep { ($t->{$_} // '') !~ $when } qw(started_at ended_at);
	for my $s (@{ $t->{spans} }) {
		push @bad, "span id twice: $s->{span_id}" if $by{ $s->{span_id} };
		$by{ $s->{span_id} } = $s;
		push @bad, "span name $s->{name}" unless $span_names{ $s->{name} };
		push @bad, "span status $s->{status}" unless $statuses{ $s->{status} };
		push @bad, "span $s->{name} ends before it starts" if $s->{end_ns} < $s->{start_ns};
		push @bad, "duration of $s->{name}" if abs($s->{duration_ms} - ($s->{end_ns} - $s->{start_ns}) / 1e6) > 0.001;
		push @bad, "keys of $s->{name}" if grep { !exists $s->{$_} } qw(parent_span_id kind phase attrs error);
	}
	my @roots = grep { !defined $_->{parent_span_id} } @{ $t->{spans} };
	push @bad, 'roots: ' . join(' ', map { $_->{name} } @roots) unless @roots == 1 && $roots[0]{name} eq 'run.total';
	for my $s (grep { defined $_->{parent_span_id} } @{ $t->{spans} }) {
		my $p = $by{ $s->{parent_span_id} };
		push @bad, "$s->{name} has a parent that is nowhere" and next unless $p;
		push @bad, "$s->{name} lies outside of $p->{name}" if $s->{start_ns} < $p->{start_ns} || $s->{end_ns} > $p->{end_ns};
	}
	for my $e (@{ $t->{events} }) {
		push @bad, "event kind $e->{kind}" unless $kinds{ $e->{kind} };
		my $s = $by{ $e->{span_id} };
		push @bad, "$e->{kind} of a span that is nowhere" and next unless $s;
		push @bad, "$e->{kind} at $e->{ts_ns} outside of $s->{name}" if $e->{ts_ns} < $s->{start_ns} || $e->{ts_ns} > $s->{end_ns};
	}
	push @bad, 'span_count' unless $t->{summary}{span_count} == @{ $t->{spans} };
	push @bad, 'event_count' unless $t->{summary}{event_count} == @{ $t->{events} };
	my %count;
	$count{$_}++ for tokens($t);
	push @bad, 'reason_tokens of the summary' if JSON::PP->new->canonical->encode(\%count) ne
		JSON::PP->new->canonical->encode($t->{summary}{reason_tokens});
	return @bad;
}

sub traced {
	my ($name, $args, $code, %o) = @_;
	my $r = run_spec(['run', @$args], %o);
	is $r->{code}, $code, "$name: exit code" or diag($r->{err});
	my $t = trace_of($r);
	ok $t, "$name: a trace" or return ($r, { spans => [], events => [], summary => {} });
	is_deeply [faults_of($t)], [], "$name: the form is right";
	my $v = run_spec(['verify', "$r->{dir}/.artifacts/run-trace.json"]);
	is $v->{code}, 0, "$name: verify agrees" or diag($v->{out}, $v->{err});
	return ($r, $t);
}

my $d = ['--profile-level', 'detailed', '--pty', 'never'];
my ($r, $t) = traced('passing', [@$d, '--', '/bin/sh', '-c', 'echo hello; echo oops >&2'], 0);
is_deeply [map { $_->{name} } sort { $a->{start_ns} <=> $b->{start_ns} } @{ $t->{spans} }],
	[qw(run.total runner.dispatch subprocess.exec subprocess.wait)], 'the spans of `run`';
is $_->{status}, 'ok', "$_->{name} is ok" for @{ $t->{spans} };
is $t->{command}, 'run', 'command is the verb';
is_deeply $t->{args}, [@$d, '--', '/bin/sh', '-c', 'echo hello; echo oops >&2'], 'args are everything else, as given';
is $t->{summary}{output}{stdout_bytes}, 6, 'bytes of stdout';
is $t->{summary}{output}{stderr_bytes}, 5, 'bytes of stderr';
my @states = map { $_->{attrs}{state} } events($t, 'subprocess_state');
is $states[0], 'spawned', 'first it was spawned';
ok scalar(grep { $_ eq 'exit' } @states), 'and then it exited';
my ($exit) = grep { $_->{attrs}{state} eq 'exit' } events($t, 'subprocess_state');
is $exit->{attrs}{returncode}, 0, 'with its return code';
like $exit->{attrs}{pid}, qr/^\d+$/, 'and pid';
ok ref $t->{environment} && $t->{environment}{kernel} && $t->{environment}{arch} && $t->{environment}{cpus}, 'environment: kernel, arch, cpus';
ok -s "$r->{dir}/.artifacts/run-trace-summary.md", 'a summary for people';

($r, $t) = traced('failing', [@$d, '--', '/bin/sh', '-c', 'exit 3'], 3);
is $t->{status}, 'fail', 'status';
my ($wait) = spans($t, 'subprocess.wait');
is $wait->{status}, 'error', 'the wait span is in error';
is $wait->{error}{category}, 'exit_code', 'because of the exit code';

($r, $t) = traced('signalled', [@$d, '--', zoo('dies'), 15], 143);
ok scalar(grep { $_->{attrs}{state} eq 'signaled' && $_->{attrs}{signal} } events($t, 'subprocess_state')), 'state signaled';

($r, $t) = traced('stalled', [@$d, '--liveness-level', 'strict', '--liveness-stall-ms', 500 * slow_factor(), '--', zoo('silent')], 124);
($wait) = spans($t, 'subprocess.wait');
is $wait->{status}, 'stalled', 'the wait span is stalled';
is $wait->{error}{reason_token}, 'stall.subprocess.no_output_no_event', 'and says by which token';
($r, $t) = traced('timed out', [@$d, '--timeout-ms', 400 * slow_factor(), '--', zoo('silent')], 124);
($wait) = spans($t, 'subprocess.wait');
is $wait->{status}, 'timeout', 'the wait span is timeout';
cmp_ok $t->{summary}{timeout_span_count}, '>=', 1, 'and counted';
my ($limit) = grep { $_->{attrs}{reason_token} eq 'timeout.subprocess.wait' } events($t, 'watchdog');
is $limit->{span_id}, $wait->{span_id}, 'the token is on subprocess.wait';
cmp_ok $limit->{ts_ns}, '>=', 400e6 * slow_factor(), 'not before its time';
my @order = tokens($t);
is_deeply \@order, ['timeout.subprocess.wait', 'watchdog.kill.term'], 'the limit, then TERM';

# A stall is recorded once and armed again by progress; warnings likewise.
($r, $t) = traced('two stalls', [@$d, '--liveness-stall-ms', 400, '--profile-stall-threshold-ms', 300, '--', '/bin/sh', '-c',
		'sleep 1; echo on; sleep 1; echo off'], 0) unless slow_factor() > 1;
if (slow_factor() == 1) {
	is scalar(grep { $_ eq 'stall.subprocess.no_output_no_event' } tokens($t)), 2, 'two silences, two stalls';
	is scalar(grep { $_ eq 'stall.runner.no_progress' } tokens($t)), 2, 'and two of the runner';
	my @warnings = events($t, 'stall_warning');
	is scalar @warnings, 2, 'two warnings';
	is $t->{summary}{stall_warning_count}, 2, 'counted';
	my ($total) = spans($t, 'run.total');
	is $_->{span_id}, $total->{span_id}, 'on run.total' for @warnings;
	ok exists $_->{attrs}{idle_ms} && $_->{attrs}{threshold_ms} == 300 && exists $_->{attrs}{last_progress}, 'with its numbers' for @warnings;
}

# min-events is a window, not a flag: one line in half a second is too few where three are wanted.
my $min = run_spec(['run', @$d, '--liveness-level', 'strict', '--liveness-min-events', 5, '--liveness-stall-ms', 600 * slow_factor(),
		'--', zoo('prints'), 300 * slow_factor(), 40]);
is $min->{code}, 124, 'too few events in the window: a stall';
no_survivors($min);

# Heartbeats: at their rhythm, and never progress.
($r, $t) = traced('heartbeats', [@$d, '--profile-heartbeat-ms', 100, '--', '/bin/sleep', '1'], 0);
my @beats = events($t, 'heartbeat');
cmp_ok scalar @beats, '>=', 4, 'heartbeats while it runs';
cmp_ok scalar @beats, '<=', 13, 'no more than asked for';
for my $key (qw(idle_ms running processes cpu_ms rss_bytes)) {
	ok !grep({ !exists $_->{attrs}{$key} } @beats), "each with $key";
}
cmp_ok $beats[-1]{attrs}{idle_ms}, '>', 400, 'the idle time goes on growing through them';

# Levels.
($r, $t) = traced('basic', ['--profile-level', 'basic', '--profile-heartbeat-ms', 50, '--', '/bin/sh', '-c', 'echo a; sleep 0.3'], 0);
is scalar(events($t, 'heartbeat')), 0, 'no heartbeats at basic';
is scalar(grep { $_->{kind} =~ /^io\./ } @{ $t->{events} }), 0, 'nor reads';
($r, $t) = traced('debug', ['--profile-level', 'debug', '--pty', 'never', '--', '/bin/sh', '-c', 'echo a; sleep 0.1; echo b; sleep 0.1; echo c'], 0);
cmp_ok scalar(events($t, 'io.read')), '>=', 3, 'every read at debug';

# Long runs stay bounded: much output, many processes.
($r, $t) = traced('much', [@$d, '--', '/bin/sh', '-c', 'i=0; while [ $i -lt 300 ]; do i=$((i+1)); /bin/true; echo $i; done; head -c 20000000 /dev/zero'], 0,
	timeout => 60);
cmp_ok -s "$r->{dir}/.artifacts/run-trace.json", '<', 1 << 20, 'the trace stays below 1 MiB';
is $t->{summary}{output}{stdout_bytes}, 20_000_000 + 9 + 180 + 603 + 300, 'all bytes are counted';

# No raw secret anywhere.
my $secret = 'Zx81-correct-horse-battery';
($r, $t) = traced('secrets', [@$d, '--', '/bin/sh', '-c', "echo token=$secret; echo \$MY_API_TOKEN >&2; exit 1", '--password', $secret], 1,
	env => { MY_API_TOKEN => $secret });
for my $file (files_in($r->{dir})) {
	unlike read_file("$r->{dir}/$file"), qr/\Q$secret\E/, "no secret in $file";
}
like $r->{out}, qr/\Q$secret\E/, 'but the output itself is unchanged';

# Nested runs keep apart.
my $nest = run_spec(['run', '--profile-level', 'basic', '--', spec(), 'run', '--profile-level', 'basic', '--', '/bin/sh', '-c', 'exit 5']);
is $nest->{code}, 5, 'nested: the exit code comes through both';
$t = trace_of($nest);
is $t->{command}, 'run', 'the outer trace is the outer one';
is scalar(grep { $_ eq '--' } @{ $t->{args} }), 2, 'with its own arguments';
my @nested = grep { m{^\.artifacts/nested/run-[^/]+/run-trace\.json$} } files_in($nest->{dir});
is scalar @nested, 1, 'the inner one is under nested/' or diag(join ' ', files_in($nest->{dir}));
no_survivors($nest);

# Trace context of W3C: read, and handed on for each child.
my $parent = '4bf92f3577b34da6a3ce929d0e0e4736';
my $ctx = run_spec(['run', '--', '/bin/sh', '-c', 'echo $TRACEPARENT; echo $SPEC_RUNNER_RUN_ID'],
	env => { TRACEPARENT => "00-$parent-00f067aa0ba902b7-01" });
like $ctx->{out}, qr/^00-$parent-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$/m, 'TRACEPARENT: same trace, a span of ours';
like $ctx->{out}, qr/^run-\d{8}T\d{6}Z-\w{8}$/m, 'SPEC_RUNNER_RUN_ID is set for the child';

# verify does not agree with everything.
my $good = read_file("$r->{dir}/.artifacts/run-trace.json");
my %damage = (
	'cut in half' => sub { substr $_[0], 0, length($_[0]) / 2 },
	'a status that is none' => sub { $_[0] =~ s/("name"\s*:\s*"run\.total".*?"status"\s*:\s*)"\w+"/$1"pass"/sr },
	'an unknown kind' => sub { $_[0] =~ s/"subprocess_state"/"subprocess_stat"/r },
	'a parent that is nowhere' => sub { $_[0] =~ s/("parent_span_id"\s*:\s*")[0-9a-f]{16}/$1ffffffffffffffff/r },
	'no run_id' => sub { $_[0] =~ s/"run_id"/"run"/r },
	'version 2' => sub { $_[0] =~ s/"version"\s*:\s*1\b/"version":2/r },
);
for my $what (sort keys %damage) {
	my $path = new_dir() . '/damaged.json';
	my $bad = $damage{$what}->($good);
	ok $bad ne $good, "$what: the trace was changed";
	write_file($path, $bad);
	my $v = run_spec(['verify', $path]);
	is $v->{code}, 1, "$what: verify refuses it";
	like $v->{out} . $v->{err}, qr/\S/, "$what: with a word";
}

done_testing;
