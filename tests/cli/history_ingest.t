#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Foreign files into the history: what each kind says, by figures worked out by hand; graphs, rankings, evidence packs.
use strict;
use warnings;
use lib 'tests/lib';
use History;
use JSON::PP;
use SpecRunner;
use Test::More;

plan skip_all => 'the history was left out: its packages are missing' unless has_history();
my $dir = new_dir();
my $home = { SPEC_RUNNER_HISTORY => "$dir/h", API_TOKEN => 'sehr-geheimes-wort' };
my @answers;

sub verb { return run_spec([@_], dir => $dir, env => $home) }
sub ingest {
	my ($name, $text, @more) = @_;
	write_file("$dir/$name", $text);
	my $r = verb('ingest', 'artifacts', '--path', $name, '--json', @more);
	push @answers, $r->{out} if $r->{code} == 0;
	return ($r, eval { decode_json($r->{out}) } // {});
}
sub metrics { my ($v) = @_; return join ' ', map { sprintf '%s=%.6g', $_->{metric_name}, $_->{value} } grep { !%{ $_->{tags} } } @{ $v->{metrics} } }

# --- hitrace: latencies 5 5 6 10 14 15 22 119 us, preempted 10 10 19 us, and half of one processor idle
my ($t, @lines, @switches) = (1000);
my $line = sub { my ($cpu, $at, $text) = @_; push @lines, [$at, sprintf("  my app: x-77   (  %d) [%03d] d..%d 168758.%06d: %s", 5, $cpu, 3, $at, $text)] };
my $pid = 100;
for my $wait (5, 5, 6, 10, 14, 15, 22, 119) {
	$pid++;
	$line->(0, $t, "sched_waking: comm=a b pid=$pid prio=120 target_cpu=001");
	$line->(0, $t + 1, "sched_wakeup: comm=a b pid=$pid prio=120 target_cpu=001");
	$line->(0, $t + 2, "sched_wakeup: comm=a b pid=$pid prio=120 target_cpu=001");
	$line->(1, $t + 1 + $wait, "sched_switch: prev_comm=swapper/1 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=a b next_pid=$pid next_prio=120");
	# woken while it runs: that dies when it leaves
	$line->(0, $t + 2 + $wait, "sched_wakeup: comm=a b pid=$pid prio=120 target_cpu=001");
	$line->(1, $t + 3 + $wait, "sched_switch: prev_comm=a b prev_pid=$pid prev_prio=120 prev_state=S ==> next_comm=swapper/1 next_pid=0 next_prio=120");
	$t += 200;
}
for my $wait (10, 10, 19) {
	$pid++;
	$line->(2, $t, "sched_switch: prev_comm=p prev_pid=$pid prev_prio=120 prev_state=R+ ==> next_comm=q next_pid=9 next_prio=98");
	$line->(2, $t + $wait, "sched_switch: prev_comm=q prev_pid=9 prev_prio=98 prev_state=S ==> next_comm=p next_pid=$pid next_prio=120");
	$t += 200;
}
my $trace = "# tracer: nop\r\n#\r\n" . join "\r\n", map { $_->[1] } @lines;
my ($r, $v) = ingest('trace.txt', $trace);
is $v->{artifacts}[0]{kind}, 'hitrace', 'ftrace text is known by its content' or diag $r->{err};
my $end = $lines[-1][0];
my $busy = 8 * 2; # of processor 1; processor 2 is never idle
my $span = $end - 1000;
my $idle = (2 * $span - $busy - $span) / (2 * $span);
is metrics($v), sprintf('sched_latency_p50=12 sched_latency_p95=85.05 sched_latency_p99=112.21 preempt_latency_p50=10 preempt_latency_p95=18.1 ' .
	'preempt_latency_p99=18.82 cpu_idle_ratio=%.6g cpu_util_avg=%.6g', $idle, 1 - $idle), 'its figures';
is $v->{unreadable_lines}, 0, 'every line was read';
my ($r1) = ingest('wake.txt', join "\n", grep { !/sched_wakeup/ } split /\r?\n/, $trace);
my $waking = decode_json($r1->{out});
is((grep { $_->{metric_name} eq 'sched_latency_p50' } @{ $waking->{metrics} })[0]{value}, 13, 'waking counts where there is no wakeup');
($r) = ingest('bad.txt', "# tracer: nop\n" . "nonsense\n" x 3 . $lines[0][1] . "\n", '--kind', 'hitrace');
is $r->{code}, 1, 'half of it nonsense: exit 1';
is((ingest('only.txt', "# tracer: nop\n$lines[0][1]\n"))[1]{metrics}[0], undef, 'no data: no metric, and not 0');

# --- a frame timeline
($r, $v) = ingest('frames.csv', "ts,dur\n0,16\n16,40\n56,16\n72,50\n122,50\n172,10\n");
is metrics($v), 'fps_avg=32.967 frame_drop_rate=0.5 jank_p95_ms=50', 'frames per second, drops, p95';
is_deeply [map { "$_->{start_ms}-$_->{end_ms}:$_->{frames}" } @{ $v->{windows} }], ['72-172:2', '16-56:1'], 'windows, most late first';
($r, $v) = ingest('frames.json', encode_json({ frames => [map { { begin => $_ * 16_667_000, took => 16_400_000 } } 0 .. 9] }), '--columns', 'ts=begin,dur=took', '--unit', 'ns');
is((grep { $_->{metric_name} eq 'frame_drop_rate' } @{ $v->{metrics} })[0]{value}, 0, 'a tenth of a period is no miss; other names, other units');
is((ingest('what.json', '{"a": 1}'))[0]{code}, 2, 'what nobody knows is exit 2');
is((ingest('perf.data', "PERFILE2\0\0\0"))[0]{code}, 2, 'perf.data is refused');
like((ingest('perf.data', "PERFILE2\0\0\0"))[0]{err}, qr/perf script/, 'with the command that converts it');

# --- folded, perf script, fold
($r, $v) = ingest('x.folded', "main;a;b 5\nmain;a 2\nmain;c;b 3\nmain;a;b;a 1\n");
is metrics($v), 'samples_total=4 weight_total=11', 'folded stacks';
is join(' ', map { "$_->{tags}{symbol}:" . sprintf '%.4f', $_->{value} } grep { %{ $_->{tags} } } @{ $v->{metrics} }), 'b:0.7273 a:0.2727', 'hotspots by self';
my $stacks = $v->{run_id};
my $perf = "# cmdline : perf record x\nmy prog 12/13 [001] 1.000000: 5 cycles:\n\tffffffff81 do_it+0x10 ([kernel.kallsyms])\n\t  55 std::f<int>(int, char)->g (/usr/bin/x)\n\t  66 [unknown] (/lib/libz.so.1)\n\n" .
	"my prog 12/13 [001] 1.000001: 7 instructions:\n\t  55 h (/usr/bin/x)\n\njava 1/2 2.0: cycles:\n\t 1 Lorg/a/B;::call (/tmp/perf-1.map)\n\n";
write_file("$dir/p.txt", $perf);
is verb('ingest', 'fold', 'p.txt')->{out}, "java;org/a/B:::call 1\nmy_prog;[libz.so.1];std::f<int>;g_[i];do_it 5\n", 'ingest fold';
is verb('ingest', 'fold', 'p.txt', '--all', '--tid', '--addrs')->{out},
	"java-1/2;org/a/B:::call_[j] 1\nmy_prog-12/13;[libz.so.1 <66>];std::f<int>;g_[i];do_it_[k] 5\n", 'with everything';
is verb('ingest', 'fold', 'p.txt', '--event-filter', 'instructions')->{out}, "my_prog;h 7\n", 'another event';
is((ingest('p2.txt', $perf))[1]{artifacts}[0]{kind}, 'perf-script', 'perf script is known by its content');

# --- hiperf
my $report = "loading data\nprepare report\n<<Hiperf Report>>\n\nEvent: hw-cpu-cycles (type 0 id 0)\nSamples Count: 20\nEvent Count: 1000\n" .
	"Heating count  comm   pid  tid  dso          func \n60.00%     600 my app 1204 1204 /system/x.so std::vector<int, a<int> >::f(int const&) \n" .
	"           inner\n           outer\n10.00%     100 my app 1204 1204 /system/x.so main \nreport done\n";
($r, $v) = ingest('hiperf.txt', $report);
is $v->{artifacts}[0]{kind} . ' ' . metrics($v), 'hiperf samples_total=20 weight_total=1000', 'a text report of hiperf';
is((grep { ($_->{tags}{rank} // 0) == 1 } @{ $v->{metrics} })[0]{tags}{symbol}, 'std::vector<int, a<int> >::f(int const&)', 'names are cut at the columns');
my $tree = { selfEvents => 0, subEvents => 10, symbol => -1, callStack => [{ selfEvents => 2, subEvents => 10, symbol => 0,
	callStack => [{ selfEvents => 8, subEvents => 8, symbol => 1, callStack => [] }] }] };
my $hj = { SymbolMap => { 0 => { file => 0, symbol => 'main' }, 1 => { file => 0, symbol => 'leaf' } }, recordSampleInfo => [{ eventConfigName => 'e', eventCount => 10,
	processes => [{ pid => 1, eventCount => 10, threads => [{ tid => 1, eventCount => 10, sampleCount => 5, CallOrder => $tree, CalledOrder => $tree, libs => [] }] }] }] };
($r, $v) = ingest('hiperf.json', encode_json($hj));
is metrics($v) . ' ' . $v->{metrics}[2]{tags}{symbol}, 'samples_total=5 weight_total=10 leaf', 'a JSON report; one order counts';
is metrics((ingest('hiperf.html', '<html><script id="record_data" type="application/json">' . encode_json($hj) . '</script></html>'))[1]),
	'samples_total=5 weight_total=10', 'the page that holds it';

# --- junit
my $junit = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><testsuites><testsuite name="outer"><testsuite name="inner">' .
	'<testcase name="a &lt;1&gt; &e; &#228;" classname="C" time="1,234.5"/><testcase name="b"><failure/></testcase>' .
	'<testcase name="flaky" time="2"><flakyFailure time="1"/></testcase><testcase name="r"><failure/><rerunFailure/></testcase>' .
	'<testcase name="s"><skipped/></testcase><testcase name="e"><error/></testcase></testsuite></testsuite></testsuites>';
($r, $v) = ingest('junit.xml', $junit);
my $rows = history_json($dir, 'sql', "SELECT suite, case_id, attempt, result, duration_ms FROM v_test_results WHERE run_id = '$v->{run_id}' ORDER BY case_id, attempt", $home)->{rows};
is join('|', map { "$_->{suite} $_->{case_id} $_->{attempt} $_->{result} " . ($_->{duration_ms} // '-') } @$rows),
	"C a <1> &e; \x{e4} 1 pass 1234500|inner b 1 fail -|inner e 1 error -|inner flaky 1 fail 1000|inner flaky 2 pass 2000|inner r 1 fail -|inner r 2 fail -|inner s 1 skip -",
	'JUnit: suites, attempts, thousands, entities that stay';

# --- redaction, --run-id
my $secret = "a;b 1\nc;sehr-geheimes-wort 2\n";
($r, $v) = ingest('secret.folded', $secret, '--run-id', $stacks);
is $v->{run_id}, $stacks, 'into a run that is there';
my $all = join '', map { read_file("$dir/h/artifacts/$_") } files_in("$dir/h/artifacts");
unlike $all, qr/sehr-geheimes-wort/, 'no secret is stored';
is((ingest('y.folded', "a 1\n", '--run-id', 'run-nope'))[0]{code}, 1, 'an unknown run is exit 1');

# --- analyze: half of a function's cost to who called it
($r, $v) = ingest('z.folded', "main;a;b 8\nmain;b 2\nmain;a 2\n");
my $run = $v->{run_id};
$r = verb('analyze', '--run-id', $run, '--runtime', '--json');
push @answers, $r->{out};
# x(b) = 10, x(a) = 2 + .5 * 10 * 8/10 = 6, x(main) = .5 * (6 + 10 * 2/10) = 4
is join(' ', map { "$_->{symbol}:" . sprintf '%.4f', $_->{score} } @{ decode_json($r->{out})->{hotspots} }), 'b:0.5000 a:0.3000 main:0.2000', 'funcrank';
my $graph = history_json($dir, 'sql', "SELECT a.path, g.metadata_json FROM graphs g JOIN artifacts a ON a.artifact_id = g.payload_artifact_id WHERE g.run_id = '$run'", $home)->{rows};
my $pcg = read_file("$dir/h/$graph->[0]{path}");
push @answers, $pcg;
is join(' ', sort map { join ',', @$_{qw(caller callee count cost)} } @{ decode_json($pcg)->{edges} }), '0,1,2,10 0,2,1,2 1,2,1,8', 'the graph of calls';
is verb('analyze', '--run-id', $run, '--runtime', '--json')->{code}, 0, 'again';
is scalar @{ history_json($dir, 'sql', "SELECT 1 AS x FROM graphs WHERE run_id = '$run'", $home)->{rows} }, 1, 'and still one graph';

# --- evidence
$r = verb('evidence', '--run-id', $run);
push @answers, $r->{out};
my $pack = decode_json($r->{out});
is_deeply [$pack->{kind}, map { $_->{hotspot}{symbol} } @{ $pack->{items} }], ['hotspot', 'b', 'a', 'main'], 'an evidence pack';
is_deeply $pack->{items}[0]{pcg}{callers}[0], { symbol => 'a', cost => 8, count => 1 }, 'its costliest caller';
is $pack->{tokens_estimate}, int((length($r->{out}) + 3) / 4), 'the estimate is of its own bytes';
is verb('evidence', '--run-id', $run)->{out}, $r->{out}, 'the same store, the same bytes';
my $small = verb('evidence', '--run-id', $run, '--max-prompt-tokens', '400')->{out};
push @answers, $small;
my $tight = decode_json($small);
ok length($small) <= 1600 && @{ $tight->{dropped} } && $tight->{items}[0]{summaries}{short}, 'a small budget: fields are dropped and named';
is verb('evidence', '--run-id', $run, '--symbol', 'nope')->{code}, 1, 'no such symbol';

# --- repo
SKIP: {
	skip 'no git here', 3 if system('command -v git >/dev/null') != 0;
	mkdir "$dir/repo";
	write_file("$dir/repo/f g.txt", "hello\n");
	system("cd $dir/repo && git init -q . && git add -A && git -c user.email=a\@b -c user.name=x commit -qm one >/dev/null");
	$r = verb('ingest', 'repo', '--path', 'repo', '--json');
	push @answers, $r->{out};
	my $sha = decode_json($r->{out})->{artifacts}[0]{sha256};
	my $manifest = read_file("$dir/h/artifacts/" . substr($sha, 0, 2) . "/$sha.json");
	push @answers, $manifest;
	is_deeply decode_json($manifest)->{files}, [{ path => "f g.txt", sha256 => '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03', bytes => 6 }], 'a manifest';
	is verb('ingest', 'repo', '--path', 'repo', '--rev', 'nope')->{code}, 2, 'no such commit';
	is verb('ingest', 'repo', '--path', $dir)->{code}, 2, 'no repository';
}
is verb('history', 'verify')->{out}, "ok\n", 'the store is whole';
obeys('ingest_v1.yaml', 'every answer and file', @answers);
done_testing();
