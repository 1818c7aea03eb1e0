#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# wild.t - programs after hangs that people have reported (tests/zoo/wild): is the true cause the first finding? And healthy ones: is
# nothing killed and nothing accused?
#
#   cmd      the command line, run in a copy of the folder       source   repository#number of the report, or "own"
#   expect   line 1: pattern ids that may come first, one of them or one below; then words that the first finding must have
#   shown    words that the console's block must have
#   never    words that it must not have                         build    run before; a failure skips the case
#   stdin    there: standard input stays open and silent         opts     more options     quick   there: part of `make check`
# `contrib/install-deps.sh wild` installs what they are made of.
# WILD_ALL=1 runs all of them, WILD_ONLY=REGEX some, WILD_TMP=DIR below another folder, WILD_TABLE=FILE writes the table of docs/ZOO.md.
# WILD_ONCE=1 asks once (a figure of first asks), WILD_KEEP=DIR keeps what was printed, with the findings, WILD_HOME=DIR takes the
# cases from another folder. Cases for jest and mocha look for them in $DIALECTS_NPM.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Cwd qw(abs_path);
use Test::More;
use Wild;

my $home = abs_path($ENV{WILD_HOME} // 'tests/zoo/wild');
my $program = $ENV{SPEC_RUNNER} // abs_path('spec-runner');
my $slow = slow_factor();
my @names = map { s{.*/}{}r } wild_names($home);
@names = grep { /$ENV{WILD_ONLY}/ } @names if $ENV{WILD_ONLY};
@names = grep { -e "$home/$_/quick" } @names if !$ENV{WILD_ALL} && !$ENV{WILD_ONLY};
my @rows;

sub run_case {
	my ($name) = @_;
	my $w = wild_prepare("$home/$name", $ENV{WILD_TMP}) // return (undef, 'cannot be built here');
	my $r = wild_run($w, $program, '--liveness-stall-ms', 1500 * ($slow > 2 ? 2 : 1), $w->{healthy} ? ('--profile-level', 'basic')
		: ('--liveness-level', 'strict', '--liveness-kill-grace-ms', 500));
	my @bad = wild_judge($w, $r);
	wild_release($w);
	if ($ENV{WILD_KEEP}) {
		write_file("$ENV{WILD_KEEP}/$name.err", "$r->{err}\n--\n$r->{out}");
		write_file("$ENV{WILD_KEEP}/$name.json", $r->{json} // '{}');
	}
	return (!@bad, "@bad") if $w->{healthy};
	my $first = $r->{found}[0] // { pattern_id => 'nothing' };
	(my $place = $first->{location} // '') =~ s{\S*/}{};
	push @rows, [$name, wild_text($w->{case}, 'source'), (split /\n/, wild_text($w->{case}, 'expect'))[0], $first->{pattern_id}, $place,
		@bad ? join(', ', @bad) : 'right'];
	return (!@bad, "$first->{pattern_id} at $place: @bad");
}

for my $name (@names) {
	my ($good, $why) = run_case($name);
	SKIP: {
		skip "$name: $why", 1 if !defined $good;
		# a busy machine lets a second look be better
		($good, $why) = run_case($name) if !$good && !$ENV{WILD_ONCE};
		ok($good, $name) or diag $why;
	}
}

if ($ENV{WILD_TABLE}) {
	my %row = map { $_->[0] => $_ } @rows;
	my $right = grep { $_->[5] eq 'right' } values %row;
	my $out = sprintf "**wild: %d hangs, %d right first (%.1f %%)**\n\n| case | after | may come first | came first | place | result |\n|---|---|---|---|---|---|\n",
		scalar keys %row, $right, 100 * $right / (keys %row || 1);
	$out .= '| ' . join(' | ', @{ $row{$_} }) . " |\n" for sort keys %row;
	my $doc = read_file($ENV{WILD_TABLE});
	$doc =~ s/(<!-- section wild -->\n).*?(<!-- end -->)/$1$out$2/s;
	write_file($ENV{WILD_TABLE}, $doc);
}
done_testing;
