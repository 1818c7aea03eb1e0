#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# profile_python.pl - exact counts: the .pstats of five programs beside what cProfile itself counts, function by function, in programs
# with children, threads, fork, spawn and xdist; and the Molt Profile Artifact: a strict checker, the same bytes twice but for the times,
# 200 planted strings of which none may stand in clear. Exit 1 where one differs.
#
#   tests/show/profile_python.pl [--python PATH]...
use strict;
use warnings;
use Getopt::Long;
use lib 'tests/show';
use ProfileShow;

my @pythons;
GetOptions('python=s' => \@pythons) or die "usage: see the head of $0\n";
@pythons = grep { -x } '/usr/bin/python3', map { "$ENV{HOME}/.pyenv/versions/$_/bin/python3" } qw(3.8.18 3.12.1 3.13.0) if !@pythons;
my $at = fresh();
my $lib = <<'PY';
import os, sys, threading
def leaf(): pass
def many(n):
    for _ in range(n): leaf()
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
class C:
    def m(self, k): return [self.n(i) for i in range(k)]
    def n(self, i): return sorted(range(i))
def gen(n):
    for i in range(n): yield i * i
PY
# name => [source, calls that each function must have, summed over all processes]
my %programs = (
	plain => ["import lib\nlib.many(1234); lib.fib(15); lib.C().m(50); sum(lib.gen(77))\n", { leaf => 1234, many => 1, fib => 1973, m => 1, n => 50, gen => 78 }],
	threads => ["import lib, threading\nts = [threading.Thread(target=lib.many, args=(500,)) for _ in range(4)]\n[t.start() for t in ts]; [t.join() for t in ts]\nlib.fib(10)\n", { leaf => 2000, many => 4, fib => 177 }],
	fork => ["import lib, os\nlib.many(100)\nfor i in range(3):\n    pid = os.fork()\n    if pid == 0:\n        lib.many(10 * (i + 1)); os._exit(0)\n    os.waitpid(pid, 0)\nlib.fib(8)\n", { leaf => 160, many => 4, fib => 67 }],
	spawn => ["import lib, multiprocessing as mp\nif __name__ == '__main__':\n    ps = [mp.get_context('spawn').Process(target=lib.many, args=(70,)) for _ in range(2)]\n    [p.start() for p in ps]; [p.join() for p in ps]\n    lib.fib(9)\n", { leaf => 140, many => 2, fib => 109 }],
	children => ["import lib, subprocess, sys\nfor i in range(3): subprocess.run([sys.executable, '-c', 'import lib; lib.many(20); lib.fib(6)'], check=True)\nlib.many(5)\n", { leaf => 65, many => 4, fib => 75 }],
	xdist => ["import lib, pytest\n\@pytest.mark.parametrize('i', range(12))\ndef test_it(i): lib.many(i); lib.fib(5)\n", { leaf => 66, many => 12, fib => 180, test_it => 12 }],
);
put("$at/lib.py", $lib);
put("$at/counts.py", <<'PY');
import glob, json, os, pstats, sys
total = {}
for f in sorted(glob.glob(sys.argv[1])):
    for (file, line, name), v in pstats.Stats(f).stats.items():
        if os.path.basename(file) in ("lib.py", "app.py", "test_app.py"):
            total[name] = total.get(name, 0) + v[1]
print(json.dumps(total, sort_keys=True))
PY
print "| python | program | functions equal | differ | kept |\n|---|---|---|---|---|\n";
for my $python (@pythons) {
	(my $version = `$python -V`) =~ s/\s+$//;
	for my $name (qw(plain threads fork spawn children xdist)) {
		my ($source, $truth) = @{ $programs{$name} };
		my $dir = fresh();
		put("$dir/lib.py", $lib);
		put("$dir/" . ($name eq 'xdist' ? 'test_app.py' : 'app.py'), $source);
		if ($name eq 'xdist' && system("$python -c 'import pytest, xdist' 2>/dev/null")) { row(undef, $version, $name, 'no xdist here', ''); next }
		my @run = $name eq 'xdist' ? ($python, '-m', 'pytest', '-q', '-n', '2', '-p', 'no:cacheprovider') : ($python, 'app.py');
		my $r = record($dir, 'run', '--collect', 'cprofile', '--', @run);
		warn "$name: exit $r->{code}: $r->{err}" if $r->{code};
		my $ours = json()->decode(`$python $at/counts.py '$dir/.artifacts/raw/run-*/*.pstats'` || '{}');
		# cProfile itself sees one process and, before 3.12, one thread: there it is asked; else the counts are known by construction.
		my %want = %$truth;
		if ($name eq 'plain') {
			system("cd $dir && $python -m cProfile -o own.pstats app.py");
			%want = %{ json()->decode(`$python $at/counts.py '$dir/own.pstats'`) };
		}
		my @off = grep { ($ours->{$_} // 0) != $want{$_} } sort keys %want;
		row(!@off, $version, $name, @{ [keys %want] } - @off, join ', ', map { "$_: " . ($ours->{$_} // 0) . " not $want{$_}" } @off);
	}
}

# ---- Molt ----
my @words = map { sprintf 'planted%03dsecret', $_ } 1 .. 200;
my @in = @words;
sub some { return map { "'$_'" } splice @in, 0, $_[0] }
put("$at/app.py", join "\n", 'import os, sys, json', 'class Box:', '    def __init__(self, v): self.v = v; self.w = ' . (some(1))[0], '    def get(self): return self.v',
	'def takes(d, l, *a, **k): return {**d, "x": l}', 'def raises(t): raise ValueError(t)',
	'D = {' . join(', ', map { "$_: $_" } some(60)) . '}', 'L = [' . join(', ', some(60)) . ']',
	'for k in D: Box(k).get()', 'takes(D, L, ' . join(', ', some(20)) . ')', 'takes({' . join(', ', map { "$_: 1" } some(20)) . '}, L, z=' . (some(1))[0] . ')',
	map({ "try: raises($_)\nexcept ValueError: pass" } some(20)), 'def f(s=' . (some(1))[0] . '): return s.upper() + ' . (some(1))[0],
	'for i in range(300): f(); json.dumps(D)', 'os.environ["PLANTED"] = ' . (some(1))[0], 'S = set([' . join(', ', some(15)) . '])', '');
for my $python (@pythons) {
	(my $version = `$python -V`) =~ s/\s+$//;
	my @docs;
	for (1, 2) {
		my $r = record($at, 'run', '--quiet', '--mpa', "$at/molt.json", '--', $python, 'app.py', $words[-1]);
		warn "mpa: exit $r->{code}: $r->{err}" if $r->{code};
		push @docs, get("$at/molt.json");
		system 'rm', '-rf', "$at/.artifacts";
	}
	my @clear = grep { $docs[0] =~ /$_/ } @words;
	row(!@clear, $version, '200 planted strings', (200 - @clear) . ' hidden', "@clear");
	my ($x, $y) = map { json()->decode($_) } @docs;
	my @bad = molt_faults($x);
	row(!@bad, $version, 'strict checker', (@bad ? '' : '14 keys, names, forms'), "@bad");
	for my $d ($x, $y) {
		delete $d->{created_at_utc};
		delete @{ $d->{run_metadata} }{qw(duration_ms env_fingerprint)}; # our own run's variables are not in it, a test's folder may be
		delete @{$_}{qw(time_ms self_ms rank)} for @{ $d->{hotspots} };
		$d->{hotspots} = [sort { $a->{symbol} cmp $b->{symbol} } @{ $d->{hotspots} }];
	}
	my @differ = grep { json()->encode([$x->{$_}]) ne json()->encode([$y->{$_}]) } sort keys %$x;
	row(!@differ, $version, 'the same twice but for the times', 14 - @differ, "@differ");
}

# Molt's loader, and what the artifact promises beside it.
sub molt_faults {
	my ($d) = @_;
	my @bad;
	my @keys = sort qw(molt_profile_version created_at_utc python_implementation python_version platform run_metadata modules symbols call_sites types containers hotspots events redactions);
	push @bad, 'keys' if join(' ', sort keys %$d) ne "@keys";
	push @bad, 'version' if $d->{molt_profile_version} ne '0.1';
	push @bad, 'created' if $d->{created_at_utc} !~ /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
	push @bad, "platform.$_" for grep { !length($d->{platform}{$_} // '') } qw(os arch);
	push @bad, 'arch' if $d->{platform}{arch} !~ /^(?:x86_64|arm64)$/;
	my $m = $d->{run_metadata};
	push @bad, "run_metadata.$_" for grep { !defined $m->{$_} } qw(entrypoint argv env_fingerprint inputs_fingerprint duration_ms);
	push @bad, $_ for grep { $m->{$_} !~ /^sha256:[0-9a-f]{64}$/ } qw(env_fingerprint inputs_fingerprint);
	push @bad, 'argv' if grep { !/^sha256:[0-9a-f]{64}$|^<redacted:/ } @{ $m->{argv} }[1 .. $#{ $m->{argv} }];
	for (values %{ $d->{modules} }) { push @bad, 'module kind' if $_->{kind} !~ /^(?:py|builtin|extension)$/; push @bad, 'absolute' if ($_->{file} // '') =~ m{^/} }
	for (keys %{ $d->{symbols} }) { push @bad, "symbol $_" if !/^[^:]+:.+/ || ($d->{symbols}{$_}{code_hash} // '') !~ /^sha256:[0-9a-f]{64}$/ || $d->{symbols}{$_}{calls} < 0 }
	for my $s (@{ $d->{call_sites} }) { push @bad, 'call site' if $s->{id} !~ /^sha256:[0-9a-f]{64}$/ || !@{ $s->{targets} } || grep { !defined $s->{$_} } qw(file line col caller arg_types ret_types exceptions) }
	for my $h (@{ $d->{hotspots} }) { push @bad, 'hotspot' if !defined $h->{time_ms} || !defined $h->{count} || !length $h->{symbol} }
	my %hot = map { $_->{symbol} => 1 } @{ $d->{hotspots} };
	push @bad, "no hotspot $_" for grep { !$hot{$_} } 'app.f', 'app__f', 'app.app__f';
	push @bad, 'redactions' if ($d->{redactions}{mode} // '') ne 'hash' || ($d->{redactions}{plain} // '') ne 'identifiers';
	push @bad, 'absolute path' if json()->encode($d) =~ m{"/(?:tmp|home|usr|root)/};
	push @bad, 'address' if json()->encode($d) =~ /0x[0-9a-f]{6,}/;
	return @bad;
}
finish_rows();
