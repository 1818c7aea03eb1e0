#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# profile_healthy.pl - programs that are busy and healthy: compilers, npm install, numeric jobs, passing suites. None may have a
# performance finding but perf.hot.*; what the machine does (perf.machine.contended) is said of it, and told apart. Exit 1 where one has.
#
#   tests/show/profile_healthy.pl [--with perf,stop] [NAME]...
use strict;
use warnings;
use Getopt::Long;
use lib 'tests/show';
use ProfileShow;

my $engines = 'perf';
GetOptions('with=s' => \$engines) or die "usage: see the head of $0\n";
my ($python, $go, $node, $npm, $gcc, $gxx, $java) = map { where_is($_) } qw(python3 go node npm gcc g++ java);
my $root = root();
my $at = fresh();
put("$at/numeric.py", "import math\ndef row(i): return sum(math.sqrt(k * i) for k in range(2000))\ndef total(n): return sum(row(i) for i in range(n))\nprint(total(4000))\n");
put("$at/numeric.c", "#include <stdio.h>\n#include <stdlib.h>\nint main(void){static double a[400][400],b[400][400],c[400][400];for(int i=0;i<400;i++)for(int j=0;j<400;j++){a[i][j]=i+j;b[i][j]=i-j;}\n"
	. "for(int r=0;r<12;r++)for(int i=0;i<400;i++)for(int k=0;k<400;k++)for(int j=0;j<400;j++)c[i][j]+=a[i][k]*b[k][j];printf(\"%f\\n\",c[3][7]);}\n");
system("cc -O2 -g -o $at/numeric $at/numeric.c") == 0 or die;
put("$at/big.cc", "#include <algorithm>\n#include <map>\n#include <regex>\n#include <string>\n#include <vector>\nint main(){std::map<std::string,std::vector<int>> m;m[\"a\"]={3,1,2};auto&v=m[\"a\"];std::sort(v.begin(),v.end());std::regex r(\"a+b\");return std::regex_match(std::string(\"aab\"),r)?0:1;}\n");
put("$at/numeric.js", "const n=300;const a=[],b=[];for(let i=0;i<n;i++){a.push(new Float64Array(n).fill(i));b.push(new Float64Array(n).fill(1/(i+1)))}\nlet t=0;for(let r=0;r<20;r++)for(let i=0;i<n;i++)for(let k=0;k<n;k++){const x=a[i][k];for(let j=0;j<n;j++)t+=x*b[k][j]}\nconsole.log(t)\n");
my %programs = (
	'gcc -O2, 12 files' => ['sh', '-c', "for f in $root/profile/sample/{walk,book,perf,looks,weights,names}.c $root/findings/report/prof_*.c; do gcc -std=gnu17 -D_GNU_SOURCE -DSPEC_RUNNER_VERSION='\"0\"' -O2 -g -I$root -c -o $at/x.o \$f || exit 1; done"],
	'g++ with templates' => ['g++', '-O2', '-o', "$at/big", "$at/big.cc"],
	'make -j2' => ['make', '-j2', '-f', "$at/Makefile"],
	'npm install offline' => ['sh', '-c', "cd $at && mkdir -p i && cd i && npm init -y >/dev/null && npm install --offline --no-audit --no-fund --silent speedscope ajv jest"],
	'numeric python' => [$python, "$at/numeric.py"],
	'numeric C' => ["$at/numeric"],
	'numeric node' => [$node, "$at/numeric.js"],
	'go build' => ['sh', '-c', "cd $at && GOCACHE=$at/gocache go build -o $at/fmt cmd/gofmt"],
	'gzip, sort, awk' => ['sh', '-c', "cat $root/profile/*/*.c $root/findings/*/*.c > $at/t; for i in 1 2 3 4 5 6 7 8; do gzip -9 < $at/t > $at/t.gz; gzip -d < $at/t.gz | sort | uniq -c | sort -n | awk '{s += \$1} END {print s}'; done"],
	'CPython heapq, bisect' => [$python, '-m', 'unittest', 'test.test_heapq', 'test.test_bisect', 'test.test_fractions'],
	'pytest, 200 tests' => [$python, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', $at],
	'javac' => ['sh', '-c', "javac -d $at $at/J.java"],
);
put("$at/Makefile", join("\n", 'all: ' . join(' ', map { "o$_" } 1 .. 8), map { "o$_:\n\tgcc -std=gnu17 -D_GNU_SOURCE -O2 -I$root -c -o $at/o$_ $root/profile/sample/walk.c\n" } 1 .. 8));
put("$at/test_many.py", "import pytest\n\@pytest.mark.parametrize('n', range(200))\ndef test_sum(n): assert sum(range(n * 50)) >= 0\n");
put("$at/J.java", 'import java.util.*; public class J { public static void main(String[] a) { Map<String, List<Integer>> m = new TreeMap<>(); m.computeIfAbsent("x", k -> new ArrayList<>()).add(3); System.out.println(m); } }');

print "| program | engine | CPU, ms | findings | of the machine | kept |\n|---|---|---|---|---|---|\n";
for my $name (@ARGV ? @ARGV : sort keys %programs) {
	for my $with (split /,/, $engines) {
		system 'rm', '-rf', "$at/i", "$at/gocache", map { "$at/o$_" } 1 .. 8;
		my $dir = fresh();
		my @argv = @{ $programs{$name} };
		$argv[0] = where_is($argv[0]) // $argv[0] if $argv[0] !~ m{/};
		$argv[0] = '/bin/bash' if $argv[0] =~ m{/sh$};
		my $r = record($dir, 'record', '--sample-with', $with, '--', @argv);
		my @found = grep { $_->{pattern_id} =~ /^perf\./ && $_->{pattern_id} !~ /^perf\.hot\./ } findings_of($dir);
		my @machine = grep { $_->{pattern_id} =~ /^perf\.(?:machine|cgroup)/ } @found;
		my @bad = grep { $_->{pattern_id} !~ /^perf\.(?:machine|cgroup)/ } @found;
		row(!@bad && $r->{code} == 0, $name, $with, sprintf('%.0f', artifact_of($dir, 'cpu')->{metrics}{cpu_ms}),
			join('; ', map { "$_->{pattern_id}: $_->{summary}" } @bad) || ($r->{code} ? "exit $r->{code}: $r->{err}" : 'none'), join(' ', map { $_->{pattern_id} } @machine));
	}
}
finish_rows();
