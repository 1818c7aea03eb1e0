#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# help.t - help, version, man page and completions say what the tables say, and are sound.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Test::More;

my $dir = new_dir();

sub text {
	my ($argv, %o) = @_;
	my $r = run_spec($argv, dir => $dir, %o);
	is $r->{code}, 0, join(' ', @$argv) . ' succeeds';
	is $r->{err}, '', 'and says nothing on stderr';
	return $r->{out};
}

sub narrow {
	my ($text, $what) = @_;
	my @long = grep { length > 80 } split /\n/, $text;
	is_deeply \@long, [], "$what fits into 80 columns";
	unlike $text, qr/[ \t]+$/m, 'without blanks at line ends';
}

my $help = text(['help']);
is text(['--help']), $help, '--help is help';
narrow($help, 'help');
my @verbs = $help =~ /^  ([a-z][a-z-]*) {2,}/mg;
ok scalar(grep({ $_ eq 'run' } @verbs)), 'run is among the verbs';
for my $verb (@verbs) {
	my $of = text(['help', $verb]);
	is text([$verb, '--help']), $of, "$verb --help is help $verb";
	narrow($of, "help $verb");
	like $of, qr/\AUsage: spec-runner $verb/, 'begins with its usage';
}

# Every option of the contract stands in the help of run, with its variable.
my $run = text(['help', 'run']);
for my $flag (qw(profile-level profile-out profile-summary-out profile-heartbeat-ms profile-stall-threshold-ms
	profile-on-fail liveness-level liveness-stall-ms liveness-min-events liveness-hard-cap-ms
	liveness-kill-grace-ms test-timeout-ms leave-running artifacts-dir timeout-ms drain-ms diagnose-ms deadline
	output-tail-bytes contain pty dialect junit config)) {
	(my $env = uc "SPEC_RUNNER_$flag") =~ tr/-/_/;
	like $run, qr/^  --$flag( [A-Z]+)?\n(      .*\n)+?(?:      .*)\b$env\b/m, "--$flag and $env";
}
like $run, qr/^  --color WHEN$/m, '--color';
like $run, qr/default 1800000; SPEC_RUNNER_LIVENESS_HARD_CAP_MS;\s+liveness\.hard_cap_ms/, 'defaults and keys are named';

my $version = text(['version']);
like $version, qr/\Aspec-runner \d+\.\d+\.\d+\n/, 'version';
like $version, qr/^libyaml [\d.]+, pcre2 [\d.]+, libsodium [\d.]+$/m, 'and those of the libraries';
is text(['--version']), $version, '--version is version';

my $r = run_spec(['help', 'rnu'], dir => $dir);
is $r->{code}, 2, 'help of an unknown verb';
like $r->{err}, qr/\Aspec-runner: unknown verb 'rnu' \(did you mean 'run'\?\)/, 'with the nearest';
$r = run_spec(['help'], dir => $dir, out => '/dev/full');
is $r->{code}, 125, 'help that cannot be written is a failure';
like $r->{err}, qr/\Aspec-runner: writing to standard output: /, 'that is told';

sub sound {
	my ($what, $text, @check) = @_;
	SKIP: {
		skip "no $check[0] here", 1 if system("command -v $check[0] >/dev/null 2>&1") != 0;
		write_file("$dir/$what", $text);
		is `@check $dir/$what 2>&1 >/dev/null`, '', "$what is sound for $check[0]";
	}
}

my $man = text(['help', '--man']);
like $man, qr/^\.SH \Q$_\E$/m, "man page: $_" for 'NAME', 'SYNOPSIS', 'OPTIONS', 'EXIT STATUS', 'ENVIRONMENT', 'FILES', 'EXAMPLES';
like $man, qr/^\.B \\-\\-liveness\\-stall\\-ms \\fIMS\\fR$/m, 'its options come from the table';
sound('spec-runner.1', $man, 'man', '--warnings', '-l');
sound('spec-runner.bash', text(['completion', 'bash']), 'bash', '-n');
sound('_spec-runner', text(['completion', 'zsh']), 'zsh', '-n');
sound('spec-runner.fish', text(['completion', 'fish']), 'fish', '-n');
is run_spec(['completion', 'ksh'], dir => $dir)->{code}, 2, 'no completion for another shell';

# What bash would offer.
sub offers {
	my (@words) = @_;
	my $list = join ' ', map { "'$_'" } @words;
	my $last = $#words;
	my $out = `bash -c 'source $dir/spec-runner.bash; compopt() { :; }; COMP_WORDS=($list); COMP_CWORD=$last;
		_spec_runner; printf "%s\\n" "\${COMPREPLY[\@]}"'`;
	return [sort split /\n/, $out];
}
is_deeply offers('spec-runner', 'ru'), ['run'], 'bash completes a verb';
is_deeply offers('spec-runner', 'run', '--liveness-l'), ['--liveness-level'], 'an option';
is_deeply offers('spec-runner', 'run', '--liveness-level', ''), [qw(basic off strict)], 'a word of its list';
is_deeply offers('spec-runner', 'help', 'ver'), [grep { /^ver/ } sort @verbs], 'a verb behind help';

done_testing;
