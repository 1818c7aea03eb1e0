#!/usr/bin/perl
# test_timeout.t - --test-timeout-action test: the hung test's own processes are ended, and the suite goes on.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Test::More;

my @limit = ('run', '--profile-level', 'basic', '--test-timeout-ms', 1500 * slow_factor(), '--liveness-kill-grace-ms', 300);
my @alone = (@limit, '--test-timeout-action', 'test');

sub results {
	my ($r) = @_;
	my $t = trace_of($r) // return {};
	return { map { $_->{attrs}{case_id} => "$_->{status} $_->{attrs}{result}" } spans($t, 'case.run') };
}

SKIP: {
	skip 'ctest is not installed', 9 unless grep { -x "$_/ctest" } split /:/, $ENV{PATH};
	my $dir = new_dir();
	write_file("$dir/CTestTestfile.cmake", <<'CMAKE');
add_test(quick1 "/bin/true")
add_test(hangs "/bin/sh" "-c" "trap '' TERM; sleep 77 & sleep 78")
add_test(quick2 "/bin/sh" "-c" "sleep 0.2")
add_test(obeys "/bin/sleep" "79")
add_test(quick3 "/bin/true")
CMAKE
	my %want = (quick1 => 'ok pass', hangs => 'timeout timeout', quick2 => 'ok pass', obeys => 'timeout timeout', quick3 => 'ok pass');
	for my $jobs (1, 3) {
		my $r = run_spec([@alone, '--', 'ctest', "-j$jobs"], dir => $dir, timeout => 60);
		is $r->{code}, 8, "ctest -j$jobs: its own code" or diag $r->{err};
		is_deeply results($r), \%want, "ctest -j$jobs: two timeouts, the others ran";
		is_deeply [tokens(trace_of($r))], [('timeout.case.harness') x 2], "ctest -j$jobs: a token for each, and none else";
		no_survivors($r);
	}
	my $r = run_spec([@limit, '--', 'ctest'], dir => $dir);
	is $r->{code}, 124, 'by default the run ends';
}

# Nobody belongs to it alone: said, and the run ends.
my $r = run_spec([@alone, '--dialect', 'ctest', '--', '/bin/sh', '-c',
		'echo "Test project /x"; echo "    Start 1: inproc"; exec sleep 60']);
is $r->{code}, 124, 'a test within its runner: the run ends';
like $r->{err}, qr/no process belongs to inproc alone: ending the command/, 'and it is said why';
no_survivors($r);

$r = run_spec(['run', '--test-timeout-action', 'all', '--', 'true']);
is $r->{code}, 2, 'another word: 2';
like $r->{err}, qr/^spec-runner: --test-timeout-action[^\n]*run[^\n]*test/, 'and what is accepted';
done_testing;
