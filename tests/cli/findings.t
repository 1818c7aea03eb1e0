#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Hangs as people report them, rewritten: the first finding names the cause. And slow programs that
# are well: no hang is found in them.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use RealHangs;
use JSON::PP;
use Test::More;

my $limit = 1500 * slow_factor();
my $docs = read_file('docs/FINDINGS.md') // '';

for my $h (@RealHangs::hangs) {
	my ($name, $file, $command, $id, $word) = @$h;
	SKIP: {
		skip 'no python3', 7 if $command->[0] eq 'python3' && !$RealHangs::python;
		my $r = RealHangs::run_hang($h, $limit);
		is($r->{code}, 124, "$name: ended");
		my $found = decode_json(read_file("$r->{dir}/.artifacts/findings.json") // '{"findings":[]}');
		is($found->{findings}[0]{pattern_id}, $id, "$name: $id comes first")
			or diag join ' ', map { $_->{pattern_id} } @{ $found->{findings} };
		like($r->{err}, $word, "$name: the console names the place") or diag $r->{err};
		no_survivors($r, "$name: nothing is left alive");
		like(read_file("$r->{dir}/.artifacts/report.md") // '', qr/^## 1\. /m, "$name: the report tells it");
		my $block = RealHangs::block_of($r);
		cmp_ok(($block =~ tr/\n//), '<=', 13, "$name: a dozen lines");
		# The first line says what hangs: the docs must say it in the same words.
		my ($first) = RealHangs::shape_of($block) =~ /^(.*)$/m;
		ok(index(RealHangs::shape_of($docs), $first) >= 0, "$name: docs/FINDINGS.md shows this block")
			or diag "run tests/show/five_hangs.pl --write; the block is now\n$block";
	}
}

# Slow and well: silent for long, or at work, and ended by itself or by its limit.
my @well = (
	['silent, then done', ['sh', '-c', 'sleep 1.2'], 0],
	['at work until its limit', ['sh', '-c', 'while sleep 0.1; do echo tick; done'], 124],
	['fails by itself', ['sh', '-c', 'sleep 0.3; exit 3'], 3],
);
for my $w (@well) {
	my ($name, $command, $code) = @$w;
	my $dir = new_dir();
	my $r = run_spec(['--timeout-ms', $limit, '--liveness-stall-ms', 400, 'run', '--', @$command], dir => $dir);
	is($r->{code}, $code, "$name: exit code $code");
	my $found = decode_json(read_file("$dir/.artifacts/findings.json") // '{"findings":[]}');
	no_survivors($r, "$name: nothing is left alive");
	ok(!(grep { $_->{pattern_id} =~ /^hang\./ } @{ $found->{findings} }), "$name: no hang is found")
		or diag join ' ', map { $_->{pattern_id} } @{ $found->{findings} };
}
done_testing();
