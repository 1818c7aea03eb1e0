#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The call graph of small sources is the calls that they make: tests/fixtures/audit/*_calls.txt, case by case.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use SpecRunner;
use Test::More;

plan skip_all => 'audit is not built: no grammars' unless -x '.artifacts/libexec/spec-runner-audit';
my $spec = spec();

sub cases_of {
	my ($fixture) = @_;
	my @cases;
	open my $in, '<', $fixture or die "$fixture: $!";
	while (<$in>) {
		if (/^== (.*)/) { push @cases, { name => $1, source => '', edges => [] } }
		elsif (/^-> (\S+) (\S+)/) { push @{ $cases[-1]{edges} }, "$1 $2" }
		elsif (@cases) { $cases[-1]{source} .= $_ }
	}
	return @cases;
}

sub edges_of {
	my ($text) = @_;
	my $edges = (eval { decode_json($text) } // {})->{edges} // {};
	my %found;
	for my $from (keys %$edges) {
		$found{"$from $_"} = 1 for grep { !/^(<builtin>|functools)/ } @{ $edges->{$from} };
	}
	return [sort keys %found];
}

for (['python', 'main.py'], ['c', 'main.c']) {
	my ($language, $file) = @$_;
	for my $c (cases_of("tests/fixtures/audit/${language}_calls.txt")) {
		my $dir = new_dir();
		mkdir "$dir/.git";
		write_file("$dir/$file", $c->{source});
		my $text = `cd '$dir' && '$spec' audit --format call-graph 2>&1`;
		is_deeply(edges_of($text), [sort @{ $c->{edges} }], "$language: $c->{name}") or diag $text;
	}
}
done_testing();
