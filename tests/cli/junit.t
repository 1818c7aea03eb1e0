#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# junit.t - test results for others: --junit of a run that passes, fails, hangs; report as JUnit, TAP and JSON.
use strict;
use warnings;
use lib 'tests/lib';
use JSON::PP;
use SpecRunner;
use Test::More;
use Cwd 'getcwd';

my $python = '/usr/bin/python3';
my $fixtures = getcwd() . '/tests/fixtures/junit';
my ($xmllint) = grep { -x } map { "$_/xmllint" } split /:/, $ENV{PATH};

sub suite_dir {
	my ($seconds) = @_;
	my $dir = new_dir();
	write_file("$dir/test_mix.py", <<"PYTHON");
import time
import unittest

class Mix(unittest.TestCase):
    def test_a(self):
        pass

    def test_b(self):
        self.fail('<no> & "yes"')

    \@unittest.skip('not here')
    def test_c(self):
        pass

    def test_d(self):
        time.sleep($seconds)
PYTHON
	return $dir;
}
my @unittest = ($python, '-m', 'unittest', '-v', 'test_mix');

# The text of the file, which must be what Jenkins reads.
sub junit_of {
	my ($path, $name) = @_;
	my $xml = read_file($path);
	ok defined $xml, "$name: the file is there" or return '';
	SKIP: {
		skip 'xmllint is not here', 2 unless $xmllint;
		for my $xsd ('jenkins-junit-4.xsd', 'written.xsd') {
			my $said = `$xmllint --noout --schema $fixtures/$xsd $path 2>&1`;
			is $?, 0, "$name: it obeys $xsd" or diag $said;
		}
	}
	my ($tests, $failures, $errors) = $xml =~ /<testsuites [^>]*tests="(\d+)" failures="(\d+)" errors="(\d+)"/;
	is $tests, scalar(() = $xml =~ /<testcase /g), "$name: it counts its tests";
	is $failures, scalar(() = $xml =~ /<failure /g), "$name: and failures";
	is $errors, scalar(() = $xml =~ /<error /g), "$name: and errors";
	return $xml;
}

sub case_of {
	my ($xml, $test) = @_;
	my ($case) = $xml =~ m{(<testcase classname="[^"]*" name="\Q$test\E".*?</testcase>)}s;
	return $case // '';
}

sub hung {
	my ($who, $option, $ms, $token) = @_;
	my $r = run_spec(['run', $option, $ms * slow_factor(), '--junit', 'out/junit.xml', '--', @unittest],
		dir => suite_dir(600), timeout => 60);
	is $r->{code}, 124, "$who is ended";
	my $xml = junit_of("$r->{dir}/out/junit.xml", $who);
	my $last = case_of($xml, 'test_d');
	like case_of($xml, 'test_a'), qr/ classname="test_mix.Mix" .*><\/testcase>/, "$who: a test that passed";
	like case_of($xml, 'test_b'), qr/<failure /, "$who: one that failed";
	like case_of($xml, 'test_c'), qr/<skipped>/, "$who: one that was skipped";
	like $last, qr/<error message="[^"]*\Q$token\E" type="\Q$token\E">.*It had been running for [\d.]+ s/s,
		"$who: the one that hung, with the token";
	like $last, qr/^Place: .*test_mix\.py:\S*test_d:16/m, "$who: and its place";
	unlike $xml, qr/classname="command"/, "$who: the command needs no row";
	no_survivors($r, "$who: nothing is left");

	is run_spec(['report', '--format', 'junit'], dir => $r->{dir})->{out}, $xml, "$who: report makes the same file";
	write_file("$r->{dir}/results.tap", run_spec(['report', '--format', 'tap'], dir => $r->{dir})->{out});
	my $prove = `prove -e cat $r->{dir}/results.tap 2>&1`;
	like $prove, qr/Failed 2\/4 subtests/, "$who: prove reads the TAP and sees both";
	unlike $prove, qr/Parse errors/, "$who: without complaint";
	my $json = JSON::PP->new->utf8->decode(run_spec(['report', '--format', 'tests-json'], dir => $r->{dir})->{out});
	is_deeply [map { "$_->{name} $_->{result}" } @{ $json->{tests} }],
		['test_a pass', 'test_b fail', 'test_c skip', 'test_d unfinished'], "$who: JSON has them all";
	is $json->{tests}[3]{reason}, $token, "$who: and the token";
	is $json->{finding}{pattern_id}, 'hang.sleep', "$who: and the finding";
}

SKIP: {
	skip "$python is not here", 1 unless -x $python;
	hung('the command', '--timeout-ms', 3000, 'timeout.subprocess.wait');
	hung('the test', '--test-timeout-ms', 1500, 'timeout.case.harness');
	my $r = run_spec(['run', '--junit', 'junit.xml', '--', @unittest], dir => suite_dir(0));
	is $r->{code}, 1, 'a run that fails by itself keeps its code';
	like junit_of("$r->{dir}/junit.xml", 'failed'), qr/tests="4" failures="1" errors="0"/, 'its failing test alone is counted';
}

# A passing run at level off: the file, and nothing else.
my $tap = "printf 'TAP version 13\\n1..2\\nok 1 - first\\nok 2 - second # SKIP no\\n'";
my $r = run_spec(['run', '--junit', 'junit.xml', '--', 'sh', '-c', $tap]);
is $r->{code}, 0, 'a passing run';
my $xml = junit_of("$r->{dir}/junit.xml", 'passing');
like $xml, qr/tests="2" failures="0" errors="0"/, 'its tests are there';
is_deeply [grep { !/^(?:out|err)(?:put)?$/ } files_in($r->{dir})], ['junit.xml'], 'and nothing else is left';

# All passed, then it hung; eight of ten never came.
$r = run_spec(['run', '--timeout-ms', 1000 * slow_factor(), '--junit', 'junit.xml', '--', 'sh', '-c',
	"printf 'TAP version 13\\n1..10\\nok 1 - first\\nok 2 - second\\n'; sleep 600"]);
is $r->{code}, 124, 'hung behind the second test';
$xml = junit_of("$r->{dir}/junit.xml", 'plan');
like case_of($xml, 'never started'), qr/<skipped>never started: 8 of 10[;<]/, 'tests that never started, by their number';
like $xml, qr/<testcase classname="command" [^>]*><error [^>]*type="timeout.subprocess.wait">.*last of its tests that ended: tap::second/s,
	'and the command is an error, though no test was';

# No dialect: one test case, the command itself, redacted.
$r = run_spec(['run', '--junit', 'junit.xml', '--', 'sh', '-c', 'exit 3', '--token=hunter2hunter2']);
is $r->{code}, 3, 'no dialect';
$xml = junit_of("$r->{dir}/junit.xml", 'no dialect');
like $xml, qr/tests="1" failures="1" errors="0".*<failure [^>]*type="exit_code">exited with code 3/s, 'the command is the test';
unlike $xml, qr/hunter2/, 'its command line is redacted';
$r = run_spec(['run', '--junit', 'junit.xml', '--', '/nonexistent/program']);
is $r->{code}, 127, 'not found';
like junit_of("$r->{dir}/junit.xml", 'not found'), qr/<error [^>]*type="not_found"/, 'a command that is not there is an error';

# Where it cannot be written.
$r = run_spec(['run', '--junit', '/proc/nowhere/junit.xml', '--', 'true']);
is $r->{code}, 125, 'a file that cannot be written: 125';
like $r->{err}, qr{^spec-runner: --junit '/proc/nowhere/junit.xml': }m, 'and a message';
$r = run_spec(['run', '--junit', '/proc/nowhere/junit.xml', '--', 'sh', '-c', 'exit 4']);
is $r->{code}, 4, 'a code of its own is kept';

# An open file that is named by its descriptor is written in place, behind what is there.
$r = run_spec(['run', '--junit', '/dev/stdout', '--', 'echo', 'first']);
like $r->{out}, qr/\Afirst\n<\?xml .*<\/testsuites>\n\z/s, '/dev/stdout';
ok -l '/dev/stdout', 'which is still a link';

# Very many tests in a moment.
my $dir = new_dir();
write_file("$dir/many.tap", join '', "TAP version 13\n1..50000\n", map { "ok $_ - number $_\n" } 1 .. 50000);
$r = run_spec(['run', '--junit', 'junit.xml', '--', 'cat', 'many.tap'], dir => $dir, timeout => 60, out => '/dev/null');
like substr(read_file("$dir/junit.xml") // '', 0, 300), qr/tests="50000" failures="0"/, '50,000 tests';

# A gate: the tests of its command steps; a step without tests is a row.
$dir = new_dir();
write_file("$dir/gate.sh", "$tap\n");
write_file("$dir/spec-runner.yaml", <<'YAML');
version: 1
gate:
  steps:
    - {name: unit, kind: command, argv: [sh, gate.sh]}
    - {name: lint, kind: command, argv: [sh, -c, 'exit 5']}
YAML
$r = run_spec(['ci-gate-summary', '--junit', 'junit.xml'], dir => $dir);
is $r->{code}, 5, 'a gate that fails';
$xml = junit_of("$dir/junit.xml", 'gate');
like case_of($xml, 'first'), qr/<testcase/, 'the tests of a step';
like case_of($xml, 'lint'), qr/<failure /, 'a step that failed';

$r = run_spec(['report', '--format', 'nonsense'], dir => $dir);
is $r->{code}, 2, 'an unknown format';
like $r->{err}, qr/accepted: .*junit, tap, tap14, tests-json/, 'and those that are known';
done_testing();
