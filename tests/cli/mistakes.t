#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Mistakes that people make, each answered in one line that says what is wrong and what is accepted.
use strict;
use warnings;
use Test::More;
use lib 'tests/lib';
use SpecRunner;

my $dir = new_dir();
mkdir "$dir/$_" for 'adir', '.git';
write_file("$dir/file", "hi\n");
write_file("$dir/bad.yaml", "version: 1\nfoo: 1\n");
write_file("$dir/v2.yaml", "version: 2\n");
write_file("$dir/word.yaml", "version: 1\nliveness: {level: strikt}\n");
write_file("$dir/broken.yaml", "version: 1\n  x: [\n");

for (
	['make test', 2, qr/unknown verb 'make'; did you mean: spec-runner run -- make test/],
	['rnu -- true', 2, qr/unknown verb 'rnu' \(did you mean 'run'\?\)/],
	['help nope', 2, qr/unknown verb 'nope'/],
	['run', 2, qr/no command given; usage: spec-runner run/],
	['run --', 2, qr/no command given/],
	['run --timeout -- true', 2, qr/--timeout needs a value: --timeout TIME/],
	['run --timeot 5 -- true', 2, qr/unknown option '--timeot' \(did you mean '--timeout'\?\)/],
	['run --jobs 4 -- true', 2, qr/'run' does not take the option --jobs/],
	['run --timeout 5x -- true', 2, qr/a time such as 500ms, 90s, 10m or 1h30m, not '5x'/],
	['run --timeout -1 -- true', 2, qr/--timeout must be .*, not '-1'/],
	['run --drain-ms 1.2.3 -- true', 2, qr/--drain-ms must be .*, not '1\.2\.3'/],
	['run --liveness-level strikt -- true', 2, qr/must be off, basic or strict, not 'strikt' \(did you mean 'strict'\?\)/],
	['run --pty sometimes -- true', 2, qr/--pty must be auto, always or never/],
	['run --color red -- true', 2, qr/--color must be auto, always or never/],
	['run --dialect pytset -- true', 2, qr/'pytset' is not known; accepted: auto, none, a file, or one of .*pytest/],
	['run --contain docker -- true', 2, qr/must be auto, group, subreaper, cgroup or pidns/],
	['run --signal KILLL -- true', 2, qr/--signal must be a signal that can end a process, such as TERM/],
	['run --config nope.yaml -- true', 2, qr/'nope\.yaml': No such file/],
	['run --config adir -- true', 2, qr/'adir': Is a directory/],
	['run --config bad.yaml -- true', 2, qr/bad\.yaml:2:1: unknown key 'foo'; accepted: version, /],
	['run --config v2.yaml -- true', 2, qr/v2\.yaml:1:10: version 2 is not known; 1 is/],
	['run --config word.yaml -- true', 2, qr/word\.yaml:2:19: 'level' must be off, basic or strict/],
	['run --config broken.yaml -- true', 2, qr/broken\.yaml:2:4: /],
	['run --redact-pattern ( -- true', 2, qr/pattern '\(' at offset 1/],
	['run --junit /no-such-folder/j.xml -- true', 2, qr/the folder '\/no-such-folder' does not exist/],
	['run --history postgresql://h/d -- true', 2, qr/a database is named by SPEC_RUNNER_HISTORY_DSN/],
	['run -- ./file', 126, qr/'\.\/file' cannot be executed: Permission denied/],
	['run -- no-such-program', 127, qr/'no-such-program' cannot be executed/],
	['test nodir', 2, qr/'nodir': No such file/],
	['test file', 2, qr/file:1:1: the document must be a map, not 'hi'/],
	['test --shard 3/2', 2, qr/expected I\/N with I from 1 to N, or auto/],
	['test --format xml', 2, qr/--format must be tap, tap14, human or junit, not 'xml'/],
	['gate', 2, qr/'spec-runner init' writes a first one/],
	['gate --fail-fats', 2, qr/did you mean '--fail-fast'\?/],
	['report nope.json', 1, qr/'nope\.json': No such file/],
	['report file', 1, qr/not a sealed trace: file: byte 0/],
	['report --format doc', 2, qr/'doc' is not a format of report; accepted: console, /],
	['verify file', 1, qr/file: byte 0/],
	['recover nope', 1, qr/no such journal: 'nope'/],
	['inspect', 2, qr/inspect PID/],
	['inspect abc', 2, qr/'abc' is not a process id/],
	['status 999999999', 1, qr/not a running spec-runner of yours/],
	['completion tcsh', 2, qr/one shell, bash, zsh or fish, not 'tcsh'/],
	['init extra', 2, qr/init takes no operands/],
	['repro --runs 0 -- true', 2, qr/--runs must be a whole number from 1/],
	['repro --confidence 2 -- true', 2, qr/--confidence must be a number above 0 and below 1/],
) {
	my ($words, $code, $says) = @$_;
	my $r = run_spec([split / /, $words], dir => $dir);
	my @lines = grep { $_ ne '' } split /\n/, $r->{err};

	is $r->{code}, $code, "$words: exit code $code";
	like $lines[0] // '', qr/\Aspec-runner: .*$says/, 'what is wrong';
	cmp_ok scalar @lines, '==', 1, 'in one line' if $code == 2;
}
done_testing;
