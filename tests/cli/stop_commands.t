#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What commands print gives GitHub no commands where the user asks for it: each stands between a pair of lines
# with a token of its own, also where the reader is slow, and where a process of ours dies.
use strict;
use warnings;
use lib 'tests/lib';
use SpecCases;
use Test::More;
use Time::HiRes qw(sleep);

enter_project();
my %tokens;

# The text with every pair taken out, and what was in each.
sub pairs {
	my ($text) = @_;
	my @inside;
	while ($text =~ s/^::stop-commands::([0-9a-f]{32})\n(.*?)^::\1::\n/\@\n/ms) {
		ok(!$tokens{$1}++, 'a token of its own');
		push @inside, $2;
	}
	return ($text, @inside);
}

$ENV{GITHUB_ACTIONS} = 'true';
my $say = "echo '::error::no'; printf '##[warning]open'; echo '::x::' >&2";
my ($code, $out, $err) = runner('run', '--stop-commands', '--', 'sh', '-c', "$say; exit 3");
is($code, 3, 'run keeps the code');
my ($outside, @inside) = pairs($out);
is_deeply(\@inside, ["::error::no\n##[warning]open\n"], 'what it printed is within one pair, which ends on a line of its own');
like($outside, qr/\A\@(?!.*::x)/s, 'and nothing of it stands outside');
unlike($err, qr/stop-commands/, 'stderr is as it was');

($code, $out) = runner('run', '--', 'sh', '-c', $say);
unlike($out, qr/stop-commands/, 'not unasked');
{
	local $ENV{GITHUB_ACTIONS} = 'false';
	($code, $out) = runner('run', '--stop-commands', '--', 'echo', 'hello');
	is($out, "hello\n", 'nor anywhere else');
}
($code, $out) = runner('run', '--stop-commands', '--', 'no-such-program');
is($code, 127, 'a command that cannot be executed');
like((pairs($out))[0], qr/\A\@/, 'leaves no open pair');

put('c.spec.yaml', cases("{id: A, harness: {type: cli.run, argv: [sh, -c, '" . $say =~ s/'/''/gr . "; exit 1']}}",
	"{id: B, harness: {type: cli.run, argv: ['true']}}"));
put('spec-runner.yaml', <<'YAML');
version: 1
run: {stop_commands: true}
gate:
  fail_fast: false
  steps:
    - {name: one, kind: command, argv: [echo, '::one::']}
    - {name: silent, kind: command, argv: ['true']}
    - {name: cases, kind: test, paths: [c.spec.yaml]}
    - {name: two, kind: command, argv: [echo, '::two::']}
YAML
($code, $out) = runner('ci-gate-summary');
($outside, @inside) = pairs($out);
is($inside[0], "::one::\n", 'a step of a gate, asked for in the file');
is($inside[1], '', 'one that prints nothing');
like($inside[2], qr/^not ok 1 - A\n.*##\[warning\]open/s, 'a case whose output is shown');
is($inside[3], "::two::\n", 'the next step');
$outside =~ s/^(?:::(?:end)?group::|spec-runner: ).*\n//mg; # folds, and the last lines of a failed step
like($outside, qr/^\@\n\@\nTAP version 13\n1\.\.2\n\@\nok 2 - B\n::error file=c\.spec\.yaml,line=4,title=A::/, 'our own annotation is outside');
like($out, qr/^::group::one\n::stop-commands::[0-9a-f]+\n::one::\n::[0-9a-f]+::\n::endgroup::$/m, 'the folds of the steps, too');
unlink 'spec-runner.yaml';

# JUnit on stdout would not be XML with such lines in it: its text is escaped, asked or not.
{
	local $ENV{GITHUB_ACTIONS};
	($code, $out) = runner('test', '--stop-commands', '--format', 'junit', 'c.spec.yaml');
	unlike($out, qr/^\s*::|##\[/m, 'JUnit on stdout holds nothing that GitHub would obey');
}

# A reader that is slow from the very first byte: the pipe is full before the command starts.
pipe my $read, my $write or die $!;
my $flags = fcntl $write, 3, 0;
fcntl $write, 4, $flags | 04000 or die $!;
my $filled = 0;
while (defined(my $n = syswrite $write, 'f' x 4095 . "\n")) { $filled += $n }
fcntl $write, 4, $flags or die $!;
my $pid = fork // die $!;
if (!$pid) {
	open STDOUT, '>&', $write or die $!;
	open STDERR, '>', 'err.txt' or die $!;
	close $read;
	exec { $spec_runner } $spec_runner, 'run', '--stop-commands', '--', 'sh', '-c', "$say; seq 30000";
}
close $write;
sleep 0.5;
my $slow = do { local $/; <$read> };
is(scalar end_runner($pid), 0, 'a slow reader');
substr $slow, 0, $filled, '';
($outside, @inside) = pairs($slow);
is($outside, "\@\n", 'gets the pair first and last');
like($inside[0], qr/\A::error::no\n##\[warning\]open1\n2\n.*\n30000\n\z/s, 'and all between them');

# The one of us that supervises is killed: the other closes the pair.
($code, $out) = runner('run', '--stop-commands', '--', 'sh', '-c', 'echo begun; kill -9 $PPID; sleep 60');
is($code, 125, 'our supervisor is lost');
($outside, @inside) = pairs($out);
like($outside, qr/\A\@/, 'the pair is closed all the same');
like($inside[0], qr/\Abegun\n\s*\z/, 'behind what was printed');
done_testing();
