#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# options.t - options as a user meets them: both sides of the verb, every source, and exit code 2
# with one line for whatever is wrong.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Test::More;

my $dir = new_dir();
my $config = "$dir/spec-runner.yaml";

# One line on stderr, nothing on stdout, exit code 2, nothing run.
sub refused {
	my ($argv, $message, %o) = @_;
	my $r = run_spec($argv, dir => $dir, %o);
	my $what = join ' ', @$argv;
	is $r->{code}, 2, "exit code 2: $what";
	is $r->{out}, '', 'nothing on stdout';
	like $r->{err}, qr/\Aspec-runner: [^\n]*\Q$message\E[^\n]*\n\z/, "says: $message";
}

sub output {
	my ($argv, %o) = @_;
	my $r = run_spec($argv, dir => $dir, %o);
	return "$r->{code}:$r->{out}";
}

write_file($config, "version: 1\n");
is output(['run', 'echo', 'a']), "0:a\n", 'a command without --';
is output(['run', '--', 'echo', '--quiet']), "0:--quiet\n", "behind -- every word is the command's";
is output(['run', 'echo', '--timeout-ms', '1']), "0:--timeout-ms 1\n", 'so is every word behind the command';
is output(['--profile-level', 'off', '--quiet', 'run', '--timeout-ms=60000', '--', 'echo', 'b']), "0:b\n",
	'options on both sides';
is output(['run', '--', 'echo', '']), "0:\n", 'an empty word';

refused([], 'a verb is missing');
refused(['rnu', 'x'], "unknown verb 'rnu' (did you mean 'run'?)");
refused(['run', '--tiemout-ms', '5', 'x'], "unknown option '--tiemout-ms' (did you mean '--timeout-ms'?)");
refused(['--tiemout-ms', '5', 'run', 'x'], "did you mean '--timeout-ms'?");
refused(['run', '--check-prefix', 'x', 'y'], "'run' does not take the option --check-prefix");
refused(['run', '--timeout-ms'], '--timeout-ms needs a value');
refused(['run', '--timeout-ms', '5x', 'x'], "--timeout-ms must be a whole number from 0 to 31536000000 or a time such as 500ms, 90s, 10m or 1h30m, not '5x'");
refused(['run', '--liveness-level', 'strcit', 'x'],
	"--liveness-level must be off, basic or strict, not 'strcit' (did you mean 'strict'?)");
refused(['run', '--deadline', 'noon', 'x'], '--deadline must be auto, seconds since 1970 or a time such as');
refused(['run', '--pty', "no\nway", 'x'], "not 'no\\nway'");
refused(['run', 'true'], "SPEC_RUNNER_DRAIN_MS must be a whole number from 0 to 31536000000 or a time such as 500ms, 90s, 10m or 1h30m, not ''",
	env => { SPEC_RUNNER_DRAIN_MS => '' });
refused(['run', 'true'], "SPEC_RUNNER_FAIL_FAST must be true or false", env => { SPEC_RUNNER_FAIL_FAST => 'maybe' });
refused(['run', '--config', 'none.yaml', 'true'], "reading 'none.yaml': No such file or directory");

# Precedence, by what happens.
my @slow = ('run', '--', 'sleep', '30');
write_file($config, "version: 1\nrun: {timeout_ms: 200}\n");
is run_spec([@slow], dir => $dir)->{code}, 124, 'the file sets a limit';
write_file($config, "version: 1\nrun: {timeout_ms: 1}\n");
is output(['run', '--', 'sh', '-c', 'sleep 0.3; echo c'], env => { SPEC_RUNNER_TIMEOUT_MS => 60000 }), "0:c\n",
	'the environment goes before the file';
is output(['run', '--timeout-ms', '0', '--', 'sh', '-c', 'sleep 0.3; echo d'], env => { SPEC_RUNNER_TIMEOUT_MS => 1 }),
	"0:d\n", 'a flag goes before the environment';
# Seconds may have decimals, as those of timeout(1); milliseconds do not.
is run_spec(['run', '--timeout', '0.2', '--', 'sleep', '30'], dir => $dir)->{code}, 124, '--timeout 0.2';
is run_spec([@slow], dir => $dir, env => { SPEC_RUNNER_TIMEOUT => '0.2' })->{code}, 124, 'SPEC_RUNNER_TIMEOUT=0.2';
write_file($config, "version: 1\nrun: {timeout: 0.2}\n");
is run_spec([@slow], dir => $dir)->{code}, 124, 'run.timeout: 0.2';
refused(['run', '--timeout', '1m0.5', 'x'], "--timeout must be a number from 0 to 31536000 (seconds) or a time such as");
refused(['run', '--timeout-ms', '0.5', 'x'], '--timeout-ms must be a whole number');
write_file($config, "version: 1\n");
write_file("$dir/other.yaml", "version: 1\nrun: {timeout_ms: 200}\n");
is run_spec([@slow], dir => $dir, env => { SPEC_RUNNER_CONFIG => 'other.yaml' })->{code}, 124, 'SPEC_RUNNER_CONFIG';
is run_spec(['--config=other.yaml', @slow], dir => $dir)->{code}, 124, '--config';

# Damage in the file, from below the root as well.
my %damage = (
	"livenes: {}\n" => ":2:1: unknown key 'livenes' (did you mean 'liveness'?)",
	"run: {timeout_ms: soon}\n" => ":2:19: 'timeout_ms' must be a whole number",
	"run:\n\tpty: auto\n" => ':3:1: a tab cannot indent; use spaces',
	"version: 1\n" => ":2:1: the key 'version' is repeated; first on line 1",
	"# \xff\n" => ':2:3: the byte 0xff is not UTF-8 text',
	"gate: {steps: [{name: a, kind: command, argv: [x], tiemout_ms: 1}]}\n" =>
		":2:52: unknown key 'tiemout_ms' (did you mean 'timeout_ms'?)",
	"a: &a [1]\nb: *a\n" => ':3:4: aliases (*a) are not accepted',
);
for my $text (sort keys %damage) {
	write_file($config, "version: 1\n$text");
	refused(['run', 'true'], "spec-runner.yaml$damage{$text}");
}
mkdir "$dir/below";
write_file($config, "version: 3\n");
my $below = run_spec(['run', 'true'], dir => "$dir/below");
is $below->{code}, 2, 'the root is an ancestor';
like $below->{err}, qr/spec-runner\.yaml:1:10: version 3 is not known; 1 is/, 'whose file is read';
is run_spec(['help'], dir => $dir)->{code}, 0, 'help works beside a damaged file';
write_file($config, '');
refused(['run', 'true'], ':1:1: there is nothing here');
unlink $config;
mkdir $config;
refused(['run', 'true'], 'Is a directory');
rmdir $config;

# A variable that is nearly an option.
my $r = run_spec(['run', 'echo', 'e'], dir => $dir, env => { SPEC_RUNNER_TIMOUT_MS => 5 });
is $r->{code}, 0, 'a mistyped variable does not stop the run';
like $r->{err}, qr/\Aspec-runner: SPEC_RUNNER_TIMOUT_MS is not an option and is ignored \(did you mean 'SPEC_RUNNER_TIMEOUT_MS'\?\)\n\z/,
	'it is named';

# Verbs that are programs of their own.
mkdir "$dir/bin";
write_file("$dir/bin/spec-runner-hello", "#!/bin/sh\necho \"hello \$*\"\nexit 7\n", 0755);
$r = run_spec(['--quiet', 'hello', '--bogus', 'x'], dir => $dir, env => { PATH => "$dir/bin:$ENV{PATH}" });
is $r->{code}, 7, 'an unknown verb is a program on PATH';
is $r->{out}, "hello --quiet --bogus x\n", 'which gets every word but the verb';
refused(['../hello'], "unknown verb '../hello'", env => { PATH => "$dir/bin:$ENV{PATH}" });

done_testing;
