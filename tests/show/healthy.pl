#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# healthy.pl - real suites that pass, 40 runs each under `repro --perturb all`: no result may change, no output but for times and
# the order of what runs at once; and what the perturbation costs. Fetches what is not there into .artifacts/healthy (npm); takes a while. Prints a Markdown table.
#
#   tests/show/healthy.pl [--runs 40] [--at-once 2] [NAME]...
use strict;
use warnings;
use Cwd qw(abs_path getcwd);
use File::Path qw(make_path remove_tree);
use Getopt::Long;
use JSON::PP;

my ($runs, $at_once) = (40, 2);
GetOptions('runs=i' => \$runs, 'at-once=i' => \$at_once) or die "usage: see the head of $0\n";
my $root = getcwd();
my $spec = abs_path($ENV{SPEC_RUNNER} // './spec-runner');
my $work = "$root/.artifacts/healthy";

sub sh { system('sh', '-c', $_[0]) == 0 or die "$_[0]: $?\n" }

my %suites = (
	'CPython test_queue' => { need => '/usr/lib/python3.11/test/test_queue.py', runs => '/usr/bin/python3 -m unittest -v test.test_queue' },
	'CPython heapq, bisect, contextlib' => { need => '/usr/lib/python3.11/test/test_heapq.py',
		runs => '/usr/bin/python3 -m unittest -v test.test_heapq test.test_bisect test.test_contextlib' },
	'Go sync' => { need => '/usr/lib/go-1.19/bin/go', runs => 'go test -short -v sync' },
	'npm qs' => {
		dir => "$work/package", runs => 'node_modules/.bin/tape "test/**/*.js"',
		ready => sub {
			return if -x "$work/package/node_modules/.bin/tape";
			sh(qq{cd '$work' && npm pack --silent qs && tar xzf qs-*.tgz && cd package && node -e '
				const fs = require("fs"), p = JSON.parse(fs.readFileSync("package.json"));
				for (const k of Object.keys(p.devDependencies)) p.devDependencies[k] = "*";
				p.scripts = {}; fs.writeFileSync("package.json", JSON.stringify(p))' &&
				npm install --silent --no-audit --no-fund --ignore-scripts});
		},
	},
	'npm fastq' => {
		dir => "$work/fastq/package", runs => 'node_modules/.bin/tape test/test.js test/promise.js',
		ready => sub {
			return if -x "$work/fastq/package/node_modules/.bin/tape";
			sh(qq{mkdir -p '$work/fastq' && cd '$work/fastq' && npm pack --silent fastq && tar xzf fastq-*.tgz && cd package && node -e '
				const fs = require("fs"), p = JSON.parse(fs.readFileSync("package.json"));
				p.devDependencies = { tape: "*" }; p.scripts = {};
				fs.writeFileSync("package.json", JSON.stringify(p))' &&
				npm install --silent --no-audit --no-fund --ignore-scripts});
		},
	},
);

# Without what two runs never share: times, pids, addresses, temporary names; in the order of the alphabet.
sub same_words {
	my ($text) = @_;
	for ($text) {
		s/0x[0-9a-f]+/ADDRESS/g;
		s/\d+\.\d+ ?(?:ms|s)\b|\(\d+(?:\.\d+)? ?(?:wallclock|m?s)[^)]*\)|\d+ wallclock[^\n]*|\d+\.\d+ c?(?:usr|sys)/TIME/g;
		s/in \d+\.\d+s/in TIME/g;
		s{/\S*/run-\d+/tmp\S*}{TMP}g;
	}
	return join "\n", sort split /\n/, $text;
}

sub slurp { open my $in, '<:raw', $_[0] or return ''; local $/; return <$in> // '' }

sub measure {
	my ($name) = @_;
	my $s = $suites{$name};
	my $key = $name =~ s/\W+/-/gr;
	my $dir = "$work/runs/$key";
	remove_tree($dir);
	make_path("$dir/.git", "$dir/out");
	die "missing: $s->{need}\n" if $s->{need} && !-e $s->{need};
	$s->{ready}->() if $s->{ready};
	my $cd = $s->{dir} // $dir;
	# TMPDIR ends in run-K/tmp
	my $command = "k=\${TMPDIR%/tmp}; cd '$cd' && exec >'$dir/out/'\"\${k##*/}\" 2>&1; $s->{runs}";
	open my $script, '>', "$dir/suite.sh" or die;
	print $script "$command\n";
	close $script;
	chdir $dir or die;
	my @r;
	for my $how (['none', 5], ['all', $runs]) {
		system("'$spec' repro --until end --seed 11 --perturb $how->[0] --runs $how->[1] -- sh ./suite.sh >>log 2>&1 </dev/null");
		my ($file) = sort { -M $a <=> -M $b } glob "$dir/.artifacts/repro/*/repro.json";
		push @r, JSON::PP->new->utf8->decode(slurp($file // '') || die "no repro.json\n");
		rename "$dir/out", "$dir/out-$how->[0]";
		mkdir "$dir/out";
	}
	my ($plain, $all) = @r;
	die "it fails unperturbed, too\n" if !grep { $_->{outcome} eq 'pass' } @{ $plain->{runs} };
	my $want = same_words(slurp("$dir/out-none/run-1"));
	my ($changed, $other) = (0, 0);
	$changed += $_->{outcome} ne 'pass' for @{ $plain->{runs} }, @{ $all->{runs} };
	for my $how (['none', $plain], ['all', $all]) {
		$other += same_words(slurp("$dir/out-$how->[0]/run-$_->{n}")) ne $want for @{ $how->[1]{runs} };
	}
	my $mean = sub { my ($sum, $n) = (0, 0); $sum += $_->{duration_ms}, $n++ for @{ $_[0]{runs} }; return $sum / $n / 1000 };
	return { name => $name, runs => scalar @{ $all->{runs} }, changed => $changed, other => $other, lines => scalar(split /\n/, $want),
		plain => $mean->($plain), all => $mean->($all) };
}

make_path("$work/runs");
my @names = @ARGV ? @ARGV : sort keys %suites;
my (%running, @queue, $total, $bad);
@queue = @names;
while (@queue || %running) {
	while (@queue && keys %running < $at_once) {
		my $name = shift @queue;
		my $pid = fork // die;
		if (!$pid) {
			my $r = eval { measure($name) } // { name => $name, missing => $@ =~ s/\n.*//sr };
			open my $out, '>', "$work/runs/" . ($name =~ s/\W+/-/gr) . '.json' or die;
			print $out JSON::PP->new->canonical->encode($r);
			close $out;
			exit 0;
		}
		$running{$pid} = 1;
	}
	delete $running{ waitpid(-1, 0) };
}
print "| suite | runs under --perturb all | results that changed | outputs that differ | a plain run | a perturbed run |\n|---|---|---|---|---|---|\n";
for my $name (@names) {
	my $r = JSON::PP->new->decode(slurp("$work/runs/" . ($name =~ s/\W+/-/gr) . '.json'));
	if ($r->{missing}) {
		print "| $name | not measured: $r->{missing} | | | | |\n";
		next;
	}
	$total += $r->{runs};
	$bad += $r->{changed} + $r->{other};
	printf "| %s | %d | %d | %d (of %d lines each) | %.2f s | %.2f s |\n", $name, $r->{runs}, $r->{changed}, $r->{other}, $r->{lines}, $r->{plain}, $r->{all};
}
printf "\n%d runs.\n", $total // 0;
exit($bad ? 1 : 0);
