#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Where the time goes: samples of programs whose split is known, sums against the kernel's own count, waits by their kind,
# every format read back, and what happens when a sampler is refused or killed.
use strict;
use warnings;
use lib 'tests/lib';
use JSON::PP;
use SpecRunner;
use Test::More;
use Time::HiRes qw(sleep);

my $json = JSON::PP->new->utf8;
my $spec = spec();
my $split = zoo('split');

sub raw_of { my ($r) = @_; return (glob "$r->{dir}/.artifacts/raw/run-*")[-1] // 'none' }
sub load { my ($path) = @_; my $text = read_file($path); return defined $text ? $json->decode($text) : undef }

# Milliseconds of samples whose stack holds a function of that name, by the column of the sample.
sub ms_of {
	my ($p, $what, $column, $waits) = @_;
	my $sum = 0;
	for my $s (@{ $p->{samples} }) {
		next if defined $waits && ($s->[4] < 0) != !$waits;
		next if defined $what && !grep { ($p->{frames}[$_]{function} // '') =~ $what } @{ $p->{stacks}[ $s->[2] ] };
		$sum += $s->[$column] / 1e6;
	}
	return $sum;
}
sub near { my ($got, $want, $off, $name) = @_; return ok(abs($got - $want) <= $off, "$name: $got, wanted $want +-$off") }

sub report {
	my ($r, @args) = @_;
	return run_spec(['report', @args], dir => $r->{dir});
}

for my $with ('perf', 'stop') {
	my $r = run_spec(['record', '--sample-with', $with, '--', $split, '2'], timeout => 60);
	if ($r->{code} == 2 && $r->{err} =~ /refused/) {
		like($r->{err}, $with eq 'perf' ? qr/perf_event_open/ : qr/ptrace/, "$with is refused, with a word how to allow it");
		next;
	}
	is($r->{code}, 0, "$with: the exit code is the command's");
	is($r->{out}, '', "$with: nothing is added to its output");
	my $p = load(raw_of($r) . '/profile.json') or next;
	my $all = ms_of($p, undef, 5);
	ok($all > 1900 && $all < 2600, "$with: CPU time is what the kernel counted ($all ms)");
	# Three sigma of a share among so many samples, and a point for rounding.
	my ($sum, $squares) = (0, 0);
	for (grep { $_->[4] < 0 } @{ $p->{samples} }) { $sum += $_->[5]; $squares += $_->[5]**2 }
	my $n = int($sum**2 / ($squares || 1)); # unequal weights tell as little as so many equal ones
	for my $f (['split_alpha', 70], ['split_beta', 20], ['split_gamma', 10]) {
		my $sigma = 100 * sqrt($f->[1] / 100 * (1 - $f->[1] / 100) / ($n || 1));
		near(100 * ms_of($p, qr/^$f->[0]$/, 5) / $all, $f->[1], 3.5 * $sigma + 1, "$with: share of $f->[0], $n samples");
	}
	my ($hot) = grep { ($_->{function} // '') eq 'work' } @{ $p->{frames} };
	like($hot->{file} // '', qr{split\.c$}, "$with: the hot function has its file");
	my $a = load(raw_of($r) . '/artifact-cpu.json');
	is($a->{status}, 'ok', "$with: its artifact is ok") or diag $a->{reason};
	is($a->{metrics}{with}, $with, "$with: and says so");
	ok($a->{metrics}{overhead}{stopped_ms} <= 0.007 * $all + 1, "$with: stopped for $a->{metrics}{overhead}{stopped_ms} ms");
	is(run_spec(['verify', "$r->{dir}/.artifacts/run-trace.json"])->{code}, 0, "$with: the trace is valid");
}

# What is counted without any sample is no sample.
subtest 'a run in which nothing could be sampled' => sub {
	my $r = run_spec(['record', '--collect', 'cpu', '--sample-hz', '1', '--', $split, '0.01'], timeout => 60);
	my $a = load(raw_of($r) . '/artifact-cpu.json') or return fail('an artifact');
	plan skip_all => 'a sample was taken' if $a->{metrics}{unknown_share} < 1;
	is($a->{status}, 'partial', 'is partial');
	like($a->{reason}, qr/^the tree used \d+ ms of CPU: no sample$/, 'and the reason says why');
};

subtest 'short children are all there' => sub {
	local $ENV{ASAN_OPTIONS} = ($ENV{ASAN_OPTIONS} // '') . ':detect_leaks=0'; # a process more beside each sanitised one
	my $r = run_spec(['record', '--', 'sh', '-c', "i=0; while [ \$i -lt 40 ]; do $split 0.012; i=\$((i+1)); done"], timeout => 60);
	is($r->{code}, 0);
	my $p = load(raw_of($r) . '/profile.json') or return;
	my $a = load(raw_of($r) . '/artifact-cpu.json');
	plan skip_all => 'without perf_event_open they are too short' if $a->{metrics}{with} ne 'perf';
	is(scalar(grep { $_->{pid} == $_->{tid} && $_->{comm} eq 'split' } @{ $p->{threads} }), 40, 'each has its row');
	my %cpu;
	$cpu{ $_->[1] } += $_->[5] / 1e6 for @{ $p->{samples} };
	my @children = map { $cpu{$_} // 0 } grep { $p->{threads}[$_]{comm} eq 'split' } 0 .. $#{ $p->{threads} };
	my $seen = 0;
	$seen += $_ for @children;
	# together within 12 % of what they used, as promised; one child alone may lose a tick of the clock, never half of its time
	cmp_ok($seen, '>=', 0.88 * 40 * 12, 'their CPU time is there') or diag join ' ', map { sprintf '%.1f', $_ } @children;
	is(scalar(grep { $_ < 6 } @children), 0, 'and of each of them') or diag join ' ', map { sprintf '%.1f', $_ } @children;
};

subtest 'waits by their kind' => sub {
	my $r = run_spec(['record', '--', 'sh', '-c', "$split 0.05 sleep 600 & read x < /dev/null; wait"], timeout => 60);
	my $p = load(raw_of($r) . '/profile.json') or return;
	my %kind;
	$kind{ $p->{waits}[ $_->[4] ]{kind} } += $_->[6] / 1e6 for grep { $_->[4] >= 0 } @{ $p->{samples} };
	my $factor = slow_factor();
	ok(($kind{sleep} // 0) > 500 && ($kind{sleep} // 0) < 600 + 200 * $factor, 'the sleep of 600 ms: ' . ($kind{sleep} // 0));
	ok(($kind{child} // 0) > 500, 'the shell waited for its child: ' . ($kind{child} // 0));
	my %life;
	$life{ $_->[1] } += $_->[6] for @{ $p->{samples} };
	for my $i (0 .. $#{ $p->{threads} }) {
		my $t = $p->{threads}[$i];
		my $lived = ($t->{end_ns} - $t->{start_ns}) / 1e6;
		near(($life{$i} // 0) / 1e6, $lived, 20 + 0.02 * $lived, "wall time of $t->{comm}");
	}
};

subtest 'formats' => sub {
	my $r = run_spec(['record', '--', 'sh', '-c', "$split 0.6 sleep 200"], timeout => 60);
	my $p = load(raw_of($r) . '/profile.json') or return;
	for my $w (['cpu', 5, undef], ['wall', 6, undef], ['wait', 6, 1]) {
		my $folded = report($r, '--format', 'folded', '--weight', $w->[0])->{out};
		my ($sum, $lines) = (0, 0);
		for (split /\n/, $folded) { / (\d+)$/ and $sum += $1; $lines++ }
		near($sum / 1000, ms_of($p, undef, $w->[1], $w->[2]), 0.001 * $lines + 0.001, "folded: sum of $w->[0]");
		is_deeply([split /\n/, $folded], [sort split /\n/, $folded], "folded: $w->[0] is sorted");
	}
	for my $f (qw(folded flamegraph speedscope pprof chrome firefox profile-json)) {
		my ($a, $b) = map { report($r, '--format', $f)->{out} } 1 .. 2;
		ok(length $a > 100 && $a eq $b, "$f: the same bytes twice");
		next if $f =~ /flamegraph|chrome|firefox/;
		write_file("$r->{dir}/one.$f", $a);
		my $again = report($r, '--profile', "$r->{dir}/one.$f", '--format', 'folded');
		is($again->{code}, 0, "$f: is read back") or diag $again->{err};
		like($again->{out}, qr/split_alpha/, "$f: with its names");
	}
	my $svg = report($r, '--format', 'flamegraph')->{out};
	unlike($svg, qr/<script|href|http(?!:\/\/www\.w3\.org\/2000\/svg)/, 'flamegraph: no script, nothing from outside');
	like($svg, qr/<title>split_alpha \([\d.]+ ms/, 'flamegraph: each frame has a title');
	my $scope = $json->decode(report($r, '--format', 'speedscope')->{out});
	for (@{ $scope->{profiles} }) {
		my $sum = 0;
		$sum += $_ for @{ $_->{weights} };
		is($sum, $_->{endValue} - $_->{startValue}, 'speedscope: weights add up');
		is(scalar @{ $_->{weights} }, scalar @{ $_->{samples} }, 'speedscope: a weight a sample');
	}
	my $chrome = $json->decode(report($r, '--format', 'chrome')->{out});
	ok((grep { $_->{ph} eq 'X' && $_->{pid} == 0 && $_->{name} eq 'run.total' } @{ $chrome->{traceEvents} }), 'chrome: spans');
	ok(!(grep { $_->{ph} eq 'X' && $_->{dur} < 0 } @{ $chrome->{traceEvents} }), 'chrome: durations');
	is(report($r, '--format', 'folded', '--case', 'nobody')->{code}, 2, '--case of no test');
	is(report($r, '--format', 'artifacts')->{out} =~ /^cpu .* ok /m, 1, 'artifacts');
	is(report($r, '--format', 'folded', '--baseline', raw_of($r) . '/profile.json')->{out} =~ / \d+ \d+$/m, 1, '--baseline');
	is(report($r, '--profile', $split, '--format', 'folded')->{code}, 1, 'a binary is no profile');
	my $html = report($r, '--format', 'html')->{out};
	my ($section) = $html =~ m{(<section id="profile">.*?</section>)}s;
	like($section // '', qr/CPU time, [\d.]+ ms.*Wall time.*Waits.*Over time/s, 'report.html: three graphs and what was used');
	unlike($section // '<script', qr/<script|onclick|href/, 'without a script');
	like($section // '', qr{<td><code>work</code>}, 'report.html: the hottest function');
};

# Tests whose names come when they have ended, and tests at once in processes of their own that no stack tells apart.
subtest 'CPU time of tests' => sub {
	my $r = run_spec(['record', '--dialect', 'jest', '--', 'perl', '-MTime::HiRes=time', '-e', 'my @ms; for my $s (0.5, 0.2) { my $at = time; '
		. 'system $ARGV[0], $s; push @ms, 1000 * (time - $at) } printf "PASS ./a.test.js\n  \xe2\x9c\x93 first (%d ms)\n  \xe2\x9c\x93 second (%d ms)\n\n'
		. 'Test Suites: 1 passed, 1 total\nTests:       2 passed, 2 total\n", @ms', $split], timeout => 60);
	my %cpu = map { $_->{attrs}{case_id} => $_->{attrs}{cpu_ms} } spans(trace_of($r), 'case.run');
	my $late = slow_factor() > 2; # what is printed is then heard of late
	near($cpu{first} // -1, 500, $late ? 200 : 60, 'told of when they had ended: the first');
	near($cpu{second} // -1, 200, $late ? 200 : 60, 'and the second');
	# ctest -j2: both run at once, one ends long before the other. On a busy machine lines are heard of late, as here on purpose.
	for (['named as they begin', 0], ['named late', 0.1]) {
		my ($how, $wait) = @$_;
		write_file("$r->{dir}/ctest.pl", <<"PL");
\$| = 1;
sub start { my \$pid = fork // die; if (!\$pid) { exec { \$_[0] } \@_ or die } return \$pid }
print "Test project /tmp/x\n";
print "    Start 1: long\n    Start 2: short\n" if !$wait;
my (\$long, \$short) = (start('$split', 0.9), start('$split', 0.3));
select undef, undef, undef, $wait;
print "    Start 1: long\n    Start 2: short\n" if $wait;
waitpid \$short, 0;
print "1/2 Test #2: short ............................   Passed    0.30 sec\n";
waitpid \$long, 0;
print "2/2 Test #1: long .............................   Passed    0.90 sec\n\n100% tests passed, 0 tests failed out of 2\n";
PL
		$r = run_spec(['record', '--dialect', 'ctest', '--', 'perl', "$r->{dir}/ctest.pl"], timeout => 60);
		%cpu = map { $_->{attrs}{case_id} => $_->{attrs}{cpu_ms} } spans(trace_of($r), 'case.run');
		near($cpu{long} // -1, 900, 90, "at once, $how: the long one");
		near($cpu{short} // -1, 300, 30, 'and the short one');
	}
};

# Idle workers wait on a lock, too, which nobody holds.
subtest 'locks and queues' => sub {
	my ($python) = grep { -x } '/usr/bin/python3';
	plan skip_all => 'no python3' unless $python;
	my $dir = new_dir();
	write_file("$dir/pool.py", <<'PY');
import concurrent.futures, queue, threading, time
ex = concurrent.futures.ThreadPoolExecutor(3)
list(ex.map(lambda i: time.sleep(0.01), range(6)))
q = queue.Queue()
ts = [threading.Thread(target=q.get) for _ in range(2)]
[t.start() for t in ts]
time.sleep(1)
[q.put(None) for _ in ts]
PY
	write_file("$dir/contend.py", <<'PY');
import threading, time
lock = threading.Lock()
def worker():
    for _ in range(6):
        with lock: time.sleep(0.05)
ts = [threading.Thread(target=worker) for _ in range(4)]
[t.start() for t in ts]; [t.join() for t in ts]
PY
	for (['pool.py', 0], ['contend.py', 1]) {
		my ($script, $want) = @$_;
		my $r = run_spec(['record', '--', $python, "$dir/$script"], timeout => 60);
		my ($f) = grep { $_->{pattern_id} eq 'perf.lock.contention' } @{ $json->decode(report($r, '--format', 'json')->{out})->{findings} };
		is($f ? 1 : 0, $want, "$script: contention") or diag $r->{err};
		next unless $want && $f;
		like($f->{location}, qr/contend\.py:worker:5$/, 'at the line');
		like($f->{evidence}{'lock.waiters'}{value}, qr/^[234]$/, 'each thread counts once') or diag $json->encode($f->{evidence});
	}
};

# All of ours at once. Returns the run, whose journal and log are left.
sub killed_record {
	my $r = start_spec(['record', '--', $split, '60']);
	my $ran = sub {
		my %of = tagged($r->{tag});
		my ($child) = grep { $of{$_} eq 'split' } keys %of;
		return $child && (read_file("/proc/$child/schedstat") // '') =~ /^(\d+)/ && $1 > 1.5e9;
	};
	ok(wait_until(20, $ran), 'it runs') or return kill_tagged($r->{tag});
	my %of = tagged($r->{tag});
	kill KILL => grep { (readlink("/proc/$_/exe") // '') =~ m{/spec-runner(?:-sampler)?$} } keys %of;
	finish_spec($r);
	kill_tagged($r->{tag});
	return $r;
}

# Who is being killed still holds the journal until it is gone.
sub recovered {
	my ($r) = @_;
	my $out;
	wait_until(20, sub { $out = run_spec(['recover'], dir => $r->{dir}); $out->{out} =~ /sealed in/ });
	return $out;
}

# What the sampler had written goes into the recovered run.
subtest 'killed in the middle' => sub {
	my $r = killed_record();
	my $out = recovered($r);
	like($out->{out}, qr/sealed in/, 'its journal is sealed') or diag $out->{err};
	my $p = load(raw_of($r) . '/profile.json') or return fail('a profile');
	cmp_ok(ms_of($p, qr/^split_alpha$/, 5), '>', 200, 'with the samples until then');
	ok(!-e raw_of($r) . '/profile.log', 'made out of its log');
};

# Where its folder has become a link since, nothing is read, written or removed behind that.
subtest 'killed, and a link in place of its folder' => sub {
	my $r = killed_record();
	my ($raw, $elsewhere) = (raw_of($r), new_dir() . '/elsewhere');
	rename $raw, $elsewhere or return fail("rename: $!");
	symlink $elsewhere, $raw or return fail("symlink: $!");
	write_file("$elsewhere/span-attrs.jsonl", '');
	my @before = sort glob "$elsewhere/*";
	my $out = recovered($r);
	like($out->{out}, qr/sealed in/, 'its journal is sealed') or diag $out->{err};
	is_deeply([sort glob "$elsewhere/*"], \@before, 'the files behind the link are as they were');
};

# What hardly runs is looked at all the same; moving bytes within a match is matching.
subtest 'growth, and what bytes are moved for' => sub {
	my ($python) = grep { -x } '/usr/bin/python3';
	plan skip_all => 'no python3' unless $python;
	my $dir = new_dir();
	write_file("$dir/grow.py", "import time\nx = []\nfor i in range(250): x.append(open('/dev/null')); time.sleep(0.01)\n");
	write_file("$dir/match.py", "import re\nfor i in range(2): re.match(r'(a+)+\$', 'a' * 24 + 'b')\n");
	my %want = ('grow.py' => qr/^perf\.fd\.growth$/, 'match.py' => qr/^perf\.regex\.backtracking$/);
	for my $script (sort keys %want) {
		my $r = run_spec(['record', '--', $python, "$dir/$script"], timeout => 60);
		my @found = map { $_->{pattern_id} } @{ $json->decode(report($r, '--format', 'json')->{out})->{findings} };
		ok((grep { $_ =~ $want{$script} } @found), "$script: @found");
		ok(!(grep { $_ eq 'perf.copy.heavy' } @found), "$script: nothing is copied");
	}
};

subtest 'against a baseline' => sub {
	my $dir = new_dir();
	write_file("$dir/slow.py", <<'PY');
import sys
def grown(n):
    s = 0
    for i in range(n): s += i
    return s
def other(n):
    s = 0
    for i in range(n): s += i
    return s
for _ in range(40): grown(int(sys.argv[1])); other(200000)
PY
	my @python = grep { -x } '/usr/bin/python3';
	plan skip_all => 'no python3' unless @python;
	my @dirs;
	for my $n (20000, 200000) {
		my $r = run_spec(['record', '--', @python, "$dir/slow.py", $n], timeout => 60);
		push @dirs, $r;
	}
	my ($before, $after) = @dirs;
	my $r = report($after, '--format', 'json', '--baseline', raw_of($before) . '/profile.json');
	plan skip_all => 'too few samples' if $r->{err} =~ /fewer than 30/;
	my ($f) = grep { $_->{pattern_id} eq 'perf.regression.function' } @{ $json->decode($r->{out})->{findings} };
	like($f->{location} // '', qr/grown/, 'the function whose share has grown') or diag $r->{out};
	ok(!grep({ $_->{pattern_id} =~ /regression/ } @{ $json->decode(report($after, '--format', 'json')->{out})->{findings} }),
		'none without a baseline');
	$r = report($before, '--format', 'json', '--baseline', raw_of($before) . '/profile.json');
	ok(!grep({ $_->{pattern_id} =~ /regression/ } @{ $json->decode($r->{out})->{findings} }), 'none against itself');
};

subtest 'builds without optimisation' => sub {
	my $dir = new_dir();
	for my $level ('-O0', '-O2') {
		plan skip_all => 'no gcc that names its switches'
			if system("gcc -g $level -Itests/zoo -o $dir/split$level tests/zoo/split.c 2>/dev/null") != 0;
		my $r = run_spec(['record', '--', "$dir/split$level", '1.3'], timeout => 60);
		my @found = map { $_->{pattern_id} } @{ $json->decode(report($r, '--format', 'json')->{out})->{findings} };
		is(scalar(grep { $_ eq 'perf.debug.build' } @found), $level eq '-O0' ? 1 : 0, "$level: @found");
		ok((grep { $_ eq 'perf.hot.function' } @found), "$level: and the hot function");
	}
};

subtest 'usage' => sub {
	for my $bad (['--collect', 'cpuu'], ['--sample-hz', '0'], ['--sample-with', 'magic'], ['--intrusion', '9'],
		['--collect', 'none,cpu'], ['--collect', 'cpu,,wall'], ['--collect', 'cpu', '--profile-level', 'off']) {
		my $r = run_spec(['run', @$bad, '--', 'true']);
		is($r->{code}, 2, "@$bad") or diag $r->{err};
		is(scalar(split /\n/, $r->{err}), 1, 'one line');
	}
	like(run_spec(['run', '--collect', 'cpuu', '--', 'true'])->{err}, qr/did you mean 'cpu'/, 'with the nearest name');
	for my $bad (['--pid', '999999999', '--seconds', '1'], ['--seconds', '1', '--', 'true'], ['--pid', $$, '--collect', 'none'],
		['--pid', $$, '--', 'true']) {
		my $r = run_spec(['record', @$bad]);
		is($r->{code}, 2, "record @$bad") or diag $r->{err};
		is(scalar(split /\n/, $r->{err}), 1, 'one line');
	}
	my $none = run_spec(['run', '--collect', 'none', '--', 'true']);
	is($none->{code}, 0);
	ok(!-e "$none->{dir}/.artifacts", 'none collects nothing');
	is(run_spec(['record', '--', 'sh', '-c', 'exit 7'])->{code}, 7, "record's exit code");
};

# Without the kernel's records most of them are over before they are looked at; their parent's count of ended children has them.
subtest 'short children without perf' => sub {
	my $dir = new_dir();
	my $r = run_spec(['record', '--sample-with', 'stop', '--', '/bin/bash', '-c',
		"for i in {1..60}; do $split 0.012; done; times > $dir/times.txt"], timeout => 120, dir => $dir);
	my $p = load(raw_of($r) . '/profile.json');
	my ($truth, $seen) = (0, 0);
	my ($children) = (split /\n/, read_file("$dir/times.txt"))[1];
	$truth += $1 * 60e3 + $2 * 1e3 while $children =~ /(\d+)m([\d.]+)s/g;
	$seen += $_->[5] / 1e6 for grep { $p->{threads}[ $_->[1] ]{comm} eq 'split' } @{ $p->{samples} };
	near($seen, $truth, 0.12 * $truth, 'CPU time of 60 children of 12 ms');
};

subtest 'a tree that is not ours' => sub {
	my $pid = fork() // die;
	if (!$pid) { { no warnings; exec $split, '60' } POSIX::_exit(127) }
	my $r = run_spec(['record', '--pid', $pid, '--seconds', '2'], timeout => 60);
	kill KILL => $pid;
	waitpid $pid, 0;
	is($r->{code}, 0, 'samples were taken') or diag $r->{err};
	my $p = load(raw_of($r) . '/profile.json') or return;
	ok(ms_of($p, qr/^split_alpha$/, 5) > 0, 'with their functions');
	is(report($r, '--format', 'folded')->{code}, 0, 'and a trace to report on');
};

subtest 'a sampler that is killed' => sub {
	my $r = start_spec(['record', '--', $split, '4']);
	my $log;
	ok(wait_until(20, sub { ($log) = glob "$r->{dir}/.artifacts/raw/run-*/profile.log"; $log && -s $log > 4000 }), 'its log grows')
		or return finish_spec($r);
	my ($sampler) = grep { (readlink "/proc/$_/exe") // '' =~ /spec-runner-sampler/ } map { m{/proc/(\d+)/fd} }
		grep { (readlink // '') eq $log } glob '/proc/[0-9]*/fd/*';
	sleep 1.2;
	kill KILL => $sampler if $sampler;
	$r = finish_spec($r, 60);
	is($r->{code}, 0, 'the command is none the worse');
	my $p = load(raw_of($r) . '/profile.json');
	ok($p && ms_of($p, qr/^split_alpha$/, 5) > 100, 'its samples up to the last second are there');
	is(load(raw_of($r) . '/artifact-cpu.json')->{status}, 'partial', 'and the artifact says what is missing');
	ok(!-e $log, 'the log is gone');
	no_survivors($r);
};

done_testing();
