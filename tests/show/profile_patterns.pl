#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# profile_patterns.pl - each performance pattern with a program that must match and a near relative that must not; by real runs where
# this machine can do it: what it cannot do is said. Some need root: a name server of our own and a machine of eight processors are there
# in a mount namespace alone, cgroups are made and removed. Exit 1 where one is wrong.
#
#   tests/show/profile_patterns.pl [PATTERN]...
use strict;
use warnings;
use lib 'tests/show';
use ProfileShow;

my ($python, $node, $java, $javac, $gcc) = map { where_is($_) } qw(python3 node java javac gcc);
my $at = fresh();
my $n = 0;
my $split = root() . '/.artifacts/build/tests/zoo/split';
sub py { my ($text, @args) = @_; my $f = "$at/p" . ++$n . '.py'; put($f, $text); return [$python, $f, @args] }
sub js { my ($text, @options) = @_; my $f = "$at/p" . ++$n . '.js'; put($f, $text); return [$node, @options, $f] }
sub sh { return ['/bin/bash', '-c', $_[0]] }
sub cc { my ($text, @options) = @_; my $f = "$at/c" . ++$n; put("$f.c", $text); system("gcc -g @options -pthread -o $f $f.c") == 0 or die; return [$f] }
sub tests { my ($text) = @_; my $d = "$at/t" . ++$n; mkdir $d; put("$d/test_a.py", $text); return [$python, '-m', 'pytest', '-v', '-p', 'no:cacheprovider', $d] }
my $burn = "import time\ndef burn(s):\n    end = time.process_time() + s\n    while time.process_time() < end:\n        for i in range(2000): pass\n";
my $server = <<'PY';
import socket, threading, time
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()
def serve():
    c, _ = s.accept(); time.sleep(DELAY); c.send(b'x'); c.close()
threading.Thread(target=serve, daemon=True).start()
c = socket.create_connection(s.getsockname()); c.recv(1)
end = time.process_time() + 0.6
while time.process_time() < end: pass
PY

# A program in a place of our own: files of ours lie over those of the machine, for it and the sampler alone.
my $own_place = $> == 0 && system('unshare -m true 2>/dev/null') == 0;
put("$at/eight", "0-7\n");
put("$at/resolv.conf", "nameserver 127.0.0.9\noptions timeout:1 attempts:1\n");
sub over { my ($ours, $theirs, @argv) = @_; return { around => ['unshare', '-m', '--propagation', 'private', '/bin/sh', '-c', 'mount --bind "$1" "$2" && shift 2 && exec "$@"', 'sh', $ours, $theirs], argv => [@argv] } }
# A cgroup that gives so many microseconds in each 100,000; -1 all of them.
my $group = "/sys/fs/cgroup/cpu/spec-runner-show-$$";
sub cgroup_ready { return $> == 0 && -w '/sys/fs/cgroup/cpu/cgroup.procs' }
END { rmdir $group if defined $group }
sub quota_of { my ($us) = @_; return { quota => $us, argv => py($burn . "burn(0.5)\n") } }
my $dns = <<'PY';
import socket, threading, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.9', 53))
def answer_nobody():
    while True: s.recv(512)
threading.Thread(target=answer_nobody, daemon=True).start()
try: socket.getaddrinfo(NAME, 80)
except OSError: pass
end = time.process_time() + 0.3
while time.process_time() < end: pass
PY
my $faults = <<'PY';
import mmap, os, sys
path, cold = sys.argv[1], int(sys.argv[2])
with open(path, 'wb') as f: f.write(b'x' * 4096 * 3000)
fd = os.open(path, os.O_RDONLY)
os.fsync(fd)
if cold: os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
m = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
m.madvise(mmap.MADV_RANDOM)
s = 0
for i in range(3000): s += m[i * 4096]
for i in range(3000000): s += i
PY
my $swap = "import mmap, time\nm = mmap.mmap(-1, 100 << 20)\nfor i in range(0, 100 << 20, 4096): m[i] = 1\nif OUT: m.madvise(21)\ntime.sleep(1.5)\n";
my $slow = "function slow(n){let s=0;for(let i=0;i<n;i++)s=(s*31+i)&0xffff;return s}\nfunction other(n){let s=0;for(let i=0;i<n;i++)s=(s*31+i)&0xffff;return s}\nwhile(process.cpuUsage().user<3.6e6){slow(100000);other(1000000)}\n";

my $two = py("import sys, time\n" . join('', map { "def $_(s):\n    end = time.process_time() + s\n    while time.process_time() < end:\n        for i in range(2000): pass\n" } qw(alpha beta)) . "alpha(float(sys.argv[1]))\nbeta(float(sys.argv[2]))\n");

# pattern => [a match, a near relative, collectors]; a program is its argv, or {argv, around, quota}; undef: not to be had here
my %patterns = (
	'perf.high_call_count_small_fn' => [py("def f(): pass\nfor i in range(1200000): f()\n"), py("def f(): pass\nfor i in range(400000): f()\n"), 'cprofile'],
	'perf.hot.function' => [py("def hot():\n    s = 0\n    for i in range(90000000): s += i\nhot()\n"), py(join('', map { "def f$_():\n    s = 0\n    for i in range(12000000): s += i\n" } 1 .. 5) . join('', map { "f$_()\n" } 1 .. 5))],
	'perf.gc.pressure' => [py("import gc\ngc.set_threshold(50)\nkeep = [[i] for i in range(400000)]\nx = []\nfor i in range(1500000): x.append([i, [i]])\n"), py("x = []\nfor i in range(6000000): x.append(i)\n")],
	'perf.import.dominates' => [sh("for i in 1 2 3 4; do $python -c 'import asyncio, unittest.mock, xml.dom.minidom, http.server, email.mime.multipart, concurrent.futures.process, ctypes, sqlite3'; done"), py("import json\ns = 0\nfor i in range(12000000): s += i\n")],
	'perf.spawn.storm' => [sh('i=0; while [ $i -lt 120 ]; do /bin/true; i=$((i+1)); done'), sh('i=0; while [ $i -lt 30 ]; do /bin/true; i=$((i+1)); done')],
	'perf.startup.repeated' => [sh("i=0; while [ \$i -lt 14 ]; do $python -c pass; i=\$((i+1)); done"), sh("i=0; while [ \$i -lt 5 ]; do $python -c pass; i=\$((i+1)); done; sleep 0.5")],
	'perf.sleep.in_test' => [tests("import time\ndef test_a(): time.sleep(0.9)\ndef test_b(): pass\n"), tests($burn . "def test_a(): burn(0.9); time.sleep(0.2)\ndef test_b(): pass\n")],
	'perf.poll.busy' => [cc("#include <time.h>\nint main(void){struct timespec t={0,500000};for(int i=0;i<1800;i++)nanosleep(&t,0);}\n", '-O2'), cc("#include <time.h>\nint main(void){struct timespec t={0,20000000};for(int i=0;i<60;i++)nanosleep(&t,0);}\n", '-O2')],
	'perf.lock.contention' => [py("import threading, time\nl = threading.Lock()\ndef w():\n    for _ in range(6):\n        with l: time.sleep(0.05)\nts = [threading.Thread(target=w) for _ in range(4)]\n[t.start() for t in ts]; [t.join() for t in ts]\n"),
		py("import queue, threading, time\nq = queue.Queue()\nts = [threading.Thread(target=q.get) for _ in range(4)]\n[t.start() for t in ts]; time.sleep(1.2); [q.put(1) for _ in ts]\n")],
	'perf.kernel.heavy' => [sh('dd if=/dev/zero of=/dev/null bs=512 count=4000000 2>/dev/null'), py("s = 0\nfor i in range(20000000): s += i\n")],
	'perf.io.small_calls' => [py("f = open('/dev/zero', 'rb', buffering=0)\nfor i in range(4000000): f.read(16)\n"), py("f = open('/dev/zero', 'rb', buffering=65536)\nfor i in range(4000000): f.read(16)\n")],
	'perf.memory.growth' => [py("import time\nx = []\nfor i in range(120): x.append(bytearray(b'x' * 2000000)); time.sleep(0.1)\n"), py("import time\nx = []\nfor i in range(120):\n    x = bytearray(b'x' * 2000000); time.sleep(0.1)\n")],
	'perf.net.wait' => [py($server =~ s/DELAY/1.5/r), py($server =~ s/DELAY/0.05/r)],
	'perf.test.slow_outlier' => [tests("import time\nimport pytest\n\@pytest.mark.parametrize('n', range(12))\ndef test_quick(n): time.sleep(0.02)\ndef test_slow(): time.sleep(1.2)\n"), tests("import time, pytest\n\@pytest.mark.parametrize('n', range(12))\ndef test_same(n): time.sleep(0.1)\n")],
	'perf.fixture.dominates' => [tests($burn . "import pytest\n\@pytest.fixture(autouse=True)\ndef big(): burn(0.2); yield\n" . join('', map { "def test_$_(): burn(0.02)\n" } 1 .. 6)), tests($burn . "import pytest\n\@pytest.fixture(autouse=True)\ndef small(): burn(0.02); yield\n" . join('', map { "def test_$_(): burn(0.2)\n" } 1 .. 6))],
	'perf.repeat.identical_work' => [tests($burn . "def parse(): load()\ndef load(): read()\ndef read(): burn(0.15)\n" . join('', map { "def test_$_(): parse()\n" } 1 .. 7)), tests($burn . join('', map { "def work_$_():\n    s = 0\n    for i in range(2000000): s += i\ndef test_$_(): work_$_()\n" } 1 .. 7))],
	'perf.fd.growth' => [py("import time\nx = []\nfor i in range(160): x.append(open('/dev/null')); time.sleep(0.02)\n"), py("import time\nfor i in range(160):\n    open('/dev/null').close(); time.sleep(0.02)\n")],
	'perf.thread.growth' => [py("import threading, time\nfor i in range(140): threading.Thread(target=time.sleep, args=(3,), daemon=True).start(); time.sleep(0.01)\ntime.sleep(1.3)\n"), py("import threading, time\nfor i in range(140):\n    t = threading.Thread(target=time.sleep, args=(0.01,)); t.start(); t.join()\n")],
	'perf.debug.build' => [cc("int main(void){volatile long s=0;for(long i=0;i<2500000000L;i++)s+=i;}\n", '-O0'), cc("int main(void){volatile long s=0;for(long i=0;i<2500000000L;i++)s+=i;}\n", '-O2')],
	'perf.regex.backtracking' => [py("import re\nfor i in range(8): re.match(r'(a+)+\$', 'a' * 25 + 'b')\n"), py("import re\nr = re.compile('a+b')\ns = 0\nfor i in range(9000000): s += i\nr.match('aab')\n")],
	'perf.copy.heavy' => [py("import copy\nx = [[i, {'a': [i]}] for i in range(2000)]\nfor i in range(150): copy.deepcopy(x)\n"), py("import copy\nx = [1]\ns = 0\nfor i in range(9000000): s += i\ncopy.deepcopy(x)\n")],
	'perf.serialize.heavy' => [py("import json\nx = [{'a': i, 'b': [i] * 5} for i in range(3000)]\nfor i in range(250): json.loads(json.dumps(x))\n"), py("import json\ns = 0\nfor i in range(9000000): s += i\njson.dumps([1])\n")],
	'perf.jit.off' => [js("function f(n){let s=0;for(let i=0;i<n;i++)s=(s*31+i)&0xffff;return s}\nlet t=Date.now();while(process.cpuUsage().user<2.6e6)f(100000)\n", '--jitless'), js("function f(n){let s=0;for(let i=0;i<n;i++)s=(s*31+i)&0xffff;return s}\nwhile(process.cpuUsage().user<2.6e6)f(100000)\n")],
	'perf.gil.contention' => [py("import threading, time\ndef spin():\n    end = time.time() + 1.5; s = 0\n    while time.time() < end:\n        for i in range(1000): s += i\nts = [threading.Thread(target=spin) for _ in range(4)]\n[t.start() for t in ts]; [t.join() for t in ts]\n"), py("import threading, time\nts = [threading.Thread(target=time.sleep, args=(1.2,)) for _ in range(4)]\n[t.start() for t in ts]; [t.join() for t in ts]\n")],
	'perf.hot.line' => [py("def hot(n):\n    s = 0\n    for i in range(n): s += i * i % 7 + i * i % 11 + i * i % 13\n    return s\nhot(12000000)\n"),
		py(join('', map { "def f$_(n):\n    s = 0\n    for i in range(n): s += i * i % 7\n    return s\n" } 1 .. 5) . join('', map { "f$_(5000000)\n" } 1 .. 5))],
	'perf.serial.on_many_cores' => $own_place ? [over("$at/eight", '/sys/devices/system/cpu/online', '/usr/bin/chrt', '-f', '1', $split, '2.5'),
		over("$at/eight", '/sys/devices/system/cpu/online', '/bin/bash', '-c', "for i in 1 2 3 4 5; do chrt -f 1 $split 0.45; sleep 0.6; done")] : undef,
	'perf.machine.contended' => $> == 0 ? [sh("for i in 1 2 3 4 5 6; do $split 0.5 & done; wait"), ['/usr/bin/chrt', '-f', '1', $split, '0.8']] : undef,
	'perf.cgroup.throttled' => cgroup_ready() ? [quota_of(10000), quota_of(-1)] : undef,
	'perf.memory.faults' => [py($faults, "$at/faults", 1), py($faults, "$at/faults", 0)],
	'perf.memory.swap' => (get('/proc/swaps') =~ /\n./) ? [py($swap =~ s/OUT/True/r), py($swap =~ s/OUT/False/r)] : undef,
	'perf.net.dns' => $own_place ? [over("$at/resolv.conf", '/etc/resolv.conf', @{ py($dns =~ s/NAME/'nobody.example'/r) }), over("$at/resolv.conf", '/etc/resolv.conf', @{ py($dns =~ s/NAME/'127.0.0.1'/r) })] : undef,
	'perf.deopt' => $node ? [js($slow, '--no-sparkplug', '--no-maglev', '--turbo-filter=other'), js($slow)] : undef,
	'perf.regression.function' => [{ before => [@$two, 0.2, 0.8], then => [@$two, 0.7, 0.3] }, { before => [@$two, 0.5, 0.5], then => [@$two, 0.5, 0.5] }],
	'perf.io.wait' => [py("import os\nf = os.open('$at/io', os.O_CREAT | os.O_WRONLY)\nfor i in range(400): os.write(f, b'x' * 300000); os.fsync(f)\n"), py("import os\nf = os.open('/dev/null', os.O_WRONLY)\ns = 0\nfor i in range(9000000): s += i\nos.write(f, b'x')\n")],
);
print "| pattern | matches | near relative | place | kept |\n|---|---|---|---|---|\n";
for my $pattern (@ARGV ? @ARGV : sort keys %patterns) {
	exists $patterns{$pattern} or die "no program for '$pattern'\n";
	my ($yes, $no, $collect) = @{ $patterns{$pattern} // [] };
	my (@seen, $place);
	if (!$yes) { row(undef, $pattern, 'not to be had here', '', ''); next }
	for my $program ($yes, $no) {
		my %how = ref $program eq 'HASH' ? %$program : (argv => $program);
		if ($how{before}) { # its finding needs a baseline
			my ($before, $after) = (fresh(), fresh());
			record($before, 'record', '--', @{ $how{before} });
			record($after, 'record', '--', @{ $how{then} });
			my $r = report($after, '--format', 'json', '--baseline', raw_of($before) . '/profile.json');
			my ($f) = grep { $_->{pattern_id} eq $pattern } @{ json()->decode($r->{out})->{findings} };
			push @seen, $f ? $f->{summary} : '-';
			$place //= $f->{location} =~ s{^\Q$at\E/}{}r if $f;
			next;
		}
		my $argv = $how{argv};
		my $dir = -d $argv->[-1] ? $argv->[-1] : fresh(); # a suite runs where it lies
		my @around = @{ $how{around} // [] };
		if ($how{quota}) {
			mkdir $group;
			put("$group/cpu.cfs_quota_us", $how{quota});
			@around = ('/bin/sh', '-c', 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"', 'sh', $group);
		}
		my $r = around($dir, \@around, 'record', ($collect ? ('--collect', $collect) : ()), '--', @$argv);
		warn "$pattern: exit $r->{code} $r->{out}$r->{err}" if $r->{code} && $r->{code} != 1;
		my ($f) = grep { $_->{pattern_id} eq $pattern } findings_of($dir);
		push @seen, $f ? $f->{summary} : '-';
		$place //= ($f->{location} // 'no place') =~ s{^\Q$at\E/}{}r if $f;
	}
	row($seen[0] ne '-' && $seen[1] eq '-', $pattern, @seen, $place // '');
}
finish_rows();
