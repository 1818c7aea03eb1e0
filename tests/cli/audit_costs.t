#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `audit`: every cost class, mutation, redundancy, pipelining and candidate rule on a fixture that was computed by hand; the
# files against their schemas; drift, limits, calibration, where.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd;
use JSON::PP;
use Test::More;
use SpecRunner;

plan skip_all => 'audit is not built: no grammars' unless -x '.artifacts/libexec/spec-runner-audit';
my $spec = SpecRunner::spec();
my $schemas = getcwd() . '/schemas';
my $dir = SpecRunner::new_dir() . '/shop';
my $A = '.artifacts/audit';
system('cp', '-r', 'tests/fixtures/audit/shop', $dir) == 0 or die;
mkdir "$dir/.git";

sub audit { my $out = qx(cd '$dir' && '$spec' audit @_ 2>&1); return ($? >> 8, $out) }
sub text { return (audit(@_))[1] }
sub document { return decode_json(SpecRunner::read_file("$dir/$A/$_[0]")) }

my ($code, $out) = audit();
is($code, 0, 'the audit of the fixture') or diag $out;
my $p = document('actions/everything.json');

# op => [class, weight], by line; computed by hand from src/store.py, data/rows.txt (501 bytes) and data/config.json (24 bytes)
my %want = (
	'23 <builtin>.open' => ['file_io', 50100],               # 100 x 501
	'24 json.loads' => ['json_io', 150],                     # no literal container
	'29 <builtin>.open' => ['file_io', 100],                 # out.txt is not there
	'41 <builtin>.open' => ['file_io', 2400],                # CONFIG is a constant: 100 x 24
	'41 json.load' => ['json_io', 150],
	'45 requests.post' => ['network', 2500],                 # data="hello": 500 x 5
	'46 requests.post' => ['network', 1000],                 # the second positional argument has two elements
	'47 requests.get' => ['network', 500],
	'51 ast.parse' => ['ast_parse', 1000],                   # "x = 1": 200 x 5
	'52 ast.walk' => ['ast_parse', 200],
	'53 <builtin>.open' => ['file_io', 2400],
	'53 ast.parse' => ['ast_parse', 4800],                   # open("…").read(): 200 x 24
	'54 pathlib.Path.read_text' => ['file_io', 50100],
	'60 pickle.dumps' => ['loop_amplified', 5400],           # 300 x 2 x 3 x 3
	'62 src.store.config' => ['loop_amplified', 7650],       # reach 2550 x (4 - 1)
	'64 json.dumps' => ['loop_amplified', 0],                # an empty literal, in a loop without bound
	'65 <builtin>.open' => ['loop_amplified', 24000],        # 2400 x 10
	'70 <builtin>.open' => ['file_io', 50100],
	'72 copy.deepcopy' => ['deep_copy', 200],
	'89 src.store.recurse' => ['loop_amplified', 0],         # it reaches its caller
	'90 json.dumps' => ['json_io', 300],                     # two elements
);
my %got = map { ("$_->{line} $_->{callee}" => [$_->{cost_class}, $_->{weight}]) } @{ $p->{expensive_ops} };
is_deeply(\%got, \%want, 'every operation weighs what was computed by hand');
my $sum = 0;
$sum += $_->{weight} for @{ $p->{expensive_ops} };
is($p->{total_load_estimate}, 203050, 'the load');
is($sum, 203050, 'is the sum of the weights');
is_deeply([ map { "$_->{line} $_->{kind} $_->{target}" } @{ $p->{state_mutations} } ], [
	'18 attr_write self.root', '19 attr_write self.items', '20 attr_write self.seen',
	'27 container_mutate self.items', '28 container_mutate self.seen',
	'29 file_write file:out.txt', '31 file_write file:old.txt',
	'81 global_write CACHE', '82 global_write os.environ', '83 attr_write store.name', '84 attr_write store.root',
], 'mutations');
is_deeply($p->{redundancy}, [ [ '<builtin>.open', 6 ], [ 'src.store.config', 4 ], [ 'ast.parse', 2 ], [ 'json.dumps', 2 ],
	[ 'requests.post', 2 ], [ 'src.store.Store.load', 2 ], [ 'src.store.recurse', 2 ] ], 'callees with more than one site');
is_deeply($p->{pipelining_candidates}[0], [ 'src.store.independent:69 src.store.config', 'src.store.independent:70 <builtin>.open' ],
	'a run ends where a statement reads what an earlier one wrote; a cheap one between does not end it');
my ($load) = grep { $_->{kind} eq 'redundant' && $_->{callee} eq 'src.store.Store.load' } @{ $p->{candidates} };
is_deeply([ @$load{qw(line current_cost proposed_reduction effort priority)} ], [ 77, 100500, 50250, 'medium', 'medium' ],
	'a redundant call: 2 x 50250, less the greatest');
my ($loop) = grep { $_->{kind} eq 'loop' && $_->{line} == 62 } @{ $p->{candidates} };
is_deeply([ @$loop{qw(current_cost proposed_reduction)} ], [ 10200, 7650 ], 'a loop over an audited function: 2550 x 4');
is($p->{candidates}[0]{rank}, 1, 'ranked');
is(SpecRunner::read_file("$dir/$A/actions/everything.mmd"), $p->{mermaid}, 'mermaid is the bytes of the .mmd');
is(SpecRunner::read_file("$dir/$A/actions/everything.md"), $p->{markdown} =~ s/./$&/gr, 'markdown those of the .md')
	if $p->{markdown} !~ /[^\x00-\x7f]/;
like($p->{mermaid}, qr/^flowchart TD\nn0\(\["src\.store\.main"\]\)\n/, 'the entry point first');
like($p->{mermaid}, qr/^n6 -->\|"x 9"\| n\d+$/m, 'loops at edges');
is_deeply([ $p->{markdown} =~ /^## (.*)$/mg ], [ 'Entry points', 'Load', 'Expensive operations', 'State mutations', 'Redundant calls',
	'Pipelining candidates', 'Unresolved calls', 'Call graph', 'Caveats' ], 'headings in order');
is_deeply(document('actions/loading.json')->{action}{entry_points}, [ 'src.store.Store.load', 'src.store.Store.snapshot' ],
	'a part of a name, and a pattern');

# the files against their schemas
SpecRunner::write_file("$dir/v.spec.yaml", <<"EOF");
version: 1
suite: audit
cases:
  - {id: A-1, harness: {type: data.validate, paths: [$A/call_graph.json], schema: $schemas/audit_call_graph_v1.yaml}}
  - {id: A-2, harness: {type: data.validate, paths: [$A/expensive_ops.json], schema: $schemas/audit_expensive_ops_v1.yaml}}
  - {id: A-3, harness: {type: data.validate, paths: [$A/state_mutations.json], schema: $schemas/audit_state_mutations_v1.yaml}}
  - {id: A-4, harness: {type: data.validate, paths: ['$A/actions/*.json'], schema: $schemas/audit_action_v1.yaml}}
  - {id: A-5, harness: {type: data.validate, paths: [drift.json], schema: $schemas/audit_drift_v1.yaml}}
  - {id: A-6, harness: {type: data.validate, paths: [where.json], schema: $schemas/audit_where_v1.yaml}}
  - {id: A-7, harness: {type: data.validate, paths: [model.yaml], schema: $schemas/audit_model_v1.yaml}}
EOF
system('cp', '-r', "$dir/$A", "$dir/old") == 0 or die;
my $source = SpecRunner::read_file("$dir/src/store.py");
SpecRunner::write_file("$dir/src/store.py", "# moved by a line\n$source");
my $drift = decode_json(text('--against old --format drift'));
is_deeply($drift->{dearer}, [], 'moving code is no drift');
is_deeply($drift->{actions}[0]{ops}, { added => [], removed => [], changed => [] }, 'no operation has changed');
SpecRunner::write_file("$dir/src/store.py", $source =~ s/LIMIT = 4/LIMIT = 40/r);
$out = text('--against old --format drift');
SpecRunner::write_file("$dir/drift.json", $out);
$drift = decode_json($out);
is_deeply($drift->{dearer}, [ { action => 'everything', function => 'src.store.loops', callee => 'src.store.config',
	old_weight => 7650, new_weight => 99450 } ], 'what got dearer');
is($drift->{actions}[0]{increase_pct}, 45.21, 'by how much: (294850 - 203050) / 203050');
is((audit('--against old --fail-increase 46'))[0], 0, 'within the limit');
is((audit('--against old --fail-increase 45'))[0], 1, 'over it');
is((audit('--fail-load 294849 --action everything'))[0], 1, 'over the load');
is((audit('--fail-load 294850 --action everything'))[0], 0, 'not over it');
ok(-f "$dir/$A/drift.md", 'the files are there');
SpecRunner::write_file("$dir/src/store.py", $source);
SpecRunner::write_file("$dir/where.json", text('--where src/store.py:config:41'));
SpecRunner::write_file("$dir/model.yaml", text('--format model'));
is_deeply(decode_json(SpecRunner::read_file("$dir/where.json"))->{actions}, [ { name => 'everything', distance => 2,
	path => [qw(src.store.main src.store.loops src.store.config)] } ], 'the shortest way to a place');
audit();
is(text("--graph $A/call_graph.json --format call-graph"), SpecRunner::read_file("$dir/$A/call_graph.json"),
	'--graph gives back its bytes');
$out = qx(cd '$dir' && '$spec' test v.spec.yaml 2>&1);
is($?, 0, 'all files obey their schemas') or diag $out;

# the cache: same files with it, without it, and after it was damaged
my @trees = glob("$dir/$A/cache/*.tree");
is(scalar @trees, 1, 'one tree for one source');
audit();
audit('--out plain --no-cache');
ok(!-e "$dir/plain/cache", '--no-cache writes none');
is(qx(diff -r -x cache -x 'drift.*' '$dir/$A' '$dir/plain'), '', 'the same bytes without a cache');
{ open my $fh, '+<', $trees[0] or die; seek $fh, 200, 0; print $fh "damage" x 5; close $fh }
audit();
is(qx(diff -r -x cache -x 'drift.*' '$dir/$A' '$dir/plain'), '', 'and with a damaged one');

# what was found, and what each file added: damaged at any place, cut, or writable for others, it counts for nothing
my @found = map { "$dir/$A/cache/python.$_" } 'solved', 'graph';
for my $solved (@found) {
my $whole = SpecRunner::read_file($solved);
for my $case ([ 'cut', substr($whole, 0, length($whole) - 3) ], [ 'empty', '' ],
	map { my $at = int(length($whole) * $_ / 7); my $text = $whole; substr($text, $at, 1) ^= "\x41"; [ "damaged at $at", $text ] } 0 .. 6) {
	SpecRunner::write_file($solved, $case->[1]);
	audit();
	is(qx(diff -r -x cache -x 'drift.*' '$dir/$A' '$dir/plain'), '', "the same bytes where it is $case->[0]");
}
is(SpecRunner::read_file($solved), $whole, 'and it is made again');
}
for my $file (@found, glob("$dir/$A/cache/*.tree")) {
	my $inode = (stat $file)[1];
	chmod 0666, $file;
	audit();
	isnt((stat $file)[1], $inode, 'a file that others may write is not taken, but made anew');
	is((stat $file)[2] & 022, 0, 'for us alone');
}

# a governance check that holds the line
SpecRunner::write_file("$dir/g.spec.yaml", <<'EOF');
version: 1
suite: budget
cases:
  - {id: B-1, check: budget.loading, harness: {type: audit.threshold, action: loading, max_load: 51049, max_unresolved: 1}}
  - {id: B-2, check: budget.recurse, harness: {type: audit.threshold, entry_points: [src.store.recurse], paths: [src], max_load: 300, max_expensive: 0}}
  - {id: B-3, check: budget.none, harness: {type: audit.threshold, action: lading, max_load: 1}}
  - {id: B-4, check: budget.growth, harness: {type: audit.threshold, action: everything, against: old, max_increase_pct: 0}}
EOF
$out = qx(cd '$dir' && '$spec' governance g.spec.yaml 2>&1);
is($? >> 8, 1, 'two of four checks fail');
is(join("\n", $out =~ /^(ERROR: .*)$/mg), "ERROR: B-1: action loading: load 51050 > 51049 (src.store.Store.load:23 <builtin>.open 50100 …)\n" .
	"ERROR: B-3: --action: no action 'lading' is declared in audit.actions (did you mean 'loading'?)", 'and say why');

# calibration: 3 samples of 10 ms lie on line 23 of load, 1 of them elsewhere below main
SpecRunner::write_file("$dir/p.folded", "main (src/store.py:95);load (src/store.py:23) 2\nmain (src/store.py:100);load (src/store.py:23) 1\n");
audit('--calibrate p.folded');
my ($op) = grep { $_->{line} == 23 } @{ document('actions/everything.json')->{expensive_ops} };
is_deeply([ @$op{qw(weight source heuristic_weight measured_ns samples)} ], [ 30000000, 'measured', 50100, 30000000, 3 ],
	'a measured place');
my $once = SpecRunner::read_file("$dir/$A/summary.md");
like($once, qr/^\| `?file_io`? \| 7 \| 1 \| 598\.80 \| 100 \| 59880 \|$/m, 'the quotient of its class, and the weight that follows');
SpecRunner::write_file("$dir/p.json", '{"version":1,"functions":{"src/store.py:Store.load:23":{"calls":10,"self_ns":5,"total_ns":1000}}}');
audit('--calibrate p.json');
($op) = grep { $_->{line} == 23 } @{ document('actions/everything.json')->{expensive_ops} };
is($op->{weight}, 100, 'total time by calls');
SpecRunner::write_file("$dir/p.json", '{"version":1,"functions":{"src.store.Store.load":{"calls":2,"self_ns":5000,"total_ns":9000}}}');
audit('--calibrate p.json');
is(document('call_graph.json')->{nodes}{'src.store.Store.load'}{measured_self_ns}, 2500, 'a function measured as a whole');
is(document('actions/loading.json')->{total_load_estimate}, 2500 + 800, 'counts with that instead of its operations');

# cProfile says what each caller's calls of a function took: 4 of open in load, 3 ms each
SKIP: {
	my $write = "import marshal; f = lambda n, c, t: ((n, n, 0.0, t, c)); p = {('$dir/src/store.py', 22, 'load'): f(4, {}, 0.02), " .
		"('~', 0, '<built-in method io.open>'): f(4, {('$dir/src/store.py', 22, 'load'): (4, 4, 0.012, 0.012)}, 0.012)}; " .
		"marshal.dump(p, open('$dir/p.pstats', 'wb'))";
	skip 'no python3', 2 if system('python3', '-c', $write);
	audit('--calibrate p.pstats');
	like(SpecRunner::read_file("$dir/$A/summary.md"), qr/^\| `?file_io`? \| 7 \| 1 \| 59\.88 \| 100 \| 5988 \|$/m,
		'3,000,000 ns to 50,100, and the weight that follows');
	my $once = SpecRunner::read_file("$dir/$A/summary.md");
	audit('--calibrate p.pstats --calibrate p.pstats');
	is(SpecRunner::read_file("$dir/$A/summary.md"), $once, 'the same profile twice changes nothing');
}

# usage
for my $bad ([ '--action nothing', 'no action' ], [ '--action everythin', "did you mean 'everything'" ], [ '--entry nowhere', 'no function' ],
	[ '--format json', 'exactly one action' ], [ '--languages cobol', 'not built in' ], [ 'missing.py', 'no file or folder' ],
	[ '--model v.spec.yaml', "unknown key|not a key|unknown" ], [ '--calibrate src/store.py', 'folded' ], [ '--graph spec-runner.yaml', 'graph' ],
	[ '--fail-increase x --against old', '--fail-increase' ], [ '--against nowhere', '--against' ]) {
	my ($rc, $text) = audit($bad->[0]);
	is($rc, 2, "$bad->[0]: exit 2");
	like($text, qr/^spec-runner: .*(?:$bad->[1])/, "$bad->[0]: says why");
}
SpecRunner::write_file("$dir/spec-runner.yaml", "version: 1\naudit:\n  actions:\n    - {name: a, entry_points: [src.store.mian]}\n");
($code, $out) = audit();
is($code, 2, 'an entry point that matches nothing');
like($out, qr/spec-runner\.yaml:4:\d+: .*did you mean 'src\.store\.main'/, 'file:line:column and the nearest name');
done_testing;
