#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `audit`: the call graph of Python sources, edge by edge.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use Test::More;
use SpecRunner;

plan skip_all => 'audit is not built: no grammars' unless -x '.artifacts/libexec/spec-runner-audit';

sub graph_of {
	my (%files) = @_;
	my $dir = SpecRunner::new_dir();

	mkdir "$dir/.git";
	for my $name (keys %files) {
		open my $fh, '>', "$dir/$name" or die "$name: $!";
		print $fh $files{$name};
		close $fh;
	}
	my $spec = SpecRunner::spec();
	my $text = qx(cd '$dir' && '$spec' audit --format call-graph 2>&1);
	return $? ? { failed => $text, code => $? >> 8 } : decode_json($text);
}

my $g = graph_of('main.py' => "def a(): pass\ndef b(): pass\nf = a\nf = b\nf()\n");
is_deeply($g->{edges}, { main => ['main.b'] }, 'the last write before the call counts');
$g = graph_of('main.py' => "class A:\n    def run(self): return 1\nclass B(A):\n    def run(self): return super().run()\nB().run()\n");
is_deeply($g->{edges}, { main => ['main.B.run'], 'main.B.run' => [ '<builtin>.super', 'main.A.run' ] }, 'super');
$g = graph_of('main.py' => "from other import f as g\ng()\n", 'other.py' => "def f(): pass\n");
is_deeply($g->{edges}, { main => ['other.f'] }, 'an alias of an import');
$g = graph_of('main.py' => "def f(x): x.run()\nclass C:\n    def run(self): pass\n");
is_deeply($g->{edges}, {}, 'never by bare name');
is($g->{unresolved}[0]{reason}, 'parameter', 'but listed with its reason');
$g = graph_of('main.py' => '(' x 100000);
is_deeply($g->{languages}{python}{parse_errors}, ['main.py'], '100,000 open brackets are a syntax error');
is(graph_of('readme' => '')->{code}, 2, 'no source: exit 2');
done_testing;
