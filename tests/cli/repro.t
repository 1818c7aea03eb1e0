#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# repro.t - `spec-runner repro`: the recorded hang is run again, recognised, measured, shrunk, and said to be
# gone or not; what cannot be repeated is said in one line; nothing is left, whatever ends it.
use strict;
use warnings;
use lib 'tests/lib';
use Cwd qw(getcwd);
use JSON::PP;
use SpecRunner;
use Test::More;
use Time::HiRes qw(sleep time);

my $schema = getcwd() . '/schemas/repro_v1.yaml';
my $slow = slow_factor();
my $patience = 100;

sub project {
	my ($name) = @_;
	my $dir = new_dir();
	mkdir "$dir/.git";
	return $dir;
}

sub reports { my ($dir) = @_; return sort { (Time::HiRes::stat($b))[9] <=> (Time::HiRes::stat($a))[9] } glob "$dir/.artifacts/repro/*/repro.json" }
sub newest { my ($dir) = @_; my ($f) = reports($dir); return $f ? decode_json(read_file($f)) : {} }

sub repro {
	my ($dir, @args) = @_;
	my $r = run_spec(['repro', @args], dir => $dir, timeout => $patience);
	my ($file) = reports($dir);
	$r->{repro} = $file && $r->{code} != 2 ? decode_json(read_file($file)) : {};
	$r->{file} = $file;
	return $r;
}

sub is_valid {
	my ($dir, $what) = @_;
	write_file("$dir/v.spec.yaml", "version: 1\ncases:\n  - {id: V, harness: {type: data.validate, paths: ['.artifacts/repro/*/repro.json'], schema: $schema}}\n");
	my $r = run_spec(['test', '--artifacts-dir', new_dir(), 'v.spec.yaml'], dir => $dir, timeout => $patience);
	is $r->{code}, 0, "$what: repro.json obeys its schema" or diag $r->{out}, $r->{err};
}

# --- mistakes ---

my $empty = project();
for (['no trace', [], qr/no run-trace\.json in .*: name a trace, or a command after --/],
	['nothing behind --', ['--'], qr/no command after '--'/], ['no such trace', ['nothing'], qr/'nothing' is neither a trace/],
	['two traces', ['a', 'b'], qr/more than one trace/], ['perturb', ['--perturb', 'delays', '--', 'true'], qr/--perturb must be auto, none, all or a list of delay.*'delays'/],
	['confidence', ['--confidence', '1', '--', 'true'], qr/--confidence must be a number above 0 and below 1, not '1'/],
	['runs', ['--runs', '0', '--', 'true'], qr/--runs must be .* not '0'/], ['until', ['--until', 'never', '--', 'true'], qr/--until must be match, any or end/],
	['again', ['--again', '/dev/null'], qr{/dev/null}], ['both', ['--again', 'a', '--confirm-fix', 'b'], qr/exclude each other/]) {
	my ($what, $args, $like) = @$_;
	my $r = run_spec(['repro', @$args], dir => $empty, timeout => $patience);
	is $r->{code}, 2, "$what: exit 2";
	like $r->{err}, qr/\Aspec-runner: [^\n]*$like[^\n]*\n\z/, "$what: one line that says so";
}
ok !-e "$empty/.artifacts/repro", 'and nothing is written';

# --- a stress run ---

my $p = project();
my $r = repro($p, '--runs', 12, '--perturb', 'none', '--until', 'end', '--', '/bin/sh', '-c', 'echo out; exit 0');
is $r->{code}, 1, 'what never fails is not reproduced';
is $r->{out}, '', 'the output of the command is not shown';
is $r->{repro}{counts}{pass}, 12, 'twelve runs passed';
is $r->{repro}{conclusion}, 'not_reproduced', 'and that is the conclusion';
is scalar @{ $r->{repro}{runs} }, 12, 'a row for each';
is_deeply [grep { !/repro\.json$|runs\.jsonl$/ } files_in("$p/.artifacts/repro")], [], 'runs that pass leave no files';
is_valid($p, 'passing runs');

$r = repro($p, '--runs', 20, '--perturb', 'none', '--', '/bin/sh', '-c', 'n=$(cat n 2>/dev/null || echo 0); echo $((n + 1)) >n; [ $n -ne 3 ]');
is $r->{code}, 0, 'the first failure counts';
is scalar @{ $r->{repro}{runs} }, 4, 'and ends it';
is $r->{repro}{runs}[3]{outcome}, 'fail', 'the fourth run failed';
ok -s (($r->{file} =~ s/repro\.json$/run-4\/run-trace.json/r)), 'its trace is kept';

# --- a race that plain runs hardly meet ---

SKIP: {
	skip 'hundreds of runs take too long where each is sanitised', 14 if $ENV{TEST_SANITIZED};
	my $dir = project();
	write_file("$dir/abba.c", <<'C');
#include <pthread.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void *one(void *p) { pthread_mutex_lock(&a); pthread_mutex_lock(&b); pthread_mutex_unlock(&b); pthread_mutex_unlock(&a); return p; }
static void *two(void *p) { pthread_mutex_lock(&b); pthread_mutex_lock(&a); pthread_mutex_unlock(&a); pthread_mutex_unlock(&b); return p; }
int main(void) { pthread_t t, u; pthread_create(&t, 0, one, 0); pthread_create(&u, 0, two, 0); pthread_join(t, 0); pthread_join(u, 0); return 0; }
C
	system('cc', '-g', '-o', "$dir/abba", "$dir/abba.c", '-lpthread') == 0 or skip 'no compiler', 14;
	my $limit = 600 * $slow;
	my $r = repro($dir, '--runs', 400, '--perturb', 'delay', '--seed', 11, '--limit-ms', $limit, '--', './abba');
	is $r->{code}, 0, 'delays reproduce an AB/BA deadlock';
	my $first = $r->{repro};
	is $first->{signature}{pattern_id}, 'hang.deadlock.locks', 'which is what it is';
	ok scalar @{ $first->{runs} } < 400, sprintf 'in run %d', scalar @{ $first->{runs} };
	is $first->{best}{perturb}{kinds}[0], 'delay', 'by delays';
	like $r->{err}, qr/^spec-runner: repro: reproduced$/m, 'the console says so';
	my $script = $r->{file} =~ s/repro\.json$/repro.sh/r;
	is system('sh', '-n', $script), 0, 'repro.sh is a shell script';
	like read_file($script), qr/repro --again/, 'that runs the setting again';
	is_valid($dir, 'a deadlock');
	my $again = repro($dir, '--runs', 400, '--again', $r->{file});
	is $again->{code}, 0, 'it comes again with the same settings';
	is $again->{repro}{runs}[0]{perturb}{delay_us}, $first->{best}{perturb}{delay_us}, 'which are the same';
	my $fixed = repro($dir, '--runs', 5000, '--confirm-fix', $r->{file}, '--', '/bin/true');
	is $fixed->{code}, 0, 'a fix is confirmed';
	is $fixed->{repro}{conclusion}, 'gone', 'gone';
	cmp_ok scalar @{ $fixed->{repro}{runs} }, '>=', 20, 'after at least 20 runs';
	my $few = repro($dir, '--runs', 2, '--confirm-fix', $r->{file}, '--', '/bin/true');
	is $few->{repro}{conclusion}, 'inconclusive', 'two runs say nothing';
}

# --- what delays could reach ---

SKIP: {
	my $dir = project();
	write_file("$dir/s.c", "int main(void) { return 0; }\n");
	system("cc -static -o '$dir/alone' '$dir/s.c' 2>/dev/null") == 0 or skip 'no static C library', 5;
	my $r = repro($dir, '--runs', 2, '--perturb', 'delay', '--until', 'end', '--', './alone');
	like $r->{err}, qr/^spec-runner:   covered: 0 of 1 processes; alone \(static\) is not$/m, 'a static program is not covered';
	$r = repro($dir, '--runs', 2, '--perturb', 'delay', '--until', 'end', '--', '/bin/sh', '-c', './alone; :');
	like $r->{err}, qr/^spec-runner:   covered: 1 of 2 processes; alone \(static\) is not$/m, 'its shell is';
	is_deeply $r->{repro}{coverage}, { covered => 1, processes => 2, missed => ['alone (static)'] }, 'repro.json says so';
	is $r->{repro}{runs}[0]{covered} + $r->{repro}{runs}[1]{covered}, 2, 'for each run';
	is_valid($dir, 'coverage');
}

# --- from a trace ---

my $dir = project();
write_file("$dir/test_many.py", "import threading, unittest\nseen = set()\nclass Many(unittest.TestCase):\n" . join '', map {
	$_ == 9 ? "    def test_09(self):\n        if {2, 5} <= seen:\n            threading.Event().wait()\n" : "    def test_0$_(self):\n        seen.add($_)\n" } 0 .. 9);
my @python = ('/usr/bin/python3', '-m', 'unittest', '-v', 'test_many');
SKIP: {
	-x '/usr/bin/python3' or skip 'no Python', 12;
	my $limit = 1200 * $slow;
	my $hang = run_spec(['run', '--timeout-ms', $limit, '--', @python], dir => $dir, timeout => $patience);
	is $hang->{code}, 124, 'a suite hangs';
	my $r = repro($dir, '--runs', 3, '--perturb', 'none', '--limit-ms', $limit);
	is $r->{code}, 1, 'its test alone does not';
	is_deeply $r->{repro}{selection}{tests}, ['test_many.Many test_09'], 'which was selected';
	$r = repro($dir, '--runs', 3, '--whole', '--perturb', 'none', '--limit-ms', $limit);
	is $r->{code}, 0, 'all of it does';
	is $r->{repro}{runs}[0]{outcome}, 'hang.same', 'the same hang by its finding';
	like read_file($r->{file} =~ s/repro\.json$/repro.sh/r), qr/^exec '\/usr\/bin\/python3' '-m' 'unittest'/m, 'repro.sh needs no spec-runner';
	$r = repro($dir, '--shrink', '--perturb', 'none', '--limit-ms', $limit);
	is $r->{code}, 0, 'it shrinks';
	is_deeply $r->{repro}{shrunk}{tests}, ['test_many.Many test_02', 'test_many.Many test_05'], 'to the two tests that it needs';
	cmp_ok $r->{repro}{shrunk}{runs_spent}, '<=', 25, 'in few runs';
	is_valid($dir, 'a suite');
	# an argument that was redacted cannot be repeated
	run_spec(['run', '--', '/bin/sh', '-c', 'exit 1', '--token', 'abcdef0123456789'], dir => $empty, timeout => $patience);
	my $secret = run_spec(['repro', '--runs', 2], dir => $empty, timeout => $patience);
	is $secret->{code}, 2, 'a redacted word: exit 2';
	like $secret->{err}, qr/word 5 of the recorded command is redacted .*give the command after --/, 'its position, and what to add';

	# and one that is given after -- is written nowhere
	my $given = new_dir();
	$secret = run_spec(['repro', '--runs', 1, '--perturb', 'none', '--', 'sh', '-c', 'exit 1', '--token', 'argSecret4711xy'],
		dir => $given, timeout => $patience);
	is $secret->{code}, 0, 'a secret among the words of the command';
	is_deeply [grep { (read_file("$given/$_") // '') =~ /argSecret/ } files_in($given)], [], '  stands in no file';
	my ($again) = glob "$given/.artifacts/repro/*/repro.json";
	$secret = run_spec(['repro', '--again', $again], dir => $given, timeout => $patience);
	is $secret->{code}, 2, '  so that it must be given again' or diag $secret->{err};
	like $secret->{err}, qr/word 5 of the recorded command is redacted/, '  which is said';
	$secret = run_spec(['repro', '--again', $again, '--', 'sh', '-c', 'exit 1', '--token', 'argSecret4711xy'], dir => $given, timeout => $patience);
	is $secret->{code}, 0, '  with it the settings are used again' or diag $secret->{err};
	is_deeply [grep { (read_file("$given/$_") // '') =~ /argSecret/ } files_in($given)], [], '  and still it stands in no file';
}

# --- what is not here ---
{
	my $dir = project();
	mkdir "$dir/sub";
	write_file("$dir/tool", "#!/bin/sh\nexit 3\n");
	chmod 0755, "$dir/tool";
	run_spec(['run', '--', '../tool'], dir => "$dir/sub", timeout => $patience);
	rename "$dir/tool", "$dir/other";
	my $r = run_spec(['repro', '--runs', 1], dir => $dir, timeout => $patience);
	is $r->{code}, 2, 'a program that is missing: exit 2';
	like $r->{err}, qr/\Aspec-runner: '\.\.\/tool' is not a program that can be run here: .*\n\z/, 'one line says which';
	rename "$dir/other", "$dir/tool";
	rename "$dir/sub", "$dir/gone";
	$r = run_spec(['repro', '--runs', 1], dir => $dir, timeout => $patience);
	is $r->{code}, 2, 'a working folder that is missing: exit 2';
	like $r->{err}, qr/\Aspec-runner: the working folder '[^']*\/sub' of the recorded command is not here: .*\n\z/, 'one line says which';
	rename "$dir/gone", "$dir/sub";
	is run_spec(['repro', '--runs', 1, '--perturb', 'none'], dir => $dir, timeout => $patience)->{code}, 0, 'with both it is repeated';
}

# --- how it ends ---

sub running {
	my ($dir, @args) = @_;
	my $r = start_spec(['repro', @args], dir => $dir);
	ok wait_until(60, sub { -e "$dir/ready" }), 'a run hangs';
	return $r;
}
my @hangs = ('/bin/sh', '-c', 'echo >ready; exec sleep 1000');
for my $signal ('INT', 'TERM') {
	my $dir = project();
	my $r = running($dir, '--perturb', 'none', '--', @hangs);
	kill $signal, $r->{pid};
	finish_spec($r, $patience);
	is $r->{code}, $signal eq 'INT' ? 130 : 143, "SIG$signal ends it";
	is newest($dir)->{counts}{unfinished}, 1, 'what ran is unfinished';
	no_survivors($r, "SIG$signal: nothing is left");
}
{
	my $dir = project();
	my $r = running($dir, '--perturb', 'none', '--for-ms', 1500 * $slow, '--', @hangs);
	finish_spec($r, $patience);
	is $r->{code}, 1, '--for-ms ends it';
	is newest($dir)->{counts}{unfinished}, 1, 'what ran is unfinished';
	no_survivors($r, '--for-ms: nothing is left');
}
{
	my $dir = project();
	my $r = running($dir, '--perturb', 'none', '--until', 'end', '--', '/bin/sh', '-c', 'n=$(cat n 2>/dev/null || echo 0); echo $((n + 1)) >n; [ $n -lt 3 ] || { echo >ready; exec sleep 1000; }');
	kill 'KILL', $r->{pid};
	finish_spec($r, $patience);
	my ($rows) = glob "$dir/.artifacts/repro/*/runs.jsonl";
	is scalar(split /\n/, read_file($rows)), 3, 'SIGKILL loses the running run alone';
	ok wait_until(60, sub { my %left = SpecRunner::tagged($r->{tag}); !%left }), 'and ends that one, too';
	no_survivors($r, 'SIGKILL: nothing is left');
}

# --- left for a debugger ---

{
	my $dir = project();
	my $r = start_spec(['repro', '--perturb', 'none', '--limit-ms', 1500 * $slow, '--keep-alive', '--', '/bin/sh', '-c', 'exec sleep 1000'], dir => $dir);
	ok wait_until(90, sub { (read_file($r->{err_path}) // '') =~ /it hangs; 1 process left alone/ }), 'a matching tree is left alone';
	my ($pid) = read_file($r->{err_path}) =~ /^spec-runner:   pid (\d+) \(sleep\)/m;
	ok $pid && kill(0, $pid), 'it lives, and its pid is said';
	kill 'INT', $r->{pid};
	finish_spec($r, $patience);
	is $r->{code}, 0, 'Ctrl-C ends it: reproduced';
	no_survivors($r, '--keep-alive: nothing is left');
}
done_testing;
