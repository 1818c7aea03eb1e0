#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# zoo_healthy.t - real programs that are slow and well: silent for longer than counts as a stall, and ended by themselves. None of them
# may get a finding of a hang. And three of them ended by a limit while they were at work: the finding names who was at work.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Zoo;
use Test::More;

my $python = which('python3');
my $slow = slow_factor();
my $data = new_dir();
my $stall_ms = 300;

# Text that compresses and sorts slowly, a source that compiles slowly.
sub make_data {
	my $n = 12345;
	open my $out, '>', "$data/big.txt" or die;
	for (1 .. 160_000) {
		$n = ($n * 1103515245 + 12345) & 0x7fffffff;
		print $out "$n some words that stand in every line ", $n % 977, "\n";
	}
	close $out;
	my $source = "#include <math.h>\n";
	$source .= "double f$_(double x) { for (int i = 0; i < $_; i++) x += sin(x * i) * cos(x + $_) / sqrt(x * x + 1); return x; }\n" for 1 .. 500;
	write_file("$data/big.c", $source . "int main(void) { return 0; }\n");
	write_file("$data/Makefile", "all: a b c d\na b c d:\n\t\@sleep 0.6; xz -6 -c big.txt | head -c 0; :\n.PHONY: all a b c d\n");
	write_file("$data/primes.py", <<'PY');
n, found, last = 2, 0, 0
while found < 7000:
    if all(n % d for d in range(2, int(n ** 0.5) + 1)):
        found += 1
        if found % 5000 == 0:
            print(found, n, flush=True)
    n += 1
PY
	write_file("$data/query.py", <<'PY');
import sqlite3
db = sqlite3.connect(":memory:")
db.execute("create table t (a integer, b integer)")
db.executemany("insert into t values (?, ?)", ((i * 7919 % 10007, i) for i in range(2400)))
print(db.execute("select count(*) from t x, t y where x.a * y.a % 13 = 5").fetchone()[0])
PY
	write_file("$data/slow_suite.py", <<'PY');
import time, unittest
class Slow(unittest.TestCase):
    def test_a(self): time.sleep(0.8)
    def test_b(self): sum(i * i for i in range(6_000_000))
    def test_c(self): time.sleep(0.8)
unittest.main(verbosity=2)
PY
	write_file("$data/poller.sh", 'for i in 1 2 3; do while [ ! -e "$0.$i" ] && [ "${n:-0}" -lt 4 ]; do sleep 0.2; n=$((n + 1)); done; n=0; echo "round $i"; done');
	write_file("$data/crunch.js", 'let x = 0; const t = Date.now(); while (Date.now() - t < 1500) for (let i = 0; i < 1e6; i++) x = (x + i * i) % 1000003; console.log(x);');
	system("cd $data && git init -q repo && cd repo && for i in 1 2 3; do head -60000 ../big.txt | sed s/words/w\$i/ | split -l 1000 - p; " .
		"git add . && git -c user.name=z -c user.email=z\@localhost commit -q -m \$i; done") if which('git');
}

my $in = "cd $data &&";
my @well = (
	['gcc', 'a long compile', "$in exec gcc -O3 big.c -o big -lm"],
	['xz', 'compresses, without a word', "$in head -60000 big.txt | xz -9 -c | wc -c"],
	['sort', 'sorts by words', "$in sort -k2 -n big.txt | sort -r | sort -k7 | tail -1"],
	['find', 'looks for files that are not there', q(find /usr /var -xdev -name 'no such file' 2>/dev/null; find /usr -xdev -type f -size +900000k 2>/dev/null; sleep 0.5; echo done)],
	['python3', 'primes, with a rare line', "$in exec python3 primes.py"],
	['sqlite', 'a big query', "$in exec python3 query.py"],
	['git', 'gc', "$in cd repo && exec git gc -q --prune=now"],
	['dd and gzip', 'a pipeline without a word', "$in dd if=/dev/urandom bs=1M count=40 2>/dev/null | gzip -6 | wc -c"],
	['make', 'two silent jobs at once', "$in exec make -s -j2"],
	['a poller', 'sleeps mostly, a line now and then', "sh $data/poller.sh"],
	['unittest', 'a slow suite', "$in exec python3 slow_suite.py"],
	['node', 'computes', "$in exec node crunch.js"],
	['sleep', 'a wait within its limit', 'sleep 1.3; echo done'],
);

sub hangs_of {
	my ($r) = @_;
	my $found = eval { JSON::PP::decode_json(read_file("$r->{dir}/.artifacts/findings.json")) };
	return $found ? map { $_->{pattern_id} } @{ $found->{findings} } : 'no findings.json';
}

make_data();
my $stalls = 0;
my @left = grep {
	my ($tool) = $_->[2] =~ /exec (\w+)/;
	my $there = !$tool || which($tool);
	note "no $tool: skipped" if !$there;
	$there;
} @well;
while (my @some = splice @left, 0, 3) {
	my @runs = map {
		start_spec(['--profile-level', 'detailed', '--profile-heartbeat-ms', 200, '--liveness-stall-ms', $stall_ms, '--liveness-min-events', 1,
				'--timeout-ms', 60000 * $slow, 'run', '--pty', 'never', '--', 'sh', '-c', $_->[2]])
	} @some;
	for my $i (0 .. $#some) {
		my ($name, $does) = @{ $some[$i] };
		my $r = finish_spec($runs[$i], 90);
		is $r->{code}, 0, "$name: $does: ends by itself" or diag $r->{err};
		note sprintf '%s: %.1f s', $name, $r->{ms} / 1000;
		my @found = hangs_of($r);
		my @hangs = grep { /^(hang\.|no )/ } @found;
		is "@hangs", '', "$name: no hang is found";
		my $t = trace_of($r);
		my $n = grep { $_ eq 'stall.subprocess.no_output_no_event' } $t ? tokens($t) : ();
		$stalls += !!$n;
		no_survivors($r, "$name: nothing is left alive");
		zoo_row('healthy', { name => $name, does => $does, finding => 'none of hang.*', waits => $n ? "silent beyond $stall_ms ms" : '' }, '', '', '',
			@hangs || $r->{code} ? "WRONG: @hangs" : 'right');
	}
}
cmp_ok $stalls, '>=', 4, "$stalls of them were silent for longer than a stall";

# At work when the limit came: hang.spin says who computes and that it may be slow work; never a wait for somebody else.
my @cut = (
	['xz, cut', 'at work when its limit came', "$in exec xz -9e -k -c big.txt big.txt big.txt big.txt > /dev/null", qr/\bxz \(/],
	['python3, cut', 'at work when its limit came', "$in exec python3 -c 'n = 0\nwhile True: n += 1'", qr/python3 \(/],
	['gcc, cut', 'a child of a child is at work when the limit came', "$in gcc -O3 -fno-inline big.c big.c big.c big.c -o big2 -lm; :", qr/\bcc1 \(|\bas \(|\bgcc \(/],
);
for my $c (grep { my ($tool) = $_->[2] =~ /(?:exec|&&) (xz|python3|gcc)/; which($tool) } @cut) {
	my ($name, $does, $command, $who) = @$c;
	my $r = finish_spec(start_spec(['--timeout-ms', 1200 * $slow, 'run', '--pty', 'never', '--', 'sh', '-c', $command]), 40);
	my $found = eval { JSON::PP::decode_json(read_file("$r->{dir}/.artifacts/findings.json")) };
	my $first = $found->{findings}[0] // { pattern_id => 'nothing', summary => '' };
	my $good = $first->{pattern_id} =~ /^(hang\.spin|hang\.unexplained|machine\.|run\.)/ && $first->{summary} =~ /$who|not hung|ended by|still made progress/;
	ok $good, "$name: $first->{pattern_id}" or diag $first->{summary}, $r->{err};
	no_survivors($r, "$name: nothing is left alive");
	zoo_row('healthy', { name => $name, does => $does, finding => 'hang.spin, or that it is not known', waits => '' }, '', '', $first->{location} // '',
		$good ? 'right' : "WRONG: $first->{pattern_id}");
}
zoo_section('healthy', 'Slow and well', "A stall is silence, whatever the processor does: it is recorded, with how much CPU time there was. A finding of a hang needs more: that the\n" .
	"run was ended from outside while it made no progress. Who then computes is named as such (hang.spin), and that it may be slow work.");
done_testing;
