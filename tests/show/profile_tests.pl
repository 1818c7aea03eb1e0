#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# profile_tests.pl - CPU time of each test, as `cpu_ms` of its case.run has it, beside what the test itself measured: suites of pytest, pytest
# with xdist, jest, go test, ctest, and cases of our own; each test of a second or more within 10 % or 30 ms. The tests burn 1.2,
# 0.4 and 0.1 s in turn or wait. jest is fetched from npm into .artifacts/suites once.
#
#   tests/show/profile_tests.pl [--with perf,stop] [NAME]...
use strict;
use warnings;
use Getopt::Long;
use lib 'tests/show';
use ProfileShow;

my $engines = 'perf,stop';
GetOptions('with=s' => \$engines) or die "usage: see the head of $0\n";
my $work = root() . '/.artifacts/suites';
my ($python, $go, $node, $ctest) = map { where_is($_) } qw(python3 go node ctest);
my $split = root() . '/.artifacts/build/tests/zoo/split';

my $pytest = <<'PY';
import os, time, pytest
def burn(s):
    end = time.process_time() + s
    while time.process_time() < end: pass
@pytest.fixture(autouse=True)
def told(request):
    before = time.process_time()
    yield
    with open(os.environ["TRUTH"], "a") as f: f.write("%s %.1f\n" % (request.node.name, 1e3 * (time.process_time() - before)))
def test_a_burns(): burn(1.2)
def test_b_sleeps(): time.sleep(1.1); burn(0.05)
def test_c_half(): burn(0.6); time.sleep(0.6)
def test_d_short(): burn(0.1)
def test_e_burns(): burn(1.0)
def test_f_child(): assert os.system("python3 -c 'import time\nwhile time.process_time() < 1: pass'") == 0
PY
my %suites = (
	pytest => sub {
		my ($at) = @_;
		put("$at/test_burn.py", $pytest);
		return ($python, '-m', 'pytest', '-v', '-p', 'no:cacheprovider');
	},
	xdist => sub {
		my ($at) = @_;
		put("$at/test_burn.py", $pytest);
		return ($python, '-m', 'pytest', '-v', '-n', '2', '-p', 'no:cacheprovider');
	},
	jest => sub {
		my ($at) = @_;
		-d "$work/jest/node_modules/jest" or system("mkdir -p $work/jest && cd $work/jest && npm init -y >/dev/null && npm install --silent --no-audit --no-fund jest") == 0 or return;
		put("$at/package.json", '{}');
		symlink "$work/jest/node_modules", "$at/node_modules";
		for my $file (1, 2) {
			put("$at/burn$file.test.js", <<"JS");
const fs = require('fs');
const used = () => { const u = process.cpuUsage(); return (u.user + u.system) / 1e3 };
function burn(ms) { const end = used() + ms; while (used() < end); }
let before;
beforeEach(() => { before = used() });
afterEach(() => fs.appendFileSync(process.env.TRUTH, expect.getState().currentTestName + ' ' + (used() - before) + '\\n'));
test('burns-$file', () => burn(1200));
test('sleeps-$file', async () => { await new Promise(r => setTimeout(r, 1100)); burn(50) });
test('half-$file', async () => { burn(600); await new Promise(r => setTimeout(r, 600)) });
JS
		}
		return ($node, 'node_modules/jest/bin/jest.js', '--verbose');
	},
	'go test' => sub {
		my ($at) = @_;
		$go or return;
		put("$at/go.mod", "module burn\n");
		put("$at/burn_test.go", <<'GO');
package burn
import ("fmt"; "os"; "syscall"; "testing"; "time")
func used() float64 { r := syscall.Rusage{}; syscall.Getrusage(0, &r)
	return float64(r.Utime.Sec+r.Stime.Sec)*1e3 + float64(r.Utime.Usec+r.Stime.Usec)/1e3 }
func burn(ms float64) { end := used() + ms; for used() < end {} }
func told(t *testing.T) func() { before := used(); return func() {
	f, _ := os.OpenFile(os.Getenv("TRUTH"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0644)
	fmt.Fprintf(f, "%s %.1f\n", t.Name(), used()-before); f.Close() } }
func TestBurns(t *testing.T) { defer told(t)(); burn(1200) }
func TestSleeps(t *testing.T) { defer told(t)(); time.Sleep(1100 * time.Millisecond); burn(50) }
func TestHalf(t *testing.T) { defer told(t)(); burn(600); time.Sleep(600 * time.Millisecond) }
func TestShort(t *testing.T) { defer told(t)(); burn(100) }
GO
		return ($go, 'test', '-v', '-count=1');
	},
	ctest => sub {
		my ($at) = @_;
		$ctest or return;
		put("$at/CTestTestfile.cmake", join '', map { my ($n, $c) = @$_; "add_test($n \"/bin/bash\" \"-c\" \"$c; times > t.$$; tail -1 t.$$ | sed 's/^/$n /' >> \$TRUTH\")\n" }
			['burns', "$split 1.2"], ['sleeps', "$split 0.05 sleep 1100"], ['twice', "$split 0.6 & $split 0.6; wait"], ['short', "$split 0.1"]);
		return ($ctest, '-V', '-j2');
	},
	cases => sub {
		my ($at) = @_;
		put("$at/a.spec.yaml", "version: 1\ncases:\n" . join '', map { my ($n, $c) = @$_;
			"  - {id: $n, title: t, harness: {type: cli.run, env: {TRUTH: \"$at/truth\"}, argv: [/bin/bash, -c, \"$c; times > t.$$; tail -1 t.$$ | sed 's/^/$n /' >> \$TRUTH\"]}}\n" }
			['burns', "$split 1.2"], ['sleeps', "$split 0.05 sleep 1100"], ['twice', "$split 0.6 & $split 0.6; wait"], ['short', "$split 0.1"]);
		return ('test', "$at/a.spec.yaml");
	},
);

print "| suite | engine | test | its own count, ms | cpu_ms | wait_ms | kept |\n|---|---|---|---|---|---|---|\n";
for my $name (@ARGV ? @ARGV : ('pytest', 'xdist', 'jest', 'go test', 'ctest', 'cases')) {
	for my $with (split /,/, $engines) {
		my $at = fresh();
		my @command = $suites{$name}->($at) or do { row(undef, $name, $with, 'not here', '', '', ''); next };
		$ENV{TRUTH} = "$at/truth";
		$ENV{GOCACHE} = "$work/gocache";
		my @verb = $name eq 'cases' ? (@command[0, 1], '--collect', 'cpu,wall,proc') : ('record', '--', @command);
		my $r = record($at, $verb[0], '--sample-with', $with, @verb[1 .. $#verb]);
		if ($r->{code} == 2) { row(undef, $name, $with, "refused: $r->{err}", '', '', ''); next }
		warn "$name: exit $r->{code}\n$r->{out}$r->{err}" if $r->{code};
		my (%truth, %seen);
		for (split /\n/, get("$at/truth")) {
			my ($n, $rest) = /^(\S+) (.*)/ or next;
			$truth{$n} = $rest =~ /m/ ? 0 : $rest;
			$truth{$n} += $1 * 60e3 + $2 * 1e3 while $rest =~ /(\d+)m([\d.]+)s/g;
		}
		for my $s (grep { $_->{name} eq 'case.run' } @{ trace_of($at)->{spans} }) {
			my ($n) = grep { $s->{attrs}{case_id} =~ /(?:^|\W)\Q$_\E$/ } keys %truth;
			$seen{$n} = $s if $n;
		}
		for my $n (sort keys %truth) {
			my $s = $seen{$n};
			# the child of test_f is not in the test's own clock
			my $want = $truth{$n} + ($n eq 'test_f_child' ? 1015 : 0);
			my $got = $s ? $s->{attrs}{cpu_ms} : undef;
			my $allowed = 0.1 * $want > 30 ? 0.1 * $want : 30;
			my $judged = !$s || $s->{duration_ms} >= 1000 || ($s->{attrs}{test_duration_ms} // 0) >= 1000;
			row(!$judged ? undef : defined $got && abs($got - $want) <= $allowed, $name, $with, $n, sprintf('%.0f', $want),
				defined $got ? sprintf('%.0f', $got) : 'none', $s ? sprintf('%.0f', $s->{attrs}{wait_ms} // -1) : 'no case.run');
		}
	}
}
finish_rows();
