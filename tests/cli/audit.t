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

# the same bytes, whatever the order of the folder, the number of threads, the working folder and the locale are
my @names = map { "m$_.py" } 1 .. 12;
my %text = map { my $n = $_; ($n => "import json\ndef f(x):\n    x.go()\n    json.dumps([1, 2])\n" .
	join('', map { "from " . s/\.py//r . " import f as f_" . s/\.py//r . "\n" } grep { $_ ne $n } @names) . "f(1)\n") } @names;
sub project {
	my $dir = SpecRunner::new_dir();
	mkdir "$dir/$_" for '.git', 'src';
	SpecRunner::write_file("$dir/src/$_", $text{$_}) for @_;
	SpecRunner::write_file("$dir/spec-runner.yaml", "version: 1\naudit: {actions: [{name: all, entry_points: [src.m1, src.m7.f]}]}\n");
	return $dir;
}
my $spec = SpecRunner::spec();
my ($one, $two) = (project(@names), project(reverse @names));
is(system("cd '$one' && '$spec' audit --jobs 1 --no-cache --out '$one/out'"), 0, 'one thread');
is(system("cd '$two/src' && LC_ALL=tr_TR.UTF-8 LANG=de_DE '$spec' audit --jobs 8 --out '$two/out'"), 0, 'eight, from within, elsewhere');
is(qx(diff -r -x cache '$one/out' '$two/out'), '', 'the same files');
is(system("cd '$two' && '$spec' audit --out '$two/out'"), 0, 'again, out of the cache');
is(qx(diff -r -x cache '$one/out' '$two/out'), '', 'the same files');
my $seed = $ENV{AUDIT_TEST_SEED} // time;
srand $seed;
for my $round (1 .. 8) {
	my $name = $names[rand @names];
	my @edits = ("# a comment\n", "def g$round(y=f): return y(3)\ng$round()\n", "class C$round:\n    def __init__(self): f(self)\nC$round()\n",
		"\n\n# nothing but lines\n\n", "\"\"\"" . 'a long text ' x (9 + $round) . "\"\"\"\n", "x$round = 'json'\n");

	$text{$name} =~ s/\n(    x\.go\(\))/\n    # moved\n$1  # on/ if $round % 3 == 0;
	$text{$name} = rand() < 0.5 ? $edits[rand @edits] . $text{$name} : $text{$name} . $edits[rand @edits];
	SpecRunner::write_file("$two/src/$name", $text{$name});
	system("cd '$two' && '$spec' audit --out '$two/out' && '$spec' audit --no-cache --out '$two/cold'") == 0 or die;
	my $differ = qx(diff -r -x cache '$two/out' '$two/cold');
	next if $differ eq '' && $round < 8;
	is($differ, '', "after $round edits (AUDIT_TEST_SEED=$seed): what a run without cache writes");
	last;
}

# what each file added is kept: after a change of any kind the files are those of a run without a cache
sub edited {
	my ($what, %files) = @_;

	for my $name (sort keys %files) {
		my $path = "$two/src/$name";
		if (!defined $files{$name}) {
			unlink $path or die "$name: $!";
			next;
		}
		mkdir $path =~ s{/[^/]*$}{}r;
		SpecRunner::write_file($path, $files{$name});
	}
	for my $run ('as it is', 'again') {
		system("cd '$two' && '$spec' audit --out '$two/out' && rm -rf cold && '$spec' audit --no-cache --out '$two/cold'") == 0 or die;
		is(qx(diff -r -x cache '$two/out' '$two/cold'), '', "$what, $run: what a run without cache writes");
	}
}
my $tool = "import json\ndef load(p):\n    return json.load(open(p))\ndef save(x):\n    return json.dumps(x)\n";
edited('a file is added', 'tool.py' => $tool, 'user.py' => "import tool\ndef run(q):\n    return tool.save(tool.load(q))\nrun('a')\n");
edited('a function is changed', 'tool.py' => $tool =~ s/return json.load\(open\(p\)\)/return save(p)/r);
edited('a comment is added', 'tool.py' => "# new\n" . $tool =~ s/return json.load\(open\(p\)\)/return save(p)/r);
edited('a function is renamed', 'tool.py' => $tool =~ s/def load/def read/r);
edited('it has its old name', 'tool.py' => $tool);
edited('a file is deleted', 'tool.py' => undef);
edited('names of two files are one', 'a.py' => "class b:\n    def c(self): pass\nb().c()\n", 'a/b.py' => "def c(): pass\nc()\n");
edited('and a comment comes to them', 'a/b.py' => "# new\ndef c(): pass\nc()\n");
edited('a function comes before them', 'a.py' => "def first(): pass\nclass b:\n    def c(self): pass\nb().c()\n");
edited('a constant changes', 'user.py' => "def run(q):\n    return open('/etc/passwd').read()\nrun('a')\n");
edited('a text is a secret', 'user.py' => "def run(q):\n    return open('postgres://u:hunter22\@h/d').read(q, password='hunter22')\nrun('a')\n");
is(qx(grep -rl hunter22 '$two/out'), '', 'which no file of the output or the cache holds');
edited('a comment comes to it', 'user.py' => "# new\ndef run(q):\n    return open('postgres://u:hunter22\@h/d').read(q, password='hunter22')\nrun('a')\n");
done_testing;
