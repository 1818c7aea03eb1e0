#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The call graph of small Python sources is the calls that they make.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use SpecRunner;
use Test::More;

plan skip_all => 'audit is not built: no grammars' unless -x '.artifacts/libexec/spec-runner-audit';
my $spec = spec();
my (@cases, $case);
open my $in, '<', 'tests/fixtures/audit/python_calls.txt' or die $!;
while (<$in>) {
	if (/^== (.*)/) { push @cases, $case = { name => $1, source => '', edges => [] } }
	elsif (/^-> (\S+) (\S+)/) { push @{ $case->{edges} }, "$1 $2" }
	elsif ($case) { $case->{source} .= $_ }
}
for my $c (@cases) {
	my $dir = new_dir();
	mkdir "$dir/.git";
	open my $out, '>', "$dir/main.py" or die $!;
	print $out $c->{source};
	close $out;
	my $text = `cd '$dir' && '$spec' audit --format call-graph 2>&1`;
	my $graph = eval { decode_json($text) } // { edges => {} };
	my %edges;
	for my $from (keys %{ $graph->{edges} }) {
		$edges{"$from $_"} = 1 for grep { !/^(<builtin>|functools)/ } @{ $graph->{edges}{$from} };
	}
	is_deeply([sort keys %edges], [sort @{ $c->{edges} }], $c->{name}) or diag $text;
}
done_testing();
