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
# WILD_ALL=1 runs all of them, WILD_ONLY=REGEX some, WILD_TMP=DIR below another folder, WILD_TABLE=FILE writes the table of docs/ZOO.md.
# WILD_ONCE=1 asks once (a figure of first asks), WILD_KEEP=DIR keeps what was printed, with the findings, WILD_HOME=DIR takes the
# cases from another folder. Cases for jest and mocha look for them in $DIALECTS_NPM.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $home = abs_path($ENV{WILD_HOME} // 'tests/zoo/wild');
my $program = $ENV{SPEC_RUNNER} // abs_path('spec-runner');
my $slow = slow_factor();
my @names = grep { -e "$home/$_/cmd" } map { s{.*/}{}r } sort glob "$home/*";
@names = grep { /$ENV{WILD_ONLY}/ } @names if $ENV{WILD_ONLY};
@names = grep { -e "$home/$_/quick" } @names if !$ENV{WILD_ALL} && !$ENV{WILD_ONLY};
my @rows;

sub text { my $t = read_file("$home/$_[0]/$_[1]") // ''; chomp $t; return $t }

sub run_case {
	my ($name) = @_;
	my $healthy = $name =~ /^ok_/;
	my $dir = tempdir("wild-$name-XXXXXX", TMPDIR => 1, CLEANUP => 1, $ENV{WILD_TMP} ? (DIR => $ENV{WILD_TMP}) : ());
	system('cp', '-r', "$home/$name/.", $dir);
	return (undef, 'cannot be built here') if -e "$dir/build" && system("cd '$dir' && sh ./build >build.log 2>&1");
	mkdir "$dir/.git";
	my @opts = ('--liveness-stall-ms', 1500 * ($slow > 2 ? 2 : 1), $healthy ? ('--profile-level', 'basic')
		: ('--liveness-level', 'strict', '--liveness-kill-grace-ms', 500));
	push @opts, split ' ', text($name, 'opts');
	pipe(my $silent, my $writer) or die;
	my $pid = fork // die;
	if (!$pid) {
		chdir $dir or die;
		close $writer;
		my ($mode, $from) = -e "$home/$name/stdin" ? ('<&', $silent) : ('<', '/dev/null');
		open STDIN, $mode, $from or die;
		open STDOUT, '>', "$dir/out" or die;
		open STDERR, '>', "$dir/err" or die;
		exec 'sh', '-c', 'exec "$0" run "$@" -- ' . text($name, 'cmd'), $program, @opts;
		die;
	}
	close $silent;
	waitpid $pid, 0;
	my $code = $? >> 8;
	close $writer;
	my $found = read_file("$dir/.artifacts/findings.json");
	if ($ENV{WILD_KEEP}) {
		write_file("$ENV{WILD_KEEP}/$name.err", read_file("$dir/err") . "\n--\n" . read_file("$dir/out"));
		write_file("$ENV{WILD_KEEP}/$name.json", $found // '{}');
	}
	my @found = $found ? @{ decode_json($found)->{findings} } : ();
	if ($healthy) {
		my @hang = grep { /^hang\./ } map { $_->{pattern_id} } @found;
		return ($code == 0 && !@hang, "exit $code @hang");
	}
	my $first = $found[0] // { pattern_id => 'nothing' };
	my $flat = JSON::PP->new->canonical->encode($first);
	my ($ids, @words) = split /\n/, text($name, 'expect');
	my @bad = $code == 124 ? () : "exit $code";
	push @bad, 'pattern' if !grep { index($first->{pattern_id}, $_) == 0 } split ' ', $ids;
	push @bad, map { "missing '$_'" } grep { length && index($flat, $_) < 0 } @words;
	my $shown = read_file("$dir/err") // '';
	push @bad, map { "does not show '$_'" } grep { length && index($shown, $_) < 0 } split /\n/, text($name, 'shown');
	push @bad, map { "says '$_'" } grep { length && index($flat, $_) >= 0 } split /\n/, text($name, 'never');
	(my $place = $first->{location} // '') =~ s{\S*/}{};
	push @rows, [$name, text($name, 'source'), $ids, $first->{pattern_id}, $place, @bad ? join(', ', @bad) : 'right'];
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
