#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Collectors that are no samplers: the Molt Profile Artifact, profiles that runtimes take of themselves, other people's
# executables. None of them shows a value of the program or a secret.
use strict;
use warnings;
use lib 'tests/lib';
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use SpecRunner;
use Test::More;

my $json = JSON::PP->new->utf8->canonical;
my $dir = new_dir();
sub load { my ($path) = @_; my $text = read_file($path); return defined $text ? $json->decode($text) : undef }
sub artifact { my ($r, $name) = @_; return load((glob "$r->{dir}/.artifacts/raw/run-*/artifact-$name.json")[-1] // 'none') }
sub clean { system 'rm', '-rf', "$dir/.artifacts"; return }

write_file("$dir/helper.py", "COUNT = 0\ndef bump():\n    global COUNT\n    COUNT += 1\n");
write_file("$dir/app.py", <<'PY');
import sys
import helper
class Point:
    def __init__(self, x):
        self.x = x
        self.tag = "planted-attribute"
    def move(self, d):
        self.x += d
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def fails(): raise ValueError("planted-exception")
def make(d, items): return {"planted-key-out": items}
def main():
    p = Point(1)
    for i in range(5): p.move(i); helper.bump()
    fib(10)
    try: fails()
    except ValueError: pass
    make({"planted-key": 1, "b": "planted-value"}, ["planted-element", 2])
    print(sys.argv[1:], __name__, [m for m in sys.modules if 'hook' in m])
    sys.exit(3)
main()
PY

my @pythons = grep { -x } '/usr/bin/python3', map { "$ENV{HOME}/.pyenv/versions/$_/bin/python3" } qw(3.8.18 3.13.0);
for my $python (@pythons) {
	my $plain = run_plain([$python, "$dir/app.py", 'planted-argument'], dir => $dir);
	my @docs;
	for (1, 2) {
		my $r = run_spec(['run', '--quiet', '--mpa', 'molt.json', '--', $python, 'app.py', 'planted-argument', '--token', 'planted-token'],
			dir => $dir, timeout => 60);
		is($r->{code}, 3, "$python: its exit code");
		is($r->{err}, $plain->{err}, 'its standard error') if $_ == 1;
		my $text = read_file("$dir/molt.json") or last;
		unlike($text, qr/planted/, 'no value of the program is in clear');
		unlike($text, qr/\Q$dir\E/, 'no absolute path');
		push @docs, $json->decode($text);
		is(artifact($r, 'mpa')->{status}, 'ok', 'its artifact');
		clean();
	}
	my ($d, $again) = @docs or next;
	is(join(' ', sort keys %$d), join(' ', sort qw(molt_profile_version created_at_utc python_implementation python_version platform
		run_metadata modules symbols call_sites types containers hotspots events redactions)), 'exactly the 14 keys');
	is($d->{molt_profile_version}, '0.1');
	like($d->{created_at_utc}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
	is($d->{platform}{os}, 'linux');
	is($d->{run_metadata}{entrypoint}, 'app.py');
	is_deeply($d->{run_metadata}{argv}, ['app.py', 'sha256:' . sha256_hex('planted-argument'), 'sha256:' . sha256_hex('--token'),
		'<redacted:token>'], 'arguments');
	like($d->{run_metadata}{$_}, qr/^sha256:[0-9a-f]{64}$/, $_) for qw(env_fingerprint inputs_fingerprint);
	is($d->{symbols}{'app:fib'}{calls}, 177, 'exact counts');
	is_deeply($d->{symbols}{'app:fails'}{exceptions}, { ValueError => 1 }, 'exceptions');
	is_deeply($d->{modules}{helper}, { kind => 'py', file => 'helper.py', mutations => [{ attr => 'COUNT', count => 5 }] }, 'mutations');
	is_deeply($d->{types}{'app.Point'}, { attrs => { x => ['int'], tag => ['str'] }, mutated => ['x'], count => 1 }, 'types');
	my $c = $d->{containers}{'app:make:d'};
	is_deeply($c->{keys}, [sort map { 'sha256:' . sha256_hex($_) } 'planted-key', 'b'], 'keys of a dict');
	is_deeply($c->{elem_types}, ['int', 'str']);
	my %hot = map { $_->{symbol} => $_ } @{ $d->{hotspots} };
	ok($hot{$_}, "hotspot $_") for 'app.fib', 'app__fib', 'app.app__fib', 'app__molt_user_main';
	is($hot{'app__fib'}{alias_of}, 'app.fib', 'the name by which the compiler looks');
	my ($site) = grep { $_->{targets}[0]{symbol} eq 'app:make' } @{ $d->{call_sites} };
	is_deeply($site->{arg_types}, [['dict', 'list']], 'types of arguments');
	is_deeply($site->{ret_types}, ['dict'], 'and of what it returns');
	for my $one ($d, $again) {
		delete $one->{created_at_utc};
		delete @{ $one->{run_metadata} }{qw(duration_ms env_fingerprint)}; # each run here is marked by a variable of its own
		delete @{$_}{qw(time_ms self_ms rank)} for @{ $one->{hotspots} };
		$one->{hotspots} = [sort { $a->{symbol} cmp $b->{symbol} } @{ $one->{hotspots} }];
	}
	ok($json->encode($d->{$_}) eq $json->encode($again->{$_}), "the same again but for the times: $_") for sort keys %$d;
}

subtest 'where no Molt profile can be' => sub {
	my $r = run_spec(['run', '--mpa', "$dir/no/such/x.json", '--', 'true']);
	is($r->{code}, 2, 'no folder for it');
	$r = run_spec(['run', '--mpa', 'x.json', '--', 'true']);
	is($r->{code}, 0);
	like($r->{err}, qr/no Molt profile was made/);
	is(artifact($r, 'mpa')->{status}, 'partial');
	ok(artifact($r, 'mpa')->{reason}, 'with its reason');
};

subtest 'an executable of somebody' => sub {
	my $bin = new_dir();
	my $head = "#!/bin/sh\nwhile [ \$# -gt 0 ]; do case \$1 in --pid) pid=\$2; shift;; --out) out=\$2; shift;; esac; shift; done\ncat >/dev/null\n";
	write_file("$bin/spec-runner-collector-demo", $head . <<'SH');
echo "password=planted-secret of $pid" > $out/demo.txt
printf '{"collector":"Demo","category":"system","timestamp":"2026-01-01T00:00:00.000Z","metrics":{"x_count":3},"raw_files":["demo.txt"]}' > $out/artifact.json
SH
	write_file("$bin/spec-runner-collector-empty", $head . "exit 0\n");
	write_file("$bin/spec-runner-collector-bad", $head . "echo '{\"collector\":\"Bad\"}' > \$out/artifact.json\n");
	chmod 0755, glob "$bin/*";
	my $r = run_spec(['record', '--collect', 'demo,empty,bad', '--', 'sh', '-c', 'exit 4'],
		env => { PATH => "$bin:$ENV{PATH}" }, timeout => 60);
	is($r->{code}, 4, 'the exit code is the command\'s');
	my $a = artifact($r, 'demo');
	is_deeply([@{$a}{qw(collector category status reason)}], ['Demo', 'system', 'ok', undef], 'its artifact');
	is($a->{metrics}{x_count}, 3);
	my $raw = read_file("$r->{dir}/.artifacts/$a->{raw_files}[0]");
	like($raw, qr/password=<redacted/, 'its raw file, redacted');
	is(artifact($r, 'empty')->{status}, 'failed');
	like(artifact($r, 'bad')->{reason}, qr/category/, 'what is missing');
	is(scalar(grep { -d } glob "$r->{dir}/.artifacts/raw/run-*/*"), 0, 'no folder is left');
	is(run_spec(['record', '--collect', 'demo', '--', 'true'])->{code}, 2, 'without it: a usage error');
	no_survivors($r);
};

subtest 'what node takes of itself' => sub {
	my ($node) = grep { -x } map { "$_/node" } split /:/, $ENV{PATH};
	plan skip_all => 'no node' unless $node;
	my $r = run_spec(['record', '--collect', 'nodeprof', '--', $node, '-e',
		'function hot(){let s=0;for(let i=0;i<3e7;i++)s+=i%7;return s} hot();hot(); console.log(1); process.exit(5)'], timeout => 60);
	is($r->{code}, 5);
	is($r->{out}, "1\n");
	my $a = artifact($r, 'nodeprof');
	is($a->{status}, 'ok') or diag $a->{reason};
	my ($file) = @{ $a->{raw_files} };
	like($file, qr/\d\.cpuprofile$/);
	like(run_spec(['report', '--profile', "$r->{dir}/.artifacts/$file", '--format', 'folded'])->{out}, qr/;hot \d/, 'it can be read');
};

done_testing();
