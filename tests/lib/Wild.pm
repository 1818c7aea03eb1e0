# SPDX-License-Identifier: Apache-2.0
# Wild.pm - runs a case of tests/zoo/wild, or of another folder of that form, and holds the first finding against what was written down
# before. tests/cli/wild.t says what the files of a case are.
package Wild;
use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter 'import';
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use JSON::PP;

our @EXPORT = qw(wild_names wild_prepare wild_release wild_run wild_judge wild_text wild_sample);

sub slurp { open my $f, '<:raw', $_[0] or return undef; local $/; return scalar <$f> // '' }

# A file of the case, without its last newline; '' where there is none.
sub wild_text { my ($case, $file) = @_; my $t = slurp("$case/$file") // ''; chomp $t; return $t }

# The cases of a folder, as paths.
sub wild_names { my ($home) = @_; return grep { -e "$_/cmd" } sort glob "$home/*" }

# N of the cases, of every kind: the first word of the name, where eight or more share it; the others are one kind. Each kind has one
# at least, and otherwise its share. The seed decides which.
sub wild_sample {
	my ($n, $seed, @case) = @_;
	my (%kind, @chosen);
	for my $case (@case) {
		my ($word) = $case =~ m{([^/_]+)[^/]*$};
		push @{ $kind{$word} }, $case;
	}
	for my $word (sort keys %kind) {
		push @{ $kind{'other tools'} }, @{ delete $kind{$word} } if @{ $kind{$word} } < 8 && $word ne 'other tools';
	}
	srand $seed;
	for my $word (sort keys %kind) {
		my @sorted = sort @{ $kind{$word} };
		@{ $kind{$word} } = map { splice @sorted, int rand @sorted, 1 } 1 .. @sorted;
	}
	# the next is of the kind that is furthest below its share
	my %took = map { $_ => 0 } keys %kind;
	while (@chosen < $n) {
		my ($word) = sort { $took{$a} / @{ $kind{$a} } <=> $took{$b} / @{ $kind{$b} } || $a cmp $b }
			grep { $took{$_} < @{ $kind{$_} } } keys %kind;
		last if !defined $word;
		push @chosen, $kind{$word}[ $took{$word}++ ];
	}
	return sort @chosen;
}

# A copy of the case below a folder, built; `again` where it is run more than once. Returns {case, name, dir, healthy}, or undef where it cannot be built here.
sub wild_prepare {
	my ($case, $below, $again) = @_;
	my ($name) = $case =~ m{([^/]+)/?$};
	my $dir = abs_path(tempdir("wild-$name-XXXXXX", $below ? (DIR => $below) : (TMPDIR => 1), CLEANUP => 1));
	my $w = { case => abs_path($case), name => $name, dir => $dir, healthy => scalar($name =~ /^ok_/) };
	system('cp', '-r', "$case/.", $dir);
	system('chmod', '-R', 'u+w', $dir);
	if (-e "$dir/build" && system('sh', '-c', 'cd "$0" && exec sh ./build >build.log 2>&1 </dev/null', $dir)) {
		remove_tree($dir);
		return undef;
	}
	system('git', 'init', '-q', $dir);
	system('cp', '-a', $dir, "$dir.built") if $again;
	return $w;
}

# As it was after the build: what a run leaves (locks, databases) is no part of the next one.
sub wild_reset {
	my ($w) = @_;
	return if !$w->{ran}++;
	remove_tree($w->{dir});
	system('cp', '-a', "$w->{dir}.built", $w->{dir});
}

sub wild_release { my ($w) = @_; remove_tree($w->{dir}, "$w->{dir}.built") if $w }

# Processes that have the mark of this run in their environment, with their names. One that is about to end is waited for.
sub left_of {
	my ($mark) = @_;
	my @left;
	for (1 .. 20) {
		@left = grep { (slurp("/proc/$_/environ") // '') =~ /(?:^|\0)WILD_MARK=\Q$mark\E\0/ } map { m{(\d+)$} } glob '/proc/[0-9]*';
		last if !@left;
		select undef, undef, undef, 0.1;
	}
	return map { my $comm = slurp("/proc/$_/comm") // 'gone'; chomp $comm; "$_ ($comm)" } @left;
}

# Runs it once. program: the binary; opts: its options. Adds code, found (of findings.json), err, out, left to what is returned.
sub wild_run {
	my ($w, $program, @opts) = @_;
	my ($dir, $mark) = ($w->{dir}, "$w->{name}-$$-" . ($w->{ran} // 0));
	wild_reset($w);
	push @opts, split ' ', wild_text($w->{case}, 'opts');
	pipe(my $silent, my $writer) or die;
	my $pid = fork // die;
	if (!$pid) {
		chdir $dir or die;
		close $writer;
		$ENV{WILD_MARK} = $mark;
		my ($mode, $from) = -e "$w->{case}/stdin" ? ('<&', $silent) : ('<', '/dev/null');
		open STDIN, $mode, $from or die;
		open STDOUT, '>', "$dir/out" or die;
		open STDERR, '>', "$dir/err" or die;
		exec 'sh', '-c', 'exec "$0" run "$@" -- ' . wild_text($w->{case}, 'cmd'), $program, @opts;
		die;
	}
	close $silent;
	waitpid $pid, 0;
	my $code = $? >> 8;
	close $writer;
	my $json = slurp("$dir/.artifacts/findings.json");
	return { code => $code, json => $json, found => $json ? decode_json($json)->{findings} : [], err => slurp("$dir/err") // '',
		out => slurp("$dir/out") // '', left => [left_of($mark)], trace => "$dir/.artifacts/run-trace.json" };
}

# What is not as it was written down; nothing where it is right.
sub wild_judge {
	my ($w, $r) = @_;
	my $first = $r->{found}[0] // { pattern_id => 'nothing' };
	if ($w->{healthy}) {
		my @hang = grep { /^hang\./ } map { $_->{pattern_id} } @{ $r->{found} };
		return $r->{code} == 0 && !@hang ? () : "exit $r->{code} @hang";
	}
	my $flat = JSON::PP->new->canonical->encode($first);
	my ($ids, @words) = split /\n/, wild_text($w->{case}, 'expect');
	my @bad = $r->{code} == 124 ? () : "exit $r->{code}";
	push @bad, 'pattern' if !grep { index($first->{pattern_id}, $_) == 0 } split ' ', $ids;
	push @bad, map { "missing '$_'" } grep { length && index($flat, $_) < 0 } @words;
	push @bad, map { "does not show '$_'" } grep { length && index($r->{err}, $_) < 0 } split /\n/, wild_text($w->{case}, 'shown');
	push @bad, map { "says '$_'" } grep { length && index($flat, $_) >= 0 } split /\n/, wild_text($w->{case}, 'never');
	return @bad;
}

1;
