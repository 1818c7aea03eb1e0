#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# times.pl [--show] - every option that takes a time (rows of runner/config/options*.def), as a flag, by its environment name and by its key of
# spec-runner.yaml, with each way to write a time: a bare number of its own unit, 500ms, 2s, 90s, 10m, 1h30m. What was understood is read out of
# the trace (runner.dispatch, config) where that has it, else it must be accepted; what lies beyond the option's range, and 5x, -1, 1m30, "1 s",
# must be refused in one line that names option and value. Exit 1: one is not so.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use JSON::PP;

my $show = grep { $_ eq '--show' } @ARGV;
my $program = abs_path($ENV{SPEC_RUNNER} // './spec-runner');
my $dir = tempdir('times-XXXXXX', TMPDIR => 1, CLEANUP => 1);
mkdir "$dir/.git";
my $year = 31536000000;
my %ms = ('500ms' => 500, '2s' => 2000, '90s' => 90000, '10m' => 600000, '1h30m' => 5400000);

my @options;
for my $file (glob 'runner/config/options*.def') {
	open my $in, '<', $file or die;
	local $/;
	my $text = <$in>;
	while ($text =~ /^OPT\(([\w.]+),\s*(MS|SECONDS),\s*"([\w-]+)",\s*(?:"(\w+)"|NULL),\s*(?:"([\w.]+)"|NULL),\s*"\w+",\s*(?:"[^"]*"|NULL),\s*([\w()+]+),\s*([\w()]+),\s*\w+,\s*([\w |]+),/msg) {
		my ($field, $unit, $flag, $env, $key, $least, $most, $verbs) = ($1, $2, $3, $4, $5, $6, $7, $8);
		$most = $most eq 'YEAR_MS' ? $year : $most =~ /(\d{3,})/ ? $1 : $year;
		$least = $least =~ /^\d+$/ ? $least : 0;
		push @options, { flag => $flag, field => $field, unit => $unit, env => $env, key => $key, least => $least, most => $most, verbs => $verbs };
	}
}

sub run_one {
	my ($args, %o) = @_;
	unlink "$dir/spec-runner.yaml";
	if ($o{yaml}) {
		open my $f, '>', "$dir/spec-runner.yaml" or die;
		print $f "version: 1\n$o{yaml}";
		close $f;
	}
	my $pid = fork // die;
	if (!$pid) {
		chdir $dir;
		delete @ENV{grep { /^SPEC_RUNNER_/ } keys %ENV};
		%ENV = (%ENV, %{ $o{env} // {} });
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', '.out';
		open STDERR, '>', '.err';
		exec $program, @$args or exit 127;
	}
	waitpid $pid, 0;
	open my $e, '<', "$dir/.err" or die;
	my $err = join '', <$e>;
	return ($? >> 8, $err);
}

sub understood {
	my ($o) = @_;
	open my $in, '<', "$dir/.artifacts/run-trace.json" or return;
	local $/;
	my ($dispatch) = grep { $_->{name} eq 'runner.dispatch' } @{ decode_json(<$in>)->{spans} };
	my $c = $dispatch->{attrs}{config} // return;
	(my $name = $o->{field}) =~ s/^(liveness|profile)_//;
	for my $group (qw(liveness run profile)) {
		return $c->{$group}{$name} if exists $c->{$group}{$name};
	}
	return;
}

my ($cases, $read, $refused, $bad) = (0, 0, 0, 0);
sub fault { my ($what) = @_; $bad++; print "not ok $what\n" }

# The verb, and what stands behind the options.
sub command_for {
	my ($o) = @_;
	return (['run', '--profile-level', 'basic'], ['--', 'true'], 1) if $o->{verbs} =~ /SUPERVISE|VERB_RUN/;
	return (['inspect'], ['1'], 0) if $o->{verbs} =~ /INSPECT/;
	return ([lc($1)], [], 0) if $o->{verbs} =~ /VERB_(\w+)/;
	return;
}

for my $o (@options) {
	my ($before, $after, $runs) = command_for($o) or next;
	my @ways = (['flag', sub { ([@$before, "--$o->{flag}", $_[0], @$after]) }]);
	push @ways, ['environment', sub { ([@$before, @$after], env => { $o->{env} => $_[0] }) }] if $o->{env};
	my ($group, $key) = split /\./, $o->{key} // '';
	push @ways, ['file', sub { ([@$before, @$after], yaml => $_[0] =~ /^\d+$/ ? "$group: {$key: $_[0]}\n" : "$group: {$key: \"$_[0]\"}\n") }] if $key && $runs;
	my $scale = $o->{unit} eq 'MS' ? 1 : 1000;
	my $bare = 3 * ($o->{unit} eq 'MS' ? 1000 : 1);
	my %want = (%ms, $bare => $bare * $scale);
	for my $way (@ways) {
		for my $value (sort keys %want) {
			$cases++;
			my ($code, $err) = run_one($way->[1]->($value));
			my $in_range = $want{$value} >= $o->{least} && $want{$value} <= $o->{most};
			my $named = $err =~ /\Q$o->{flag}\E|\Q@{[$o->{env} || '-']}\E|'?\Q@{[$key || '-']}\E'?/ && $code == 2;
			fault("--$o->{flag} $value by $way->[0]: refused: $err") if $in_range && $named;
			fault("--$o->{flag} $value by $way->[0]: beyond its range, and accepted") if !$in_range && !$named;
			next if !$runs || !$in_range || $named;
			fault("--$o->{flag} $value by $way->[0]: exit code $code: $err") if $code != 0;
			my $got = understood($o);
			next if !defined $got;
			$read++;
			fault("--$o->{flag} $value by $way->[0]: understood as $got ms, not $want{$value}") if $got != $want{$value};
		}
		for my $value ('5x', '-1', '1m30', '1 s', 'ten') {
			$refused++;
			my ($code, $err) = run_one($way->[1]->($value));
			my @lines = grep { /^spec-runner: / } split /\n/, $err;
			my $good = $code == 2 && @lines == 1 && index($lines[0], $value) >= 0 &&
				$lines[0] =~ /\Q$o->{flag}\E|\Q@{[$o->{env} || '-']}\E|\Q@{[$key || '-']}\E/;
			fault("--$o->{flag} '$value' by $way->[0]: exit code $code: $err") if !$good;
			print "  $lines[0]\n" if $show && $good && $value eq '5x';
		}
	}
}
printf "# %d options, %d times written, %d of them read back out of the trace, %d mistakes refused in one line; %d faults\n", scalar @options, $cases,
	$read, $refused, $bad;
exit($bad ? 1 : 0);
