# SPDX-License-Identifier: Apache-2.0
# History.pm - stores for tests of the history: traces with known truth, verbs and their JSON, schemas.
package History;
use strict;
use warnings;

use Exporter 'import';
use JSON::PP;
use POSIX qw(strftime);
use SpecRunner;
use Test::More;

our @EXPORT = qw(history history_json obeys make_trace write_trace rfc3339 has_history);

my $json = JSON::PP->new->utf8->canonical;

sub has_history {
	my $spec = spec();
	return -x (($spec =~ s{[^/]*$}{}r) . '.artifacts/libexec/spec-runner-history');
}

sub rfc3339 {
	my ($seconds) = @_;
	return strftime('%Y-%m-%dT%H:%M:%S', gmtime int $seconds) . sprintf('.%03dZ', ($seconds - int $seconds) * 1000);
}

# history COMMAND... in a folder: {code, out, err}.
sub history {
	my ($dir, @words) = @_;
	my %env = %{ ref $words[-1] ? pop @words : {} };
	return run_spec(['history', @words], dir => $dir, env => { SPEC_RUNNER_HISTORY => "$dir/h", %env });
}

sub history_json {
	my ($dir, @words) = @_;
	my $r = history($dir, @words[0 .. $#words - (ref $words[-1] ? 1 : 0)], '--json', ref $words[-1] ? $words[-1] : ());
	my $v = eval { $json->decode($r->{out}) };
	return $v if $v;
	diag "history @words: exit code $r->{code}, '$r->{out}', '$r->{err}'";
	return {};
}

# Do these JSON texts obey schemas/NAME?
sub obeys {
	my ($schema, $what, @texts) = @_;
	my $dir = new_dir();
	my $n = 0;
	write_file("$dir/" . $n++ . '.json', $_) for @texts;
	write_file("$dir/v.spec.yaml", "version: 1\ncases:\n  - {id: V, harness: {type: data.validate, paths: ['*.json'], schema: " .
		SpecRunner::root() . "/schemas/$schema}}\n");
	my $r = run_spec(['test', 'v.spec.yaml'], dir => $dir, env => { SPEC_RUNNER_HISTORY => undef });
	return ok(@texts && $r->{code} == 0, "$what obeys schemas/$schema") || diag $r->{out};
}

# A sealed trace as text. o: id (8 hex), at (seconds), status, exit_code, argv, tests => [[suite, name, result, ms, file, line]],
# repo => {...}, total (status of run.total), env => {more of environment}.
sub make_trace {
	my (%o) = @_;
	my $start = $o{at} // time;
	my $run_id = 'run-' . strftime('%Y%m%dT%H%M%SZ', gmtime int $start) . '-' . $o{id};
	my @tests = @{ $o{tests} // [] };
	my ($at, @spans) = (1_000_000);
	my $span = sub {
		my ($parent, $name, $kind, $from, $to, $status, $attrs) = @_;
		push @spans, { span_id => sprintf('%016x', @spans + 1), parent_span_id => $parent ? sprintf('%016x', $parent) : undef,
			kind => $kind, name => $name, phase => 'x', start_ns => $from, end_ns => $to, duration_ms => 0 + sprintf('%.3f', ($to - $from) / 1e6),
			status => $status, attrs => $attrs, error => undef };
	};
	my $length = 2_000_000;
	$length += int(($_->[3] // 0) * 1e6) for @tests;
	$length = int($o{ms} * 1e6) if $o{ms};
	my $status = $o{status} // 'pass';
	my $total = $o{total} // ($status eq 'pass' ? 'ok' : 'error');
	$span->(0, 'run.total', 'run', 0, $length, $total, {});
	$span->(1, 'runner.dispatch', 'runner', 0, $length, $total, { verb => 'run' });
	$span->(2, 'subprocess.exec', 'subprocess', 0, $length, $total, { argv => $o{argv} // ['make', 'check'] });
	$span->(3, 'subprocess.wait', 'subprocess', 0, $length, $total, { pid => 1 });
	for my $t (@tests) {
		my ($suite, $name, $result, $ms, $file, $line) = @$t;
		my $ended = $result =~ /^(timeout|stalled|cancelled)$/;
		my $to = $at + int(($ms // 0) * 1e6);
		$span->(4, 'case.run', 'case', $at, $to, $ended ? $result : $result =~ /^(pass|skip|xfail)$/ ? 'ok' : 'error',
			{ dialect => 'tap', suite => $suite, case_id => $name, result => $ended ? 'unfinished' : $result,
			  defined $file ? (file => $file, line => $line // 0) : () });
		$at = $to;
	}
	my $trace = { version => 1, run_id => $run_id, runner_impl => 'c', started_at => rfc3339($start), ended_at => rfc3339($start + $length / 1e9),
		status => $status, exit_code => $o{exit_code} // ($status eq 'pass' ? 0 : 1), command => 'run', args => $o{argv} // ['make', 'check'],
		env_profile => {}, environment => { kernel => '6', arch => 'x86_64', cpus => 4, memory_bytes => 8 << 30, ci_provider => undef,
			version => '0', libraries => {}, $o{repo} ? (repo => $o{repo}) : (), %{ $o{env} // {} } },
		summary => { span_count => scalar @spans, event_count => 0, status => $status, slowest_spans => [], timeout_span_count => 0,
			stall_warning_count => 0, reason_tokens => {}, last_progress_event => undef, longest_idle_ms => 12.5,
			output => { stdout_bytes => 10, stderr_bytes => 5, truncated => JSON::PP::false } } };
	# head first, as the sealer writes it
	my $head = substr $json->encode({ map { $_ => $trace->{$_} } grep { $_ ne 'summary' } keys %$trace }), 0, -1;
	my $text = $head . ',"spans":' . $json->encode(\@spans) . ',"events":[],"summary":' . $json->encode($trace->{summary}) . "}\n";
	return ($text, $run_id);
}

# The same into DIR/t-RUN_ID/run-trace.json, with findings where o{hang} names a signature; returns path and run_id.
sub write_trace {
	my ($dir, %o) = @_;
	my ($text, $run_id) = make_trace(%o);
	my $own = "$dir/t-$run_id";
	mkdir $own;
	write_file("$own/run-trace.json", $text);
	if ($o{hang}) {
		write_file("$own/findings.json", $json->encode({ version => 1, run_id => $run_id, findings_dropped => 0, findings => [{
			finding_id => $o{hang}, pattern_id => $o{pattern} // 'hang.sleep', title => 't', severity => 'error',
			location => $o{location} // 'a.py:f:3', summary => 's', meaning => 'm', confidence => 0.7, confidence_basis => ['+0.70: x'],
			proved => JSON::PP::true, occurrences => 1, evidence => {}, suggestions => [], verify => [] }] }));
	}
	return ("$own/run-trace.json", $run_id);
}

1;
