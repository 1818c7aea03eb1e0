#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# profile_formats.pl - profiles read by those they are for: pprof by `go tool pprof`, speedscope files by speedscope's own schema (npm:
# speedscope, ajv), the folded file by flamegraph.pl where --flamegraph names one, Chrome's trace and Firefox's profile by strict checks
# here; the same bytes twice; and profiles of others (perf script, go, node, cProfile) read by us with the shares they have. Exit 1 where one is not.
#
#   tests/show/profile_formats.pl [--flamegraph PATH]
use strict;
use warnings;
use Compress::Zlib;
use Getopt::Long;
use lib 'tests/show';
use ProfileShow;

my $flamegraph;
GetOptions('flamegraph=s' => \$flamegraph) or die "usage: see the head of $0\n";
my $work = root() . '/.artifacts/suites';
my ($python, $go, $node, $perf) = map { where_is($_) } qw(python3 go node perf);
my $split = root() . '/.artifacts/build/tests/zoo/split';
my $at = fresh();
print "| what | by whom | seen | kept |\n|---|---|---|---|\n";

put("$at/test_a.py", <<"PY");
import os, threading, time
def burn(s):
    end = time.thread_time() + s
    while time.thread_time() < end: pass
def test_first(): burn(0.5); time.sleep(0.3)
def test_second():
    t = threading.Thread(target=burn, args=(0.4,)); t.start(); t.join()
    assert os.system("$split 0.3") == 0
PY
my $r = record($at, 'record', '--', $python, '-m', 'pytest', '-v', '-p', 'no:cacheprovider');
die "record: $r->{out}$r->{err}" if $r->{code};
my $p = profile_of($at);
my (%text, @same);
for my $f (qw(folded flamegraph speedscope pprof chrome firefox profile-json artifacts)) {
	for my $w ($f =~ /folded|flamegraph/ ? qw(cpu wall wait samples) : ('cpu')) {
		my ($one, $two) = map { report($at, '--format', $f, '--weight', $w)->{out} } 1, 2;
		push @same, "$f $w" if $one ne $two || !length $one;
		$text{"$f $w"} = $one;
	}
}
row(!@same, 'the same bytes twice', '8 formats', @same ? "not: @same" : scalar(keys %text) . ' files');

# ---- pprof ----
if ($go) {
	put("$at/p.pb.gz", $text{'pprof cpu'});
	for my $w (['cpu', sum_ms($p, 5)], ['wall', sum_ms($p, 6)], ['wait', sum_ms($p, 6, sub { $_[0][4] >= 0 })]) {
		my $out = `$go tool pprof -top -nodecount=400 -unit=ms -sample_index=$w->[0] $at/p.pb.gz 2>&1`;
		my ($of) = $out =~ /of ([\d.]+)ms total/;
		row($? == 0 && defined $of && abs($of - $w->[1]) < 1 && $out =~ /\bburn\b/, "pprof $w->[0]", 'go tool pprof', sprintf '%s of %.2f ms', $of // $out, $w->[1]);
	}
	my $tags = `$go tool pprof -tags $at/p.pb.gz 2>&1`;
	row($tags =~ /test_first/ && $tags =~ /pid:/ && $tags =~ /thread:/, 'pprof labels', 'go tool pprof -tags', join ' ', $tags =~ /^\s*(\w+): Total/mg);
	my $raw = `$go tool pprof -raw $at/p.pb.gz 2>&1`;
	my ($time) = $raw =~ /^Time: (.*)$/m;
	row($raw !~ /error|malformed/i && $raw =~ /^Mappings$/m, 'pprof whole', 'go tool pprof -raw', $time // 'no time');
}
# ---- speedscope ----
if ($node) {
	-d "$work/scope/node_modules/ajv" or system("mkdir -p $work/scope && cd $work/scope && npm init -y >/dev/null && npm install --silent --no-audit --no-fund speedscope ajv") == 0 or die;
	put("$at/s.json", $text{'speedscope cpu'});
	my $said = `cd $work/scope && $node -e '
		const fs = require("fs"), Ajv = require("ajv");
		const schema = JSON.parse(fs.readFileSync("node_modules/speedscope/dist/release/file-format-schema.json"));
		const check = new Ajv({strict: false}).compile(schema);
		const d = JSON.parse(fs.readFileSync("$at/s.json"));
		console.log(check(d) ? "valid, " + d.profiles.length + " profiles" : JSON.stringify(check.errors.slice(0, 3)))' 2>&1`;
	chomp $said;
	my $d = json()->decode($text{'speedscope cpu'});
	my @off = grep { my $x = $_; my $sum = 0; $sum += $_ for @{ $x->{weights} }; $sum != $x->{endValue} - $x->{startValue} } @{ $d->{profiles} };
	row($said =~ /^valid/ && !@off && $d->{'$schema'} eq 'https://www.speedscope.app/file-format-schema.json', 'speedscope', 'its own schema', $said);
}
# ---- folded ----
for my $w (['cpu', sub { $_[0][5] }], ['wall', sub { $_[0][6] }], ['wait', sub { $_[0][4] >= 0 ? $_[0][6] : 0 }]) {
	my ($sum, $want, $bad) = (0, 0, 0);
	my @lines = split /\n/, $text{"folded $w->[0]"};
	for (@lines) { /^\S[^;]*(?:;[^;]+)* (\d+)$/ ? ($sum += $1) : $bad++ }
	$want += $w->[1]->($_) for @{ $p->{samples} };
	my $sorted = join("\n", @lines) eq join("\n", sort @lines);
	row(!$bad && $sorted && abs($sum - $want / 1e3) <= @lines, "folded $w->[0]", 'sums, order', sprintf '%d us of %.0f in %d lines', $sum, $want / 1e3, scalar @lines);
}
if ($flamegraph) {
	put("$at/f.folded", $text{'folded cpu'});
	my $svg = `perl $flamegraph $at/f.folded 2>$at/f.err`;
	my $err = get("$at/f.err");
	row($? == 0 && $svg =~ m{</svg>} && $svg =~ /burn/ && $err !~ /ignored|error/i, 'folded', 'flamegraph.pl', length($svg) . " bytes $err");
}
# ---- chrome ----
{
	my $d = json()->decode($text{'chrome cpu'});
	my (%by, @bad, %named);
	for my $e (@{ $d->{traceEvents} }) {
		if ($e->{ph} eq 'M') { $named{"$e->{name} $e->{pid} " . ($e->{tid} // '')} = 1; next }
		push(@bad, "ph $e->{ph}"), next if $e->{ph} ne 'X';
		push @bad, "$e->{name}: " . ($e->{dur} // 'no dur') if !defined $e->{ts} || !defined $e->{dur} || $e->{dur} < 0 || $e->{ts} < 0 || !length $e->{name};
		push @{ $by{"$e->{pid} $e->{tid}"} }, $e;
	}
	for my $track (keys %by) { # what begins within another ends within it
		my @open;
		for my $e (sort { $a->{ts} <=> $b->{ts} || $b->{dur} <=> $a->{dur} } @{ $by{$track} }) {
			pop @open while @open && $open[-1]{ts} + $open[-1]{dur} <= $e->{ts} + 1e-6;
			push @bad, "$track: $e->{name} at $e->{ts} leaves $open[-1]{name}" if @open && $e->{ts} + $e->{dur} > $open[-1]{ts} + $open[-1]{dur} + 0.0015;
			push @open, $e;
		}
		my ($pid, $tid) = split / /, $track;
		push @bad, "$track has no name" if !$named{"thread_name $pid $tid"};
	}
	row(!@bad, 'chrome', 'strict check', @bad ? "@bad[0 .. ($#bad < 3 ? $#bad : 3)]" : scalar(@{ $d->{traceEvents} }) . ' events on ' . keys(%by) . ' tracks');
}
# ---- firefox ----
{
	my $d = json()->decode($text{'firefox cpu'});
	my @bad;
	push @bad, "version $d->{meta}{version}" if $d->{meta}{version} < 27;
	push @bad, "meta.$_" for grep { !defined $d->{meta}{$_} } qw(interval startTime processType product stackwalk preprocessedProfileVersion);
	for my $t (@{ $d->{threads} }) {
		my $strings = $t->{stringArray} // $t->{stringTable};
		my %n = map { $_ => $t->{$_}{length} } qw(samples stackTable frameTable funcTable resourceTable);
		push @bad, "thread without $_" for grep { !defined $n{$_} } keys %n;
		for my $x (['samples', 'stack', $n{stackTable}], ['stackTable', 'frame', $n{frameTable}], ['stackTable', 'prefix', $n{stackTable}],
			['frameTable', 'func', $n{funcTable}], ['funcTable', 'name', scalar @$strings]) {
			my $column = $t->{ $x->[0] }{ $x->[1] };
			push @bad, "$x->[0].$x->[1] has " . @$column . " of $n{$x->[0]}" if @$column != $n{ $x->[0] };
			push @bad, "$x->[0].$x->[1] out of range" if grep { defined && ($_ >= $x->[2] || $_ < 0) } @$column;
		}
		push @bad, 'a prefix after its stack' if grep { defined $t->{stackTable}{prefix}[$_] && $t->{stackTable}{prefix}[$_] >= $_ } 0 .. $n{stackTable} - 1;
	}
	row(!@bad, 'firefox', 'strict check', @bad ? "@bad[0 .. ($#bad < 4 ? $#bad : 4)]" : @{ $d->{threads} } . " threads, version $d->{meta}{version}");
}
# ---- flamegraph ----
{
	my $svg = $text{'flamegraph cpu'};
	my @bad = grep { $svg =~ /$_/ } '<script', 'xlink', 'href', 'style=', 'on[a-z]+=', 'url\(';
	my $xml = system("xmllint --noout - < /dev/null >/dev/null 2>&1; command -v xmllint >/dev/null") == 0 ? do { put("$at/f.svg", $svg); `xmllint --noout $at/f.svg 2>&1` } : '';
	my ($rects, $titles) = (scalar(() = $svg =~ /<rect/g), scalar(() = $svg =~ /<title>/g));
	row(!@bad && !$xml && $titles > 10, 'flamegraph', 'xmllint, no script', "$rects rectangles, $titles titles @bad $xml");
}
# ---- profiles of others ----
sub shares {
	my ($name, $file, $pattern, $off, @want) = @_;
	@want = (70, 20, 10) if !@want;
	my $out = report($at, '--profile', $file, '--format', 'folded');
	my ($all, %sum) = (0);
	for (split /\n/, $out->{out}) {
		my ($stack, $n) = /^(.*) (\d+)$/ or next;
		my ($which) = $stack =~ /$pattern/ or next;
		$sum{$which} += $n;
		$all += $n;
	}
	my @share = map { $all ? 100 * ($sum{$_} // 0) / $all : 0 } qw(alpha beta gamma);
	my $worst = (sort { $b <=> $a } map { abs($share[$_] - $want[$_]) } 0 .. 2)[0];
	row($out->{code} == 0 && $worst <= $off, "report --profile: $name", 'ours', sprintf('%.1f / %.1f / %.1f %s', @share, $out->{err} =~ s/\n/ /gr));
}
if ($perf) {
	system("cd $at && $perf record -q -F 499 --call-graph dwarf,4096 -o $at/perf.data -- $split 3 >/dev/null 2>&1 && $perf script -i $at/perf.data > $at/perf.txt 2>/dev/null");
	shares('perf script', "$at/perf.txt", qr/split_(alpha|beta|gamma)/, 4);
}
if ($node) {
	put("$at/s.js", "function spin(n){let s=0;for(let i=0;i<n;i++)s=(s*31+i)&0xffffff;return s}\nfunction alpha(){return spin(700000)}\nfunction beta(){return spin(200000)}\n"
		. "function gamma(){return spin(100000)}\nlet x=0;while(process.cpuUsage().user<3e6)x+=alpha()+beta()+gamma();\n");
	system("cd $at && $node --cpu-prof --cpu-prof-name=n.cpuprofile s.js");
	shares('.cpuprofile', "$at/n.cpuprofile", qr/;(alpha|beta|gamma)\b/, 4);
}
if ($go) {
	put("$at/c_test.go", "package c\nimport \"testing\"\nvar sink int\n//go:noinline\nfunc spin(n int) { for i := 0; i < n; i++ { sink = (sink*31 + i) & 0xffffff } }\n//go:noinline\nfunc alpha() { spin(700000) }\n"
		. "//go:noinline\nfunc beta() { spin(200000) }\n//go:noinline\nfunc gamma() { spin(100000) }\nfunc BenchmarkX(b *testing.B) { for i := 0; i < b.N; i++ { alpha(); beta(); gamma() } }\n");
	put("$at/go.mod", "module c\n");
	system("cd $at && GOCACHE=$work/gocache $go test -bench=. -benchtime=3s -cpuprofile=$at/go.prof >/dev/null 2>&1");
	shares('pprof of Go', "$at/go.prof", qr/\.(alpha|beta|gamma)\b/, 8);
	system("gunzip -c < $at/go.prof > $at/go.raw");
	shares('pprof of Go, not packed', "$at/go.raw", qr/\.(alpha|beta|gamma)\b/, 8);
}
put("$at/split.py", "import time\ndef spin(n):\n    s = 0\n    for i in range(n): s = (s * 31 + i) & 0xffffff\ndef alpha(): spin(70000)\ndef beta(): spin(20000)\ndef gamma(): spin(10000)\n"
	. "while time.process_time() < 3: alpha(); beta(); gamma()\n");
system("cd $at && $python -m cProfile -o p.pstats split.py");
shares('pstats', "$at/p.pstats", qr/\b(alpha|beta|gamma)\b/, 4);
record($at, 'record', '--', $split, 3);
$p = profile_of($at);
my @own = map { my $f = "split_$_"; sum_ms($p, 5, sub { shift; grep { ($_->{function} // '') eq $f } @_ }) } qw(alpha beta gamma);
my $own = $own[0] + $own[1] + $own[2];
for my $f (qw(folded speedscope pprof profile-json)) {
	put("$at/own.$f", report($at, '--format', $f)->{out});
	shares("our own $f", "$at/own.$f", qr/split_(alpha|beta|gamma)/, 0.1, map { 100 * $_ / $own } @own);
}
finish_rows();
