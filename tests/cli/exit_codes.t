#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# exit_codes.t - `run` gives the command's own code, 128+N for signals, 124 for a watchdog, 125
# for our own failure, 126 and 127 for what cannot be started, 2 for usage.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Test::More;

my $dir = new_dir();
my @wrong;
for my $code (0 .. 255) {
	my $r = run_spec(['run', '--', '/bin/sh', '-c', "exit $code"], dir => $dir);
	push @wrong, "$code became $r->{code}" if $r->{code} ne $code;
}
is_deeply \@wrong, [], 'every exit code from 0 to 255 is kept';

for my $sig (1, 2, 3, 6, 9, 11, 13, 15) {
	my $r = run_spec(['run', '--', zoo('dies'), $sig], dir => $dir);
	is $r->{code}, 128 + $sig, "signal $sig is " . (128 + $sig);
	is $r->{signal}, 0, 'by exit, not by dying of it ourselves';
}

my $limit = ['--timeout-ms', 300, '--liveness-kill-grace-ms', 300];
is run_spec(['run', @$limit, '--', zoo('silent')])->{code}, 124, 'a limit is 124';
is run_spec(['run', @$limit, '--', zoo('tidy'), 10, 0])->{code}, 124, '124 even where the command then exits with 0';
is run_spec(['run', @$limit, '--', zoo('ignore_term')])->{code}, 124, '124 where KILL was needed';
is run_spec(['run', '--', '/bin/sh', '-c', 'exit 124'])->{code}, 124, "the command's own 124 is 124 too";

write_file("$dir/plain", "no program\n", 0644);
write_file("$dir/nointerpreter", "#!/no/such/interpreter\n", 0755);
write_file("$dir/noline", "exit 3\n", 0755);
my @cannot = (
	['./plain', 126, 'not executable'],
	['/tmp', 126, 'a folder'],
	['./no-such-program', 127, 'not found by path'],
	['no-such-program-anywhere', 127, 'not found in PATH'],
	['./plain/below', [126, 127], 'below a plain file'],
	['', 127, 'an empty name'],
);
for (@cannot) {
	my ($cmd, $want, $why) = @$_;
	my $r = run_spec(['run', '--', $cmd], dir => $dir);
	my @want = ref $want ? @$want : ($want);
	ok scalar(grep { $r->{code} eq $_ } @want), "$why: @want" or diag("got $r->{code}: $r->{err}");
	like $r->{err}, qr/^spec-runner: .*\n/, "$why: says so";
	unlike $r->{err}, qr/^(?!spec-runner: )./m, "$why: every line on stderr is ours";
	is $r->{out}, '', 'nothing on stdout';
}
# The shell and env(1) differ on this one; a missing interpreter is not a missing command's fault.
my $r = run_spec(['run', '--', './nointerpreter'], dir => $dir);
ok $r->{code} == 126 || $r->{code} == 127, 'a missing interpreter is 126 or 127' or diag($r->{code});

is run_spec(['run', '--', './noline'], dir => $dir)->{code}, 3, 'a script without #! is run by sh, as execvp does';

# The first executable of PATH wins, one that may not be executed is remembered: as execvp does.
mkdir "$dir/$_" for qw(a b);
write_file("$dir/a/tool", "x", 0644);
write_file("$dir/b/tool", "#!/bin/sh\nexit 11\n", 0755);
is run_spec(['run', '--', 'tool'], dir => $dir, env => { PATH => "$dir/a:$dir/b:/usr/bin:/bin" })->{code}, 11,
	'PATH is searched on past what is not executable';
is run_spec(['run', '--', 'tool'], dir => $dir, env => { PATH => "$dir/a" })->{code}, 126, '126 where nothing else is found';

my @usage = (
	[[], 'no verb'],
	[['run'], 'no command'],
	[['run', '--'], 'no command behind --'],
	[['run', '--no-such-option', '--', 'true'], 'unknown option', 'no-such-option'],
	[['run', '--timeout-ms', 'soon', '--', 'true'], 'not a number', 'soon'],
	[['run', '--timeout-ms=-5', '--', 'true'], 'below the range', '-5'],
	[['run', '--profile-level', 'loud', '--', 'true'], 'not a word of the list', 'loud'],
	[['run', '--timeout-ms'], 'no value'],
	[['runn', '--', 'true'], 'unknown verb', 'run'],
	[['run', '--liveness-stall-ms', '99999999999999999999', '--', 'true'], 'beyond 64 bits', '99999999999999999999'],
	[['run', '--contain', 'jail', '--', 'true'], 'unknown containment', 'jail'],
	[['run', '--deadline', 'tomorrow', '--', 'true'], 'no time', 'tomorrow'],
	[['run', '--redact-pattern', '(', '--', 'true'], 'bad expression', ''],
);
for (@usage) {
	my ($args, $name, $names) = @$_;
	my $got = run_spec($args, dir => $dir);
	is $got->{code}, 2, "usage: $name";
	like $got->{err}, qr/^spec-runner: /m, 'with a message';
	like $got->{err}, qr/\Q$names\E/, "that names '$names'" if length($names // '');
}
my %bad_env = (SPEC_RUNNER_TIMEOUT_MS => '5x', SPEC_RUNNER_PROFILE_LEVEL => 'all', SPEC_RUNNER_FAIL_FAST => 'perhaps',
	SPEC_RUNNER_LIVENESS_LEVEL => '', SPEC_RUNNER_PTY => 'yes');
for my $name (sort keys %bad_env) {
	next if $bad_env{$name} eq '';
	my $got = run_spec(['run', '--', 'true'], dir => $dir, env => { $name => $bad_env{$name} });
	is $got->{code}, 2, "$name=$bad_env{$name} is a usage error";
	like $got->{err}, qr/\Q$name\E/, 'that names it';
	like $got->{err}, qr/\Q$bad_env{$name}\E/, 'and its value';
}

# An option of the command is the command's, with and without --.
is run_spec(['run', 'sh', '-c', 'exit 21'])->{code}, 21, 'the command begins at the first word that is no option';
is run_spec(['--quiet', 'run', '--timeout-ms=5000', '--', 'sh', '-c', 'exit 22'])->{code}, 22, 'options on either side of the verb';
is run_spec(['version'])->{code}, 0, 'version';
like run_spec(['version'])->{out}, qr/^spec-runner \d+\.\d+/, 'says which';
is run_spec(['help'])->{code}, 0, 'help';

# Our own failure where the run had no code of its own.
my $full = run_spec(['run', '--profile-level', 'basic', '--profile-out', '/dev/full', '--', 'true']);
is $full->{code}, 125, 'artifacts that cannot be written: 125';
like $full->{err}, qr/^spec-runner: .*No space left/m, 'with the reason';
is run_spec(['run', '--profile-level', 'basic', '--profile-out', '/dev/full', '--', 'sh', '-c', 'exit 8'])->{code}, 8,
	"but the command's own failure goes first";

done_testing;
