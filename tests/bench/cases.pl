#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# cases.pl - 2,000 cases of `true` with two jobs against xargs -P2, prove, bats and meson over as many; 1,000
# checks of file.scan over 20,000 files against one grep -rFf, and a mix with 100 patterns. Each
# the median of three, alternating.
use strict;
use warnings;
use lib 'tests/bench';
use Row;
use File::Find;
use File::Temp qw(tempdir);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use Cwd qw(abs_path);
use Time::HiRes qw(time);

my $runner = abs_path($ENV{SPEC_RUNNER} // './spec-runner');
my $dir = tempdir(CLEANUP => 1);
my $CASES = 2000;
my $PART = $CASES / 10; # of which the slower ones get a tenth: their times are multiplied
my $FILES = 20000;
chdir $dir or die $!;
mkdir '.git';
delete @ENV{grep { /^(SPEC_RUNNER_|GITHUB_)/ } keys %ENV};

sub put {
	my ($name, $text) = @_;
	make_path(dirname($name));
	open my $f, '>', $name or die "$name: $!";
	print $f $text;
	close $f or die $!;
}

# Seconds that a command takes; a failure counts as one (the scan's checks may fail).
sub seconds {
	my ($command) = @_;
	my $start = time;
	system('sh', '-c', "$command >/dev/null 2>&1");
	return time - $start;
}

sub compare {
	my ($ours, $theirs) = @_;
	my (@a, @b);
	for (1 .. 3) {
		push @a, seconds($ours);
		push @b, seconds($theirs);
	}
	return (median(@a), median(@b));
}

sub have { return system("command -v $_[0] >/dev/null 2>&1") == 0 }

put('cases.spec.yaml', "version: 1\nsuite: bench\ncases:\n"
	. join '', map { "  - {id: C-$_, harness: {type: cli.run, argv: ['true']}}\n" } 1 .. $CASES);
my $test = "'$runner' test --jobs 2 cases.spec.yaml";
my ($ours, $xargs) = compare($test, "seq $CASES | xargs -P2 -n1 true");
row("$CASES cases of true, two jobs", sprintf('%.2f s', $ours), sprintf('xargs -P2 %.2f s', $xargs),
	sprintf('%.2f', $ours / $xargs), '1.5', $ours <= 1.5 * $xargs);

# KiB that the larger one of our two processes had at its most. What is still this script, just forked, is none of ours.
sub peak {
	my ($n) = @_;
	my $pid = fork // die $!;
	if (!$pid) {
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		exec $runner, 'test', '--jobs', '2', "n$n.spec.yaml";
	}
	my $most = 0;
	while (waitpid($pid, 1) == 0) {
		open my $list, '<', "/proc/$pid/task/$pid/children" or next;
		for my $p ($pid, split ' ', <$list> // '') {
			open my $status, '<', "/proc/$p/status" or next;
			my ($kib) = join('', <$status>) =~ /^Name:\s+spec-runner\n.*^VmHWM:\s+(\d+)/ms or next;
			$most = $kib if $kib > $most;
		}
		select undef, undef, undef, 0.01;
	}
	return $most;
}
my ($few, $many) = (200, 10_000);
for my $n ($few, $many) {
	put("n$n.spec.yaml", "version: 1\nsuite: bench\ncases:\n"
		. join '', map { "  - {id: C-$_, harness: {type: cli.run, argv: ['true']}}\n" } 1 .. $n);
}
my ($small, $large) = (peak($few), peak($many));
my $each = ($large - $small) * 1024 / ($many - $few);
row("memory of $many cases", sprintf('%.1f MB', $large / 1024), sprintf('%d cases %.1f MB', $few, $small / 1024),
	sprintf('%.0f bytes a case', $each), '600',
	$small > 0 && $large > $small && $each <= 600); # nothing measured is nothing kept

sub faster_than {
	my ($name, $command) = @_;
	if (!have($name)) { return }
	my $theirs = seconds($command) * $CASES / $PART;
	row("the same", sprintf('%.2f s', $ours), sprintf('%s %.2f s (of %d)', $name, $theirs, $PART), sprintf('%.2f', $ours / $theirs), '1',
		$ours < $theirs);
}
put("t/$_.t", "echo 1..1\necho ok 1\n") for 1 .. $PART;
faster_than('prove', 'prove -j2 --exec sh t');
put('b/all.bats', join '', map { "\@test \"$_\" { true; }\n" } 1 .. $PART);
# without GNU parallel bats refuses --jobs: then one after the other
faster_than('bats', have('parallel') ? 'bats --jobs 2 b' : 'bats b');
if (have('meson') && have('ninja')) {
	put('m/meson.build', "project('bench')\nt = find_program('true')\nforeach i : range($PART)\n  test('t' + i.to_string(), t)\nendforeach\n");
	system('meson setup m/build m >/dev/null 2>&1') == 0 and faster_than('meson', 'meson test -C m/build --num-processes 2');
}

# A tree of real text: what stands under /usr/include, /usr/share and /usr/lib.
my ($n, @strings) = (0);
srand 7;
find({ no_chdir => 1, wanted => sub {
	if ($n >= $FILES) { $File::Find::prune = 1; return }
	if (!-f $_ || -l $_ || -s _ > 400_000 || -s _ == 0 || m{/\.}) { return }
	open my $f, '<:raw', $_ or return;
	local $/;
	my $text = <$f>;
	close $f;
	put("tree$_", $text);
	$n++;
	return if @strings >= 1000 || $n % 15 || $text !~ /^[\x09\x0a\x0d\x20-\x7e]+$/;
	my $at = int rand(length $text);
	my ($s) = substr($text, $at, 200) =~ /([\w(][^\r\n"'\\]{7,39}\w)/ or return;
	push @strings, rand() < 0.3 ? $s : substr($s, 0, 5) . 'Zq' . substr($s, 5);
} }, grep { -d } qw(/usr/include /usr/share /usr/lib));
push @strings, "never there $_ at all" for @strings + 1 .. 1000;
put('tree.txt', join('', map { "$_\n" } @strings));

sub check { my ($id, $token) = @_; return "  - {id: $id, check: b.$id, harness: {type: file.scan, paths: [tree/], present: [$token]}}\n" }
sub quoted { my ($s) = @_; $s =~ s/'/''/g; return "'$s'" }
put('scan.spec.yaml', "version: 1\ncases:\n" . join '', map { check("S-$_", quoted($strings[$_])) } 0 .. 999);
put('mix.spec.yaml', "version: 1\ncases:\n" . (join '', map { check("S-$_", quoted($strings[$_])) } 0 .. 899)
	. join '', map { check("R-$_", "{regex: '\\b(get|set|add)_[a-z]+$_\\b'}") } 1 .. 100);
my ($scan, $grep) = compare("'$runner' governance scan.spec.yaml", "grep -rFf tree.txt tree");
row("1,000 checks over $n files", sprintf('%.2f s', $scan), sprintf('grep -rFf %.2f s', $grep), sprintf('%.2f', $scan / $grep),
	'1.3', $scan <= 1.3 * $grep);
my $mix = seconds("'$runner' governance mix.spec.yaml");
row('900 strings and 100 patterns over them', sprintf('%.2f s', $mix), sprintf('grep -rFf %.2f s', $grep),
	sprintf('%.2f', $mix / $grep), '', 1);
finish_rows();
