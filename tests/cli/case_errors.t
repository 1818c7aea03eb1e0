#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What is wrong with a spec file is said in one line with its place, in little time and memory, whatever the file.
use strict;
use warnings;
use lib 'tests/lib';
use SpecCases;
use Test::More;
use Time::HiRes qw(time);

enter_project();
my $h = 'harness: {type: cli.run, argv: [x]}';
my $head = "version: 1\ncases:\n";

# [text, line, column, words]; column 0: any.
my @rows = (
	["version: 1\ncaes: []\n", 2, 1, "unknown key 'caes' (did you mean 'cases'?)"],
	["version: 2\ncases: []\n", 1, 10, 'version 2 is not known'],
	["cases: []\n", 1, 1, 'version'],
	["version: 1\n", 1, 1, "a spec needs 'cases'"],
	["version: 1\ncases: {a: 1}\n", 2, 8, ''],
	["$head  - plain\n", 3, 5, ''],
	["$head  - {$h}\n", 3, 5, 'id'],
	["$head  - {id: 'A B', $h}\n", 3, 10, "'id' is made of"],
	["$head  - {id: A, $h}\n  - {id: A, $h}\n", 4, 10, "case 'A' is there already: x.spec.yaml:3:10"],
	["$head  - {id: A, hanress: {type: cli.run}}\n", 3, 13, "unknown key 'hanress' (did you mean 'harness'?)"],
	["$head  - {id: A, harness: {type: cli.rnu, argv: [x]}}\n", 3, 29, "(did you mean 'cli.run'?)"],
	["$head  - {id: A, harness: {type: cli.run}}\n", 3, 22, "needs 'argv'"],
	["$head  - {id: A, harness: {type: cli.run, argv: []}}\n", 3, 44, 'at least the name of a program'],
	["$head  - {id: A, harness: {type: cli.run, argv: [x], tiemout_ms: 4}}\n", 3, 49, "(did you mean 'timeout_ms'?)"],
	["$head  - {id: A, harness: {type: cli.run, argv: [x], timeout_ms: soon}}\n", 3, 61, "not 'soon'"],
	["$head  - {id: A, $h, expect: {musst: []}}\n", 3, 59, "(did you mean 'must'?)"],
	["$head  - {id: A, $h, expect: {must: [{target: stdotu, equals: a}]}}\n", 3, 75, "(did you mean 'stdout'?)"],
	["$head  - {id: A, $h, expect: {must: [{target: stdout, matchs: a}]}}\n", 3, 83, "(did you mean 'matches'?)"],
	["$head  - {id: A, $h, expect: {must: [{target: stdout}]}}\n", 3, 66, 'an expectation needs one of'],
	["$head  - {id: A, $h, expect: {must: [{target: stdout, equals: a, contains: b}]}}\n", 3, 0, 'give each its own'],
	["$head  - {id: A, $h, expect: {must: [{target: stdout, matches: 'a(b'}]}}\n", 3, 92, "pattern 'a(b': missing closing parenthesis at offset 3"],
	["$head  - {id: A, $h, export: {v: {target: stdout, matches: 'a['}}}\n", 3, 0, 'at offset 2'],
	["$head  - {id: A, $h, expect: {must: [{target: json, pointer: a/b, equals: 1}]}}\n", 3, 90, 'JSON pointer'],
	["$head  - {id: A, harness: {type: file.scan, paths: ['*'], present: [{regex: '*a'}]}}\n", 3, 72, 'at offset 0'],
	["$head  - {id: A, harness: {type: file.scan, paths: ['[a'], present: [b]}}\n", 3, 47, "'[' is not closed"],
	["$head  - {id: A, harness: {type: file.scan, paths: ['*'], count: {a: 'x 2'}}}\n", 3, 0, 'is not a count'],
	["$head  - {id: A, harness: {type: data.validate, paths: [a]}}\n", 3, 0, 'schema'],
	["$head  - {id: A, chain: {steps: [{id: s, ref: '#B'}]}}\n", 3, 42, "no case 'B'"],
	["$head  - {id: A, chain: {steps: [{id: s, ref: 'no.spec.yaml#B'}]}}\n", 3, 42, 'No such file'],
	["$head  - {id: A, chain: {steps: [{id: s, ref: B}]}}\n", 3, 42, 'FILE#CASE-ID'],
	["$head  - {id: A, chain: {steps: [{id: s, ref: '#B'}]}}\n  - {id: B, chain: {steps: [{id: s, ref: '#A'}]}}\n", 0, 0,
		'cycle in chain: A -> B -> A'],
	["$head  - {id: A, harness: {type: cli.run, argv: ['\${s.v}']}}\n", 3, 10, "'\${s.v}': no step of that name"],
	["a: &a [x, x]\nb: [*a, *a]\n", 2, 5, 'aliases'],
	["$head  - {id: A, $h\n", 4, 1, ''],
	["$head\t- x\n", 3, 1, 'a tab cannot indent'],
	["$head  - {id: A, title: \"\\xff\", title: b, $h}\n", 3, 0, 'is repeated'],
	["$head  - {id: A, title: \xff, $h}\n", 3, 0, 'not UTF-8'],
	['', 1, 1, 'there is nothing here'],
	["--- 1\n--- 2\n", 2, 0, 'second document'],
	["version: !!int 1\n", 1, 0, 'tags'],
	['{a: ' x 10_000, 1, 0, 'nested more than 64 deep'],
	[(join '', map { ' ' x $_ . "a:\n" } 0 .. 1_999), 65, 0, 'nested more than 64 deep'],
);
for my $row (@rows) {
	my ($text, $line, $column, $words) = @$row;
	put('x.spec.yaml', $text);
	my ($code, $out, $err) = runner('test', 'x.spec.yaml');
	my $place = ($line || '\d+') . ':' . ($column || '\d+');
	ok($code == 2 && $out eq '' && $err =~ /\Aspec-runner: x\.spec\.yaml:$place: [^\n]*\Q$words\E[^\n]*\n\z/,
		$words || "line $line") or diag "$code $out$err";
}
put('m.spec.md', "# x\n\n```yaml contract-spec\n${head}  - {id: A, harness: {type: cli.run, argv: [x], tiemout_ms: 4}}\n```\n");
like((runner('test', 'm.spec.md'))[2], qr/^spec-runner: m\.spec\.md:6:49: unknown key 'tiemout_ms'/, 'a fence counts its lines from the top');
is((runner('test', 'nothing.spec.yaml'))[0], 2, 'a file that is not there');
is((runner('test', 'm.spec.md#NO'))[0], 2, 'a case that is not there');

# Much of it: with 64 MiB of address space, of which memory is a part.
sub limited {
	my ($file) = @_;
	return scalar `bash -c 'ulimit -v 65536; "\$0" "\$@"; echo "code \$?"' '$spec_runner' test $file 2>&1`;
}
SKIP: {
	skip 'a sanitised build reserves terabytes of address space', 6 if $ENV{TEST_SANITIZED};
	open my $big, '>', 'big.spec.yaml' or die $!;
	truncate $big, 100 * 1024 * 1024 or die $!;
	close $big;
	my %text = (
		'a file of 100 MB' => ['big.spec.yaml', undef, qr/larger than/],
		'10,000 nested maps' => ['n.spec.yaml', '{a: ' x 10_000, qr/nested more than 64 deep/],
		'100,000 nested lists' => ['l.spec.yaml', '[' x 100_000, qr/nested more than 64 deep/],
		'anchors that explode' => ['b.spec.yaml', join('', "a0: &a0 [x, x]\n", map { "a$_: &a$_ [*a" . ($_ - 1) . ', *a' . ($_ - 1) . "]\n" } 1 .. 60), qr/aliases/],
		'8 MB of one map' => ['k.spec.yaml', join('', map { "k$_: v\n" } 1 .. 600_000), qr/more than \d+ values/],
		'8 MB of one word' => ['w.spec.yaml', 'a' x 8_000_000, qr/must be a map|needs|map/],
	);
	for my $what (sort keys %text) {
		my ($file, $content, $words) = @{ $text{$what} };
		put($file, $content) if defined $content;
		my $start = time;
		my $report = limited($file);
		ok($report =~ /\Aspec-runner: [^\n]*\n?code 2\n\z/ && $report =~ $words && time - $start < 10, "$what: one clear line, soon, in little memory")
			or diag substr($report, 0, 300), ' after ', time - $start, ' s';
	}
}
done_testing();
