# SPDX-License-Identifier: Apache-2.0
# SpecCases.pm - a project of spec files in a folder of its own, entered: for tests of `test`,
# `governance`, the gate and the schemas. The folder is gone afterwards; nothing of the caller's CI is left in
# the environment.
package SpecCases;
use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(enter_project put get runner start_runner end_runner cases json_of holds_schema results_of running
	slow $spec_runner $source $schemas);

our $source = abs_path('.');
our $schemas = "$source/schemas";
our $spec_runner = $ENV{SPEC_RUNNER} // "$source/spec-runner";
my $ci = qr/^(?:SPEC_|GITHUB_|GITLAB_|CI_|BUILDKITE_|CIRCLE_|SEMAPHORE_|SLURM_|TEST_(?:SHARD|TOTAL)|JOB_COMPLETION)/;

# A sanitised build is slower: bounds of real time grow with it.
sub slow { return $ENV{TEST_SANITIZED} ? 6 : 1 }

# Makes the folder, with a root of its own, and goes there. Returns it.
sub enter_project {
	my $root = abs_path(tempdir(CLEANUP => 1));
	delete @ENV{ grep { /$ci/ && $_ ne 'SPEC_RUNNER' } keys %ENV };
	mkdir "$root/.git" or die "$root: $!";
	chdir $root or die "$root: $!";
	return $root;
}

# Tests leave the folder before it is removed.
END { local $?; chdir $source if defined $source }

sub put {
	my ($name, $text) = @_;
	make_path(dirname($name));
	open my $f, '>:raw', $name or die "$name: $!";
	print $f $text;
	close $f or die "$name: $!";
}

sub get {
	my ($name) = @_;
	local $/;
	open my $f, '<:raw', $name or return '';
	return <$f> // '';
}

# The text of a spec file with these cases, one a line, as in `{id: A, harness: …}`.
sub cases {
	my @lines = @_;
	return join '', "version: 1\nsuite: s\ncases:\n", map { "  - $_\n" } @lines;
}

sub json_of { return JSON::PP->new->utf8->decode(get($_[0])) }

# Starts it with its output in out.txt and err.txt; end_runner waits for its end.
sub start_runner {
	my @args = @_;
	my $pid = fork // die "fork: $!";
	return $pid if $pid;
	open STDOUT, '>', 'out.txt' or die $!;
	open STDERR, '>', 'err.txt' or die $!;
	{ no warnings; exec { $spec_runner } $spec_runner, @args; }
	die "$spec_runner: $!";
}

# Exit code (128+N by signal N); as a list: with stdout and stderr.
sub end_runner {
	my ($pid) = @_;
	waitpid $pid, 0;
	my $code = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	return wantarray ? ($code, get('out.txt'), get('err.txt')) : $code;
}

sub runner {
	my @args = @_;
	return end_runner(start_runner(@args));
}

# "ID result" for each point of a TAP text, in its order.
sub results_of {
	my ($tap) = @_;
	return [map { /^(not )?ok \d+ - (\S+)/ ? "$2 " . ($1 ? 'fails' : 'passes') : () } split /\n/, $tap];
}

# Is an artifact what its schema says?
sub holds_schema {
	my ($file, $schema) = @_;
	put('check.spec.yaml', cases("{id: X, harness: {type: data.validate, paths: [$file], schema: $schemas/$schema}}"));
	my $code = runner('test', 'check.spec.yaml');
	is($code, 0, "$file holds $schema") or diag get('out.txt');
	unlink 'check.spec.yaml';
}

# Waits until a process with this command line is there; how many there are.
sub running {
	my ($pattern, $seconds) = @_;
	my $until = time + ($seconds // 0) * slow();
	while (1) {
		my $n = grep { (get($_) =~ tr/\0/ /r) =~ $pattern } glob '/proc/[0-9]*/cmdline';
		return $n if $n || time >= $until;
		sleep 0.02;
	}
}

1;
