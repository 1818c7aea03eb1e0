#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# races.pl - the racy programs of tests/show/races under `repro`: how often each hangs or fails by itself, how often under
# --perturb auto, and how many runs the first one took. Prints a Markdown table; with --write into docs/REPRO.md. Takes
# an hour of waiting; needs gcc, g++, rustc, go, javac, node, ruby and Python, and leaves out what is missing.
#
#   tests/show/races.pl --table [--write]    once more from what was measured last
#   tests/show/races.pl [--plain 500] [--runs 200] [--seed 1] [--at-once 2] [--only abba,journal] [--write]
use strict;
use warnings;
use lib 'tests/lib';
use Cwd qw(abs_path getcwd);
use File::Path qw(make_path remove_tree);
use Getopt::Long;
use JSON::PP;
use POSIX qw(WNOHANG);
use Time::HiRes qw(time);

my ($plain, $runs, $seed, $at_once, $only, $write, $table) = (500, 200, 1, 2, '', 0, 0);
GetOptions('plain=i' => \$plain, 'runs=i' => \$runs, 'seed=i' => \$seed, 'at-once=i' => \$at_once, 'only=s' => \$only,
	'write' => \$write, 'table' => \$table) && !@ARGV or die "usage: see the head of $0\n";
my $root = getcwd();
my $spec = abs_path($ENV{SPEC_RUNNER} // './spec-runner');
my $work = "$root/.artifacts/races";
my $src = "$work/src"; # a copy: the tree may change in an hour
my $docs = 'docs/REPRO.md';
my ($begin, $end) = ("<!-- races: tests/show/races.pl --write -->\n", "<!-- end of the races -->\n");

# name, language, what makes it, what runs it, is it reached by the preloaded library?
my @programs = (
	['abba', 'C', [qw(cc -g -O1 -pthread -o abba), "$src/abba.c"], ['./abba'], 1],
	['lost_wakeup', 'C++', [qw(c++ -g -O1 -pthread -o lost_wakeup), "$src/lost_wakeup.cpp"], ['./lost_wakeup'], 1],
	['journal', 'Rust', [qw(rustc -g -O -o journal), "$src/journal.rs"], ['./journal'], 1],
	['registry', 'Python', undef, ['/usr/bin/python3', "$src/registry.py"], 1],
	['workers', 'Python', undef, ['/usr/bin/python3', "$src/workers.py"], 1],
	['children', 'Python', undef, ['/usr/bin/python3', "$src/children.py"], 1],
	['ledger', 'Go', [qw(go build -o ledger), "$src/ledger.go"], ['./ledger'], 0],
	['notify', 'Go', [qw(go build -o notify), "$src/notify.go"], ['./notify'], 0],
	['mailbox', 'Java', [qw(javac -d .), "$src/Mailbox.java"], [qw(java -cp . Mailbox)], 1],
	['ready', 'Node', undef, ['node', "$src/ready.mjs"], 1],
	['buffer', 'Ruby', undef, ['ruby', "$src/buffer.rb"], 1],
	['pipeline', 'shell', undef, ["$src/pipeline.sh"], 1],
);

# One session; the newest repro.json.
sub session {
	my ($dir, $log, @args) = @_;
	my $before = time;
	system("cd '$dir' && '$spec' repro --until end " . join(' ', map { "'$_'" } @args) . " >>'$log' 2>&1 </dev/null");
	my ($file) = sort { -M $a <=> -M $b } glob "$dir/.artifacts/repro/*/repro.json";
	open my $in, '<:raw', $file // return or return;
	return (JSON::PP->new->utf8->decode(do { local $/; <$in> }), time - $before);
}

sub percent { my ($n, $of) = @_; return $of ? sprintf('%.1f %%', 100 * $n / $of) : '-' }

sub measure {
	my ($p) = @_;
	my ($name, $language, $make, $command, $reached) = @$p;
	my $dir = "$work/$name";
	remove_tree($dir);
	make_path("$dir/.git");
	chdir $dir or die "$dir: $!\n";
	if ($make && system('sh', '-c', join(' ', map { "'$_'" } @$make) . " >'$dir/make.log' 2>&1") != 0) {
		return { name => $name, missing => "$make->[0] is missing or fails" };
	}
	# half of them before and half after: a machine that others use is not the same for an hour
	my @plain = ('--perturb', 'none', '--', @$command);
	my ($none) = session($dir, "$dir/plain.log", '--runs', int($plain / 2), @plain);
	my ($auto, $seconds) = session($dir, "$dir/auto.log", '--runs', $runs, '--perturb', 'auto', '--seed', $seed, '--', @$command);
	my ($later) = session($dir, "$dir/plain.log", '--runs', $plain - int($plain / 2), @plain);
	return { name => $name, missing => 'no repro.json' } if !$none || !$auto || !$later;
	$none->{rate}{$_} += $later->{rate}{$_} for 'hits', 'runs';
	push @{ $none->{runs} }, @{ $later->{runs} };
	my ($perturbed, $hits, $first, $pass_ms, $passes) = (0, 0, 0, 0, 0);
	my %what;
	for my $r (@{ $auto->{runs} }) {
		my $hit = $r->{outcome} ne 'pass';
		$first ||= $r->{n} if $hit;
		$what{ $r->{pattern_id} // $r->{outcome} }++ if $hit;
		next if !@{ $r->{perturb}{kinds} };
		$perturbed++;
		$hits++ if $hit;
	}
	$pass_ms += $_->{duration_ms}, $passes++ for grep { $_->{outcome} eq 'pass' } @{ $none->{runs} };
	my $until_first = 0;
	$until_first += $_->{duration_ms} / 1000 for grep { $first && $_->{n} <= $first } @{ $auto->{runs} };
	my ($seen) = sort { $what{$b} <=> $what{$a} || $a cmp $b } keys %what;
	return { name => $name, language => $language, seed => $seed, plain => $none->{rate}, perturbed => $perturbed, hits => $hits, first => $first,
		run_ms => $passes ? $pass_ms / $passes : 0, until_first => $until_first, seconds => $seconds, reached => $reached,
		seen => $seen // '', best => $auto->{best} ? join(' + ', @{ $auto->{best}{perturb}{kinds} }) : '' };
}

my %want = map { $_ => 1 } split /,/, $only;
my @wanted = grep { !%want || $want{ $_->[0] } } @programs;
make_path($src);
system('cp', '-r', "$root/tests/show/races/.", $src) == 0 or die "cannot copy the programs\n";
my (%running, %result, @queue);
@queue = $table ? () : @wanted;
while (@queue || %running) {
	while (@queue && keys %running < $at_once) {
		my $p = shift @queue;
		my $pid = fork // die "fork: $!\n";
		if (!$pid) {
			my $r = measure($p);
			open my $out, '>', "$work/$p->[0].json" or die "$work/$p->[0].json: $!\n";
			print $out JSON::PP->new->canonical->encode($r);
			close $out;
			exit 0;
		}
		$running{$pid} = $p;
	}
	my $pid = waitpid(-1, 0);
	my $p = delete $running{$pid} or next;
	print STDERR "$p->[0] done\n";
}
for my $p (@wanted) {
	open my $in, '<', "$work/$p->[0].json" or die "$work/$p->[0].json: $!\n";
	$result{ $p->[0] } = JSON::PP->new->decode(do { local $/; <$in> });
}

my ($reproduced, $measured, $text, %seeds) = (0, 0, '');
$text .= "| program | alone | under `--perturb auto` | first in run | after | best by | what it was |\n|---|---|---|---|---|---|---|\n";
for my $p (@wanted) {
	my $r = $result{ $p->[0] };
	$seeds{ $r->{seed} } = 1 if defined $r->{seed};
	if ($r->{missing}) {
		$text .= "| $r->{name} | not measured: $r->{missing} | | | | | |\n";
		next;
	}
	$measured++;
	$reproduced++ if $r->{first} && $r->{first} <= 200;
	$text .= sprintf "| %s (%s, %.0f ms) | %d of %d | %d of %d, %s | %s | %s | %s | %s |\n", $r->{name}, $r->{language}, $r->{run_ms},
		$r->{plain}{hits}, $r->{plain}{runs}, $r->{hits}, $r->{perturbed}, percent($r->{hits}, $r->{perturbed}),
		$r->{first} || 'none', $r->{first} ? sprintf('%.0f s', $r->{until_first}) : '-', $r->{best} || '-', $r->{seen} ? "`$r->{seen}`" : '-';
}
$text .= sprintf "\nReproduced within %d runs: %d of %d programs. (Seed %s, %d processors; all runs of a session, so that those after the "
	. "first hit count too.)\n", $runs, $reproduced, $measured, join(', ', sort keys %seeds) || $seed, `nproc`;
print $text;
if ($write) {
	open my $in, '<', "$root/$docs" or die "$docs: $!\n";
	my $page = do { local $/; <$in> };
	$page =~ s/\Q$begin\E.*?\Q$end\E/$begin\n$text\n$end/s or die "$docs has no marks\n";
	open my $out, '>', "$root/$docs" or die "$docs: $!\n";
	print $out $page;
}
exit($reproduced >= $measured * 10 / 12 ? 0 : 1);
