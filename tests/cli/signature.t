#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The same hang is known again: other pids and addresses, another folder, lines and functions inserted before it.
# Another hang of the same program is another.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use RealHangs;
use JSON::PP;
use Test::More;

my $cc = (grep { -x } map { my $p = $_; map { "$p/$_" } $ENV{CC} // 'cc', 'gcc', 'clang' } split /:/, $ENV{PATH})[0];
my $limit = 1200 * slow_factor();
my $program = <<'C';
#include <pthread.h>
#include <unistd.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
__attribute__((noinline)) static void *take(pthread_mutex_t *x, pthread_mutex_t *y)
{
	pthread_mutex_lock(x);
	usleep(200000);
	pthread_mutex_lock(y);
	return x;
}
static void *left(void *arg) { (void)arg; return take(&a, &b); }
static void *right(void *arg) { (void)arg; return take(&b, &a); }
int main(void)
{
	pthread_t t[2];
	pthread_create(&t[0], NULL, left, NULL);
	pthread_create(&t[1], NULL, right, NULL);
	pthread_join(t[0], NULL);
	return 0;
}
C
my $moved = "/* moved */\n" x 40 . "int unused(int x) { return x * 3; }\n" . $program;
my $other = $program =~ s/take\b/grab/gr;

my $script = <<'PY';
import threading, time
def poll():
    time.sleep(1000)
threading.Thread(target=poll).start()
PY

# Finding ids in their order, and the signatures of all stacks.
sub known_by {
	my (@command) = @_;
	my $dir = new_dir();
	my $r = run_spec(['--timeout-ms', $limit, 'run', '--', @command], dir => $dir);
	my $found = decode_json(read_file("$dir/.artifacts/findings.json") // '{"findings":[]}');
	my $facts = run_spec(['report', '--format', 'facts'], dir => $dir)->{out};
	return { ids => [map { $_->{finding_id} } @{ $found->{findings} }], first => $found->{findings}[0]{pattern_id} // 'none',
		stacks => [sort $facts =~ /^thread .*\bstack_signature=(\S+)/mg], pids => [$facts =~ /^thread pid=(\d+)/mg] };
}

sub build {
	my ($text, @flags) = @_;
	my $dir = new_dir();
	write_file("$dir/locks.c", $text);
	system($cc, '-g', '-pthread', @flags, '-o', "$dir/locks", "$dir/locks.c") == 0 or return;
	return "$dir/locks";
}

SKIP: {
	skip 'no C compiler', 6 if !$cc;
	my @built = map { build(@$_) } [$program, '-O0'], [$moved, '-O0'], [$other, '-O0'];
	skip 'the C compiler cannot build', 6 if @built < 3 || grep { !$_ } @built;
	my ($one, $again, $later, $another) = map { known_by($_) } $built[0], @built;
	is($one->{first}, 'hang.deadlock.locks', 'a deadlock of two locks');
	isnt("@{ $one->{pids} }", "@{ $again->{pids} }", 'in other processes');
	is("@{ $again->{ids} } @{ $again->{stacks} }", "@{ $one->{ids} } @{ $one->{stacks} }", 'has the same ids and stacks in the next run');
	is("@{ $later->{ids} }", "@{ $one->{ids} }", 'the same ids where forty lines and a function were inserted, in another folder');
	is("@{ $later->{stacks} }", "@{ $one->{stacks} }", 'and the same stacks');
	isnt($another->{ids}[0], $one->{ids}[0], 'another id where it hangs in another function');
}
SKIP: {
	skip 'no python3', 3 if !$RealHangs::python;
	my @files = map { my $f = new_dir() . '/thread.py'; write_file($f, $_); $f } $script, "# moved\n" x 25 . $script, $script =~ s/\bpoll\b/watch/gr;
	my ($one, $later, $another) = map { known_by($RealHangs::python, $_) } @files;
	is($one->{first}, 'hang.exit.threads', 'a thread that keeps Python alive');
	is("@{ $later->{ids} } @{ $later->{stacks} }", "@{ $one->{ids} } @{ $one->{stacks} }", 'is known again after lines were inserted, in another folder');
	isnt($another->{ids}[0], $one->{ids}[0], 'and is another in another function');
}
done_testing();
