#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Red jobs of real tools whose truth was written down first (tests/show/red_jobs): the quick ones of each kind.
use strict;
use warnings;
use Test::More;
use lib 'tests/lib';
use SpecRunner;

my $quick = join '|', qw(pytest-segv-quiet pytest-collect-missing-module pytest-conftest-syntax unittest-import-error python-pool-exception
	ctest-assert cmake-no-package glibc-double-free lsan node-syntax node-fetch-refused ruby-load-error rspec-outside php-parse php-memory
	bash-unbound killed-by-oom-words so-missing perl-compile prove-died curl-refused python-taskgroup rake-aborted make-recipe-segv ld-cannot-find cp-missing
	pytest-doctest phpunit-error java-no-main-class silent-exit words-are-not-causes
	npm-ci-out-of-step eslint-stylish shellcheck ruff git-merge-conflict set-e-traced curl-tls watchers-enospc gfortran ld-multiple);
open my $in, '-|', $^X, 'tests/show/red_jobs.pl', '--only', "^(?:$quick)\$" or die;
my ($name, $seen) = ('', 0);
while (<$in>) {
	if (/^(not )?ok (\S+)(?: - (.*))?/) {
		ok !$1, "$2: the test, the line, the reason" or diag "does not say: $3";
		$seen++;
	} elsif (/^    /) {
		diag $_;
	} else {
		note $_;
	}
}
plan skip_all => 'none of the tools is here' if !$seen;
done_testing;
