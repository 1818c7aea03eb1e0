#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The call graph of small sources is the calls that they make: tests/fixtures/audit/*_calls.txt, case by case.
use strict;
use warnings;
use File::Basename;
use File::Path 'make_path';
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use SpecRunner;
use Test::More;

plan skip_all => 'audit is not built: no grammars' unless -x '.artifacts/libexec/spec-runner-audit';
my $spec = spec();

sub cases_of {
	my ($fixture, $main) = @_;
	my @cases;
	open my $in, '<', $fixture or die "$fixture: $!";
	while (<$in>) {
		if (/^== (.*)/) { push @cases, { name => $1, at => $main, sources => {}, edges => [] } }
		elsif (/^-> (\S+) (\S+)/) { push @{ $cases[-1]{edges} }, "$1 $2" }
		elsif (/^-- (\S+)/) { $cases[-1]{at} = $1 }
		elsif (@cases) { $cases[-1]{sources}{ $cases[-1]{at} } .= $_ }
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

for (['python', 'main.py'], ['c', 'main.c'], ['javascript', 'main.js'], ['typescript', 'main.ts'], ['go', 'main.go']) {
	my ($language, $file) = @$_;
	my ($built) = $language eq 'typescript' ? 'javascript' : $language;
	if (`'$spec' audit --languages $built /dev/null 2>&1` =~ /not built in/) {
		diag "$language is not built in";
		next;
	}
	for my $c (cases_of("tests/fixtures/audit/${language}_calls.txt", $file)) {
		my $dir = new_dir();
		mkdir "$dir/.git";
		for my $path (keys %{ $c->{sources} }) {
			make_path("$dir/" . dirname($path));
			write_file("$dir/$path", $c->{sources}{$path});
		}
		my $text = `cd '$dir' && '$spec' audit --format call-graph 2>&1`;
		is_deeply(edges_of($text), [sort @{ $c->{edges} }], "$language: $c->{name}") or diag $text;
	}
}
done_testing();
