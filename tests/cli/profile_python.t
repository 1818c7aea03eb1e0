#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# --collect cprofile: exact counts of every Python process, whatever way it starts and ends; nothing of it can be seen from
# inside; who could not be counted is named.
use strict;
use warnings;
use lib 'tests/lib';
use JSON::PP;
use SpecRunner;
use Test::More;

my $json = JSON::PP->new->utf8;
my $dir = new_dir();
write_file("$dir/calls.py", <<'PY');
import multiprocessing, os, sys, threading
def leaf(): pass
def many(n):
    for _ in range(n): leaf()
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def main():
    many(1000); fib(12)
    pid = os.fork()
    if pid == 0:
        many(77); os._exit(3)
    os.waitpid(pid, 0)
    ts = [threading.Thread(target=many, args=(500,)) for _ in range(3)]
    [t.start() for t in ts]; [t.join() for t in ts]
if __name__ == '__main__':
    main()
    p = multiprocessing.get_context('spawn').Process(target=many, args=(55,)); p.start(); p.join()
    print(sys.path[0], sys.argv, [m for m in sys.modules if 'hook' in m or 'lsprof' in m], [p for p in sys.path if 'pyhook' in p])
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, '-c', 'exec("def after(): pass\\nfor i in range(9): after()")'])
PY
my @pythons = grep { -x } '/usr/bin/python3', map { "$ENV{HOME}/.pyenv/versions/$_/bin/python3" } qw(3.8.18 3.12.1 3.13.0);
plan skip_all => 'no python3' unless @pythons;

for my $python (@pythons) {
	my $plain = run_plain([$python, "$dir/calls.py"], dir => $dir);
	my $r = run_spec(['run', '--quiet', '--collect', 'cprofile', '--', $python, "$dir/calls.py"], dir => $dir, timeout => 60);
	is($r->{code}, 0, $python);
	is($r->{out}, $plain->{out}, 'nothing of it is seen from inside');
	is($r->{err}, $plain->{err}, 'nor on stderr');
	my ($raw) = (glob "$dir/.artifacts/raw/run-*")[-1];
	my $counts = `$python -c 'import glob,pstats,sys
t={}
for f in sorted(glob.glob(sys.argv[1]+"/*.pstats")):
    for k,v in pstats.Stats(f).stats.items():
        t[k[2]]=t.get(k[2],0)+v[1]
print(t.get("leaf"),t.get("many"),t.get("fib"),t.get("after"))' $raw`;
	is($counts, "2632 6 465 9\n", 'calls in threads, below fork and spawn, after exec');
	my $a = $json->decode(read_file("$raw/artifact-cprofile.json"));
	is($a->{collector}, 'CProfileCollector', 'the name of its artifact');
	is($a->{status}, 'ok') or diag $json->encode($a->{metrics}{missed});
	my ($leaf) = grep { $_->{function} eq 'leaf' } @{ $a->{metrics}{top} };
	is($leaf->{call_count}, 2632, 'metrics.top has them') if $leaf;
	ok(-e "$dir/.artifacts/$_", "raw file $_") for @{ $a->{raw_files} };
	ok(!-e "$raw/pyhook", 'the hook is gone');
	unlink glob "$dir/.artifacts/raw/run-*/*";
	system 'rm', '-rf', "$dir/.artifacts";
}

subtest 'who is missed' => sub {
	my $python = $pythons[0];
	my $r = run_spec(['run', '--collect', 'CProfileCollector', '--', 'sh', '-c',
		"$python -I -c 'import time; time.sleep(.3)'; env -i $python -c 'import time; time.sleep(.3)'; $python -c 'import cProfile; cProfile.run(\"1\")'"],
		timeout => 60);
	like($r->{err}, qr/watched from inside/, 'it says so before it starts');
	my $a = $json->decode(read_file((glob "$r->{dir}/.artifacts/raw/run-*/artifact-cprofile.json")[0]));
	is($a->{status}, 'partial');
	my $why = join "\n", map { $_->{reason} } @{ $a->{metrics}{missed} };
	like($why, qr/-I/, 'by its option');
	like($why, qr/environment/, 'by its environment');
	like($why, qr/uses cProfile itself/, 'because it counts for itself');
	no_survivors($r);
};

done_testing();
