#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A secret in a stack's local text, in a path, in an argument, in a function's name and in the end of the output: it is in no
# report of any format and in no file. The same with shapes that are known by themselves, for reports made elsewhere.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use RealHangs;
use File::Find ();
use Test::More;

plan skip_all => 'no python3' if !$RealHangs::python;
# By its name in the environment; by its shape.
my $secret = 'zq7Kxw2mVt9pLrB4';
my $shape = 'ghp_' . 'A1b2C3d4E5f6G7h8I9j0' . 'K1l2M3n4O5p6Q7r8';
my $dir = new_dir();
write_file("$dir/hang.py", <<'PY');
import fcntl, os, subprocess, sys, threading, time

def work(text, path, command):
    local_text = "prefix " + text
    print("connecting with " + text, flush=True)
    print("token=" + text, file=sys.stderr, flush=True)
    first = open(path, "w")
    fcntl.flock(first, fcntl.LOCK_EX)
    if os.fork() == 0:
        other = open(path, "w")
        fcntl.flock(other, fcntl.LOCK_EX)
    subprocess.run(command + [text])
    return local_text

threading.current_thread().name = "t-" + os.environ["DEPLOY_TOKEN"][:10]
space = {}
exec("def f_" + os.environ["DEPLOY_TOKEN"] + "(*a): work(*a)", {"work": work}, space)
list(space.values())[0](os.environ[sys.argv[1]], "lock-" + os.environ[sys.argv[1]], ["sh", "-c", "sleep 99; true"])
PY

for my $case (['by its name in the environment', 'DEPLOY_TOKEN', $secret], ['by its shape', 'PLAIN', $shape]) {
	my ($name, $variable, $text) = @$case;
	my $r = run_spec(['--timeout-ms', 2000 * slow_factor(), '--profile-level', 'detailed', 'run', '--', $RealHangs::python, 'hang.py', $variable],
		dir => $dir, env => { DEPLOY_TOKEN => $secret, PLAIN => $shape });
	is($r->{code}, 124, "$name: it hung");
	like($r->{out}, qr/connecting with \Q$text\E/, "$name: what passes through is not ours to change");
	unlike($r->{err} =~ s/^token=.*\n//mr, qr/\Q$text\E/, "$name: not in the console's block");
	like($r->{err}, qr/^spec-runner: hang\./m, "$name: which is there");
	my @files;
	File::Find::find({ no_chdir => 1, wanted => sub { push @files, $_ if -f $_ } }, "$dir/.artifacts");
	my @bad = grep { index(read_file($_) // '', $text) >= 0 } @files;
	is_deeply(\@bad, [], "$name: in none of " . @files . ' files');
	ok((grep { /stdout\.tail$/ } @files) && (grep { /snapshot-\d+\.json$/ } @files), "$name: the tail and what was seen are among them");
	# Another machine makes them again, without the variable.
	for my $format (qw(console facts github html json markdown sarif junit tap tests-json)) {
		my $f = run_spec(['report', '--format', $format], dir => $dir, env => { DEPLOY_TOKEN => undef, PLAIN => undef });
		ok($f->{code} == 0 && length $f->{out} && index($f->{out}, $text) < 0, "$name: not in --format $format");
	}
	kill_tagged($r->{tag});
}
done_testing();
