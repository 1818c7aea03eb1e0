#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `spec-runner report`: the same bytes again and anywhere, patterns of one's own, formats, mistakes, a
# trace of a million events.
use strict;
use warnings;
use JSON::PP;
use File::Temp qw(tempdir);
use File::Path qw(make_path);
use File::Copy qw(copy);
use Digest::SHA qw(sha256_hex);
use Time::HiRes qw(time);
use Cwd qw(abs_path getcwd);
use Test::More;

my $runner = $ENV{SPEC_RUNNER} // abs_path('./spec-runner');
my $slow = $ENV{TEST_SANITIZED} ? 6 : 1;
my $dir = abs_path(tempdir(CLEANUP => 1));
my $id = 'run-20261121T010203Z-0a1b2c3d';
my $json = JSON::PP->new->utf8->canonical;

sub spew {
	my ($path, $text) = @_;
	open my $out, '>:raw', $path or die "$path: $!";
	print $out $text;
	close $out or die $!;
}

sub slurp {
	my ($path) = @_;
	open my $in, '<:raw', $path or return '';
	local $/;
	return <$in> // '';
}

# Runs report in $dir; exit code, stdout, stderr.
sub report {
	my (@args) = @_;
	my $pid = fork // die $!;
	if (!$pid) {
		chdir $dir or die $!;
		open STDOUT, '>', "$dir/out" or die $!;
		open STDERR, '>', "$dir/err" or die $!;
		exec { $runner } $runner, 'report', @args;
		die "exec: $!";
	}
	waitpid $pid, 0;
	return ($? >> 8, slurp("$dir/out"), slurp("$dir/err"));
}

sub event {
	my ($n, $kind, %attrs) = @_;
	return { ts_ns => $n * 1000000, kind => $kind, span_id => '00000000000000a2', attrs => \%attrs };
}

my $trace = {
	version => 1, run_id => $id, status => 'fail', exit_code => 124, command => 'run', args => ['--', 'sh', '-c', 'x'],
	environment => { arch => 'x86_64', cpus => 2 },
	spans => [
		{ span_id => '00000000000000a1', name => 'run.total', start_ns => 0, end_ns => 9e9, status => 'timeout', attrs => {} },
		{ span_id => '00000000000000a2', name => 'subprocess.wait', start_ns => 0, end_ns => 9e9, status => 'timeout',
		  attrs => { pid => 10 } },
	],
	events => [
		event(8000, 'watchdog', reason_token => 'timeout.subprocess.wait', elapsed_ms => 8000, limit_ms => 8000),
		event(8001, 'checkpoint', event => 'diagnose.process', pid => 10, ppid => 9, comm => 'sh', argv => ['sh', '-c', 'x'],
			state => 'S', wchan => 'do_wait', syscall => 61, cpu_ms => 1, threads => 1),
		event(8001, 'checkpoint', event => 'diagnose.process', pid => 11, ppid => 10, comm => 'sleep', argv => ['sleep', '99'],
			state => 'S', wchan => 'hrtimer_nanosleep', syscall => 230, cpu_ms => 1, threads => 1),
		event(8003, 'watchdog', reason_token => 'watchdog.kill.term', members => 2),
	],
	summary => { last_progress_event => { ts_ns => 1000000, kind => 'stdout' }, output => { stdout_bytes => 3 } },
};

make_path("$dir/a");
spew("$dir/spec-runner.yaml", "version: 1\n");
spew("$dir/a/run-trace.json", $json->encode($trace));

my ($code, $out, $err) = report('a/run-trace.json');
is($code, 0, 'report makes findings') or diag $err;
like($out, qr/\Aspec-runner: HUNG: no progress for 8\.0 s\nspec-runner: hang\.sleep: sleep \(pid 11\) sleeps/, 'the console says what happened, then the first finding');
unlike($out, qr/^(?!spec-runner: )/m, 'each of its lines begins with our name');
cmp_ok(($out =~ tr/\n//), '<=', 14, 'it is about a dozen lines');
my $f = $json->decode(slurp("$dir/a/findings.json"));
is($f->{run_id}, $id, 'findings.json knows its run');
is($f->{findings}[0]{pattern_id}, 'hang.sleep', 'and its first finding');
is($f->{findings}[1]{pattern_id}, 'hang.wait.child', 'the waiting parent stands behind it');
is($f->{findings}[0]{evidence}{'thread.wchan'}{file}, 'run-trace.json', 'evidence names its file');
like(slurp("$dir/a/report.md"), qr/## 1\. It sleeps.*### Observed.*### What it means.*### How sure/s, 'report.md is there');

# again, elsewhere, with members in another order
my %sums;
for my $i (1 .. 20) {
	report('a/run-trace.json') if $i > 1;
	$sums{ sha256_hex(slurp("$dir/a/findings.json") . slurp("$dir/a/report.md")) }++;
}
make_path("$dir/elsewhere/b");
spew("$dir/elsewhere/b/run-trace.json", $json->pretty->encode($trace));
($code) = report("$dir/elsewhere/b/run-trace.json");
$sums{ sha256_hex(slurp("$dir/elsewhere/b/findings.json") . slurp("$dir/elsewhere/b/report.md")) }++;
is(scalar keys %sums, 1, 'the same bytes twenty times and in another place');
$json->pretty(0);

# formats
for my $format (qw(console facts github html json markdown sarif)) {
	($code, $out) = report('--format', $format, 'a/run-trace.json');
	ok($code == 0 && length $out, "--format $format prints something");
}
($code, $out) = report('--format', 'json', 'a/run-trace.json');
is($out, slurp("$dir/a/findings.json"), '--format json is findings.json');
($code, $out) = report('--format', 'sarif', 'a/run-trace.json');
my $sarif = $json->decode($out);
is($sarif->{version}, '2.1.0', 'SARIF has its version');
is($sarif->{runs}[0]{results}[0]{ruleId}, 'hang.sleep', 'and its results');
($code, $out) = report('--format', 'github', 'a/run-trace.json');
like($out, qr/^::error title=It sleeps \(hang\.sleep\)::sleep/m, 'GitHub annotations');
($code, $out, $err) = report('--format', 'yaml', 'a/run-trace.json');
is($code, 2, 'an unknown format is a usage error');
like($err, qr/^spec-runner: .*'yaml'.*console, facts/, 'that lists the known ones');

# in a step of GitHub Actions, as the supervisor calls it
{
	my ($program) = grep { -x } map { "$_/spec-runner-report" }
		($runner =~ s{[^/]+$}{}r . '../libexec/spec-runner', $runner =~ s{[^/]+$}{}r . '.artifacts/libexec');
	SKIP: {
		skip 'the program of the verb is installed elsewhere', 3 if !$program;
		system("cd $dir && GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY=$dir/step.md $program --internal a/run-trace.json >out 2>err");
		is(slurp("$dir/out"), '', 'nothing of ours goes to stdout');
		like(slurp("$dir/err"), qr/^spec-runner: hang\.sleep.*^::error title=/ms, 'the block and the annotations go to stderr');
		is(slurp("$dir/step.md"), slurp("$dir/a/report.md"), 'the report is the step\'s summary');
	}
}

# a pattern of one's own, in YAML alone, with rows of a collector
make_path("$dir/p", "$dir/a/raw/$id");
spew("$dir/p/own.yaml", <<'YAML');
- id: high_call_count_small_fn
  condition:
    call_count: "> 1e6"
    avg_time_us: "< 2"
  meaning: "Interpreter dispatch overhead"
  suggestions:
    - "Inline logic"
    - "Batch operations"
YAML
spew("$dir/a/raw/$id/facts-cprofile.json", $json->encode({ version => 1, facts => [ { fact => 'function', function => 'get',
	file => 'app.py', line => 3, call_count => 2000000, avg_time_us => 1.5 } ] }));
($code, $out, $err) = report('--patterns', 'p', '--format', 'json', 'a/run-trace.json');
is($code, 0, 'patterns of one\'s own load') or diag $err;
my ($own) = grep { $_->{pattern_id} eq 'high_call_count_small_fn' } @{ $json->decode($out)->{findings} };
is($own->{location}, 'app.py:get:3', 'and find');
is($own->{evidence}{'function.call_count'}{file}, "raw/$id/facts-cprofile.json", 'with the raw file of their evidence');
spew("$dir/p/own.yaml", "- id: x\n  condition: {call_cout: 1}\n  meaning: m\n");
($code, $out, $err) = report('--patterns', 'p', 'a/run-trace.json');
is($code, 2, 'a mistake in one is a usage error');
like($err, qr/^spec-runner: p\/own\.yaml:2:15: .*call_cout.*did you mean 'call_count'/, 'with file, line, column and the nearest word');
($code, $out, $err) = report('--patterns', 'nowhere', 'a/run-trace.json');
is($code, 2, 'so is a folder that is not there');

# what is no trace
for my $bad (['missing.json', undef], ['empty.json', ''], ['cut.json', substr($json->encode($trace), 0, 300)], ['text.json', 'hello']) {
	spew("$dir/$bad->[0]", $bad->[1]) if defined $bad->[1];
	($code, $out, $err) = report($bad->[0]);
	is($code, 1, "$bad->[0]: exit 1");
	like($err, qr/^spec-runner: .*\Q$bad->[0]\E.*\n\z/, "$bad->[0]: one line that names it");
}
ok(!-e "$dir/findings.json", 'and nothing was written');

# a million events
{
	make_path("$dir/big");
	open my $big, '>', "$dir/big/run-trace.json" or die $!;
	my $text = $json->encode({ %$trace, events => ['HERE'] });
	my ($head, $tail) = split /"HERE"/, $text;
	print $big $head, join(',', map { $json->encode($_) } @{ $trace->{events} });
	my @dull = (
		',{"ts_ns":%d,"kind":"io.read","span_id":"00000000000000a2","attrs":{"stream":"stdout","bytes":4096}}',
		',{"ts_ns":%d,"kind":"heartbeat","span_id":"00000000000000a2","attrs":{"idle_ms":1.000,"running":1,"processes":3}}',
		',{"ts_ns":%d,"kind":"subprocess_state","span_id":"00000000000000a2","attrs":{"state":"spawned","pid":77}}',
		',{"ts_ns":%d,"kind":"checkpoint","span_id":"00000000000000a2","attrs":{"event":"notify","status":"at work"}}');
	for my $i (0 .. 999_999) {
		print $big sprintf $dull[$i % 4], $i * 9000;
	}
	print $big $tail;
	close $big or die $!;
	my $start = time;
	my $pid = fork // die $!;
	if (!$pid) {
		chdir $dir or die $!;
		open STDOUT, '>', "$dir/out" or die $!;
		exec { '/bin/sh' } 'sh', '-c', 'ulimit -v ' . ($slow > 1 ? 'unlimited' : 128 * 1024) . '; exec "$0" report big/run-trace.json', $runner;
		die "exec: $!";
	}
	waitpid $pid, 0;
	is($?, 0, 'a million events are read in 128 MiB of address space');
	# The bound of the contract is 4 s on an idle machine; a busy one is given more.
	cmp_ok(time - $start, '<', 20 * $slow, sprintf 'in %.1f s', time - $start);
	like(slurp("$dir/out"), qr/hang\.sleep/, 'with the same result');
}

done_testing();
