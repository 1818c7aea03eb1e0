#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `audit` of JavaScript, TypeScript and Go: costs, mutations and runs that were computed by hand; any bytes; the same bytes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd;
use File::Basename;
use File::Path 'make_path';
use File::Temp 'tempdir';
use JSON::PP;
use SpecRunner;
use Test::More;

plan skip_all => 'audit is not built: no grammars' unless -x '.artifacts/libexec/spec-runner-audit';
my $spec = spec();

sub built { return `'$spec' audit --languages $_[0] /dev/null 2>&1` !~ /not built in/ }

# A copy of a fixture, audited: its folder, and the profile of an action.
sub profile_of {
	my ($fixture, $action) = @_;
	my $dir = new_dir() . "/$fixture";
	system('cp', '-r', "tests/fixtures/audit/$fixture", $dir) == 0 or die;
	mkdir "$dir/.git";
	my $out = `cd '$dir' && '$spec' audit 2>&1`;
	is($?, 0, "$fixture: audited") or diag $out;
	return ($dir, decode_json(read_file("$dir/.artifacts/audit/actions/$action.json")));
}

sub ops_of { return { map { ("$_->{line} $_->{callee}" => [ $_->{cost_class}, $_->{weight} ]) } @{ $_[0]{expensive_ops} } } }
sub mutations_of { return [ map { "$_->{line} $_->{kind} $_->{target} $_->{scope}" } @{ $_[0]{state_mutations} } ] }

SKIP: {
	skip 'no grammar of JavaScript', 1 unless built('javascript');
	my ($dir, $p) = profile_of('site', 'everything');

	# computed by hand from src/store.js, data/rows.txt (501 bytes) and data/config.json (24 bytes)
	is_deeply(ops_of($p), {
		'18 fs.readFileSync' => ['file_io', 50100],                    # 100 x 501
		'19 <builtin>.JSON.parse' => ['json_io', 150],                 # no literal
		'25 fs.writeFileSync' => ['file_io', 100],                     # out.txt is not there
		'30 <builtin>.structuredClone' => ['deep_copy', 600],          # 200 x 3
		'35 <builtin>.JSON.parse' => ['json_io', 150],
		'35 fs.readFileSync' => ['file_io', 2400],                     # CONFIG is a constant: 100 x 24
		'39 axios.post' => ['network', 2500],                          # 500 x 5
		'40 <builtin>.fetch' => ['network', 3500],                     # body: 7 bytes in UTF-8
		'41 axios.get' => ['network', 500],
		'47 <builtin>.JSON.stringify' => ['loop_amplified', 1800],     # 150 x 2, 3 x 2 times
		'49 src.store.config' => ['loop_amplified', 7650],             # 2550 x (4 - 1)
		'51 <builtin>.JSON.parse' => ['loop_amplified', 150],          # a loop without bound
		'53 fs.readFileSync' => ['loop_amplified', 12000],             # 2400 x 5: 10, 8, 6, 4, 2
		'54 child_process.execSync' => ['process', 1000],
		'59 fs/promises.readFile' => ['file_io', 50100],
		'61 <builtin>.structuredClone' => ['deep_copy', 400],          # a constant list of two
	}, 'javascript: every operation weighs what was computed by hand');
	is($p->{total_load_estimate}, 133100, 'javascript: and so does the sum');
	is_deeply(mutations_of($p), [
		'12 attr_write this.root self', '13 attr_write this.items self', '14 attr_write this.seen self',
		'23 container_mutate this.items self', '24 container_mutate this.seen self', '25 file_write file:out.txt outside',
		'26 file_write file:old.txt outside', '66 global_write cache global', '67 attr_write store.name parameter',
		'68 attr_write store.root parameter', '69 attr_write process.env.MODE outside', '71 container_mutate items local',
	], 'javascript: mutations');
	is_deeply($p->{redundancy}, [ [ '<builtin>.JSON.parse', 3 ], [ 'fs.readFileSync', 3 ], [ 'src.store.Store.load', 3 ],
		[ '<builtin>.structuredClone', 2 ], [ 'src.store.config', 2 ] ], 'javascript: callees with more than one site');
	is_deeply($p->{pipelining_candidates}[0], [ 'src.store.independent:58 src.store.config',
		'src.store.independent:59 fs/promises.readFile' ], 'javascript: a run ends where what it wrote is read');
	is_deeply($p->{pipelining_candidates}[2], [ 'src.store.send:39 axios.post', 'src.store.send:40 <builtin>.fetch',
		'src.store.send:41 axios.get' ], 'javascript: three requests that need not wait for each other');
	my ($load) = grep { $_->{kind} eq 'redundant' && $_->{callee} eq 'src.store.Store.load' } @{ $p->{candidates} };
	is_deeply([ @$load{qw(line current_cost proposed_reduction)} ], [ 76, 150750, 100500 ], 'javascript: 3 x 50250, less one');
}

SKIP: {
	skip 'no grammar of Go', 1 unless built('go');
	my ($dir, $p) = profile_of('gosite', 'everything');

	# computed by hand from store/store.go and the same files
	is_deeply(ops_of($p), {
		'24 os.ReadFile' => ['file_io', 50100],                        # 100 x 501
		'32 os.WriteFile' => ['file_io', 100],
		'37 os.ReadFile' => ['file_io', 2400],                         # a constant: 100 x 24
		'39 encoding/json.Unmarshal' => ['json_io', 150],
		'43 net/http.Post' => ['network', 5000],                       # the second positional argument has ten bytes
		'44 net/http.Get' => ['network', 500],
		'50 encoding/json.Marshal' => ['loop_amplified', 1800],        # 150 x 2, 3 x 2 times
		'54 store.store.Config' => ['loop_amplified', 7650],           # 2550 x (4 - 1)
		'57 encoding/json.Marshal' => ['loop_amplified', 150],
		'60 os.ReadFile' => ['loop_amplified', 12000],                 # 2400 x 5
		'62 os/exec.Cmd.Run' => ['process', 1000],
		'63 time.Sleep' => ['sleep', 1000],
		'68 os.ReadFile' => ['file_io', 50100],
		'70 encoding/json.Marshal' => ['json_io', 150],
	}, 'go: every operation weighs what was computed by hand');
	is($p->{total_load_estimate}, 132100, 'go: and so does the sum');
	is_deeply(mutations_of($p), [ '29 attr_write s.items self', '30 container_mutate s.seen self', '31 container_mutate s.seen self',
		'32 file_write file:out.txt outside', '33 file_write file:old.txt outside', '74 global_write cache global',
		'75 attr_write s.root parameter', '76 global_write os.Args global', '77 ipc_emit done parameter' ], 'go: mutations');
	is_deeply($p->{redundancy}, [ [ 'os.ReadFile', 4 ], [ 'encoding/json.Marshal', 3 ], [ 'store.store.Config', 2 ],
		[ 'store.store.Store.Load', 2 ] ], 'go: callees with more than one site');
	is_deeply($p->{pipelining_candidates}[0], [ 'store.store.Independent:67 store.store.Config',
		'store.store.Independent:68 os.ReadFile' ], 'go: a run ends where what it wrote is read');
}

# Any bytes end in a result. What is right must be found beside them.
my %whole = (
	js => "function a() { b(); }\nfunction b() {}\na();\n",
	ts => "function a(x: number): void { b(); }\nfunction b() {}\na(1);\n",
	tsx => "function a() { return <p>{b()}</p>; }\nfunction b() {}\na();\n",
	go => "package main\n\nfunc a() { b() }\nfunc b() {}\nfunc main() { a() }\n",
);
for my $ending (sort keys %whole) {
	my $language = $ending eq 'go' ? 'go' : 'javascript';
	my $dir = new_dir();
	next unless built($language);
	make_path("$dir/.git");
	write_file("$dir/whole.$ending", $whole{$ending});
	my %hostile = (brackets => '(' x 100000, braces => '{' x 100000, closing => ')}]' x 5000, nested => '[' x 6250 . ']' x 6250,
		line => 'x = [' . ('"' . 'b' x 40 . '", ') x 22000 . "1]\n", invalid => "var x = \"\xff\xfe\xc0\x80\";\n\xff(\xff)", nul => "a\0b();\0\n" x 100,
		empty => '', arrows => 'x => ' x 2500, templates => '`${' x 3750, chain => 'a' . '.b()' x 3750,
		calls => 'f(' x 2500 . ')' x 2500, ternary => 'a ? b : ' x 2500 . 'c', strings => '"' x 12499,
		classes => 'class A { m() {' x 625, regex => '/(' x 3750, jsx => '<a>' x 2500, generics => 'a<' x 2500,
		comment => '/*' x 6250, self => "class A extends A { m() { this.m(); } }\nlet o = {}; o.__proto__ = o; o.f();\n",
		funcs => 'func(){' x 625, cycle => "type A struct { A }\nfunc (a A) m() { a.m() }\ntype I interface { I; J }\ntype J interface { I }\n");
	write_file("$dir/x_$_.$ending", $hostile{$_}) for keys %hostile;
	symlink '.', "$dir/loop";
	symlink "gone.$ending", "$dir/gone_too.$ending";
	write_file("$dir/large.$ending", 'x' x (3 << 20));
	my $text = `cd '$dir' && '$spec' audit --format call-graph 2>&1`;
	is($?, 0, "$ending: any bytes are a source") or diag substr($text, 0, 500);
	my $g = eval { decode_json($text) } // {};
	is_deeply($g->{edges}{'whole.a'}, ['whole.b'], "$ending: what stands beside them is read");
	is_deeply($g->{languages}{$language}{skipped}, ["large.$ending"], "$ending: a file that is too large is named");
	is($g->{languages}{$language}{files}, 1 + keys %hostile, "$ending: every file is counted");
	my $one = `cd '$dir' && LC_ALL=C '$spec' audit --jobs 1 --no-cache --format call-graph 2>&1`;
	ok($one eq $text, "$ending: the same bytes with one thread, no cache and another locale");
}

# The order in which a folder lists its files has no say: /dev/shm lists the newest first.
my %project = (
	javascript => [ 'js', "import { fNEXT } from './mNEXT.js';\nexport function fOWN(g) { g(); fNEXT(() => fOWN); }\n" ],
	go => [ 'go', "package m\n\ntype TOWN struct{ g func() }\n\nfunc (t TOWN) run() { t.g() }\nfunc fOWN() { TNEXT{fNEXT}.run() }\n" ],
	c => [ 'c', "static int h(void) { return 1; }\nint fNEXT(void);\nint fOWN(void) { return h() + fNEXT(); }\n" ],
);
for my $language (sort keys %project) {
	next unless built($language);
	my ($ending, $source) = @{ $project{$language} };
	my @texts;
	for my $reverse (0, 1) {
		my $dir = -d '/dev/shm' && -w _ ? tempdir('audit.XXXXXX', DIR => '/dev/shm', CLEANUP => 1) : new_dir();
		mkdir "$dir/.git";
		for my $i ($reverse ? reverse 0 .. 9 : 0 .. 9) {
			make_path("$dir/d" . $i % 3) if $ending eq 'c';
			write_file("$dir/" . ($ending eq 'c' ? 'd' . $i % 3 . '/' : '') . "m$i.$ending",
				$source =~ s/OWN/$i/gr =~ s/NEXT/($i + 1) % 10/ger);
		}
		push @texts, scalar `cd '$dir' && '$spec' audit --format call-graph --jobs @{[ 1 + 3 * $reverse ]} 2>&1`;
	}
	ok(length($texts[0]) > 1000 && $texts[0] eq $texts[1], "$language: the same bytes for another order of the folder") or diag $texts[0];
}
done_testing();
