#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Pages of serve: complete without scripts, every text escaped, readable by everybody (axe-core in Chromium, where both are
# installed: contrib/install-deps.sh web).
use strict;
use warnings;
use lib 'tests/lib';
use Chromium;
use History;
use JSON::PP;
use Serve;
use SpecRunner;
use Test::More;
use Time::HiRes qw(time);

plan skip_all => 'serve was left out: its packages are missing' unless has_serve() && has_history();
my $dir = new_dir();
my $now = time;
my $json = JSON::PP->new->utf8->canonical;

# 200 texts that want to be markup: as names of suites and tests, files, branches, commits, commands, locations, workloads.
my @bits = ('<script>window.__xss=1</script>', '"><script>window.__xss=1</script>', "'><img src=x onerror=window.__xss=1>", '<svg/onload=window.__xss=1>',
	'"onmouseover="window.__xss=1', 'javascript:window.__xss=1', '</title><script>window.__xss=1</script>', '</textarea><script>window.__xss=1</script>',
	'<iframe srcdoc="<script>parent.__xss=1</script>">', '<a href="javascript:window.__xss=1">x</a>', '&lt;script&gt;', '<style>@import "http://evil.example"</style>',
	'<base href="http://evil.example/">', '<meta http-equiv=refresh content="0;url=javascript:window.__xss=1">', '<body onload=window.__xss=1>',
	'<details open ontoggle=window.__xss=1>', '<math><mi xlink:href="javascript:window.__xss=1">', "\xe2\x80\xae<script>window.__xss=1</script>", '<!--><script>window.__xss=1</script>-->', ']]><script>window.__xss=1</script>');
my @payloads = map { my $b = $_; map { sprintf $_, $b } '%s', 'a%s', '%s b', '/%s/', '..%s', "\t%s", '%s%%s', '"%s', "'%s", '`%s' } @bits;
is scalar @payloads, 200, '200 payloads';

my (@paths, @runs);
for my $i (1 .. 20) {
	my @p = @payloads[10 * ($i - 1) .. 10 * $i - 1];
	my ($path, $id) = write_trace($dir, id => sprintf('%08x', $i), at => $now - 3600 * (30 - $i), status => $i % 3 ? 'pass' : 'fail', argv => ['cmd', @p[0, 1]],
		repo => { uri => "https://h/$p[2]", rev => $i < 4 ? 'a' x 40 : $p[3], branch => $i % 5 ? 'main' : $p[4], dirty => JSON::PP::false },
		tests => [['s', 'steady', 'pass', 100 + $i], ['s', 'wavers', $i % 2 ? 'pass' : 'fail', 5], (map { [$p[$_], $p[9 - $_], ($i + $_) % 4 ? 'pass' : 'fail', 10 + $_, $p[$_], 3] } 0 .. 9)],
		$i % 4 == 0 ? (hang => sprintf('f-%016x', $i % 8), pattern => 'hang.sleep', location => "$p[5]:f:3") : ());
	push @paths, $path;
	push @runs, $id;
}
is history($dir, 'record', '--workload', $payloads[0], @paths)->{code}, 0, 'twenty runs are recorded';
# ... and all of them in the output of a run, and as names of tests in it
write_file("$dir/output", join '', "TAP version 13\n1..200\n", map { my $n = $_ + 1; "$payloads[$_]\n" . ($n % 2 ? "not ok $n - $payloads[$_]\n# $payloads[$_]\n" : "ok $n - $payloads[$_]\n") } 0 .. $#payloads);
is run_spec(['run', '--history', "$dir/h", '--quiet', '--', 'sh', '-c', 'cat output; cat output >&2; exit 1'], dir => $dir, env => { SPEC_RUNNER_HISTORY => undef })->{code}, 1, 'a run prints them, too';
my $printed = history_json($dir, 'runs', '--limit', 1)->{runs}[0]{run_id};
my $s = serve_start($dir);
my $tests = api('GET', '/tests')->{json}{tests};
sub part { my ($t) = @_; utf8::encode($t) if utf8::is_utf8($t); $t =~ s/([^A-Za-z0-9._~\/-])/sprintf '%%%02X', ord $1/ger }
my @pages = ('/', "/?before=$runs[5]", (map { "/ui/runs/$_" } @runs, $printed), '/ui/tests', '/ui/tests?state=flaky', '/ui/hangs', '/ui/hangs/f-0000000000000004', '/ui/hangs/f-0000000000000000',
	'/ui/compare', "/ui/compare?base=$runs[0],$runs[1]&candidate=$runs[2],$runs[3]", '/ui/compare?base=' . part($payloads[1]) . '&candidate=' . part($payloads[2]), '/ui/tests/s/steady', '/login');
my @hostile = map { '/ui/tests/' . part($_->{suite}) . '/' . part($_->{case_id}) } grep { $_->{case_id} !~ /^(?:steady|wavers)$/ } @$tests;

# --- as they come: whole, escaped, small, under the policy
my @unescaped;
for my $page (@pages, @hostile) {
	my $r = http('GET', $page);
	my $want = $page =~ /base=a%3C/ ? 404 : 200;
	$want = 404 if $page =~ m{/(?:\.\.|\.)(?:/|$)}; # no address can name these
	push @unescaped, "$page: $r->{status}" if $r->{status} != $want;
	push @unescaped, $page if $r->{body} =~ m{<script|<img|<iframe|<base|<style|<body o|<svg/|<details open o|<math|<meta http-equiv=refresh|href="javascript|</title><script}i ||
		grep { s/"[^"]*"//gr =~ /\bon\w+=/i } $r->{body} =~ /<[a-z][^<>]*>/gi;
	push @unescaped, "$page: policy" if ($r->{headers}{'content-security-policy'} // '') ne "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'";
	push @unescaped, "$page: " . length $r->{body} if length $r->{body} > 500 << 10;
	push @unescaped, "$page: not whole" if $want == 200 && $r->{body} !~ m{</html>\n\z};
}
is_deeply \@unescaped, [], 'all pages, with all payloads: nothing but our own markup';
for (['/', qr/The last runs.*Broken and flaky.*Hangs.*Slower or faster.*All runs/s], ["/ui/runs/$runs[3]", qr/Why.*hang\.sleep.*Tests.*Metrics.*Files/s], ['/ui/tests?state=flaky', qr/badge odd">flaky/],
	['/ui/tests/s/steady', qr/Results.*Durations.*<polyline.*Runs/s], ['/ui/hangs', qr/hang\.sleep/], ['/ui/hangs/f-0000000000000004', qr/Over time.*<rect/s], ["/ui/compare?base=$runs[0],$runs[1]&candidate=$runs[2]", qr/insufficient/]) {
	like http('GET', $_->[0])->{body}, $_->[1], "$_->[0] shows what it is for";
}
like http('GET', "/ui/runs/$printed")->{body}, qr/&lt;script&gt;window\.__xss=1&lt;\/script&gt;.*&lt;iframe srcdoc/s, 'what a run printed is shown, escaped';
unlike http('GET', "/ui/runs/$runs[0]")->{body}, qr/http-equiv="refresh"/, 'a run that is over stays still';
my $made = api('POST', '/runs', { workload_id => 'w' })->{json}{run_id};
like http('GET', "/ui/runs/$made")->{body}, qr/<meta http-equiv="refresh" content="5">/, 'one that is not asks again';
unlike http('GET', "/ui/runs/$made?still=1")->{body}, qr/http-equiv="refresh"/, 'unless it is to keep still';
my $r = http('GET', '/', token => undef, headers => { Accept => 'text/html' });
is $r->{status}, 401, 'a browser without a token';
like $r->{body}, qr{<a href="/login">}, 'is led to the login page';
like http('GET', '/ui/nothing', headers => { Accept => 'text/html' })->{body}, qr/<h1>404/, 'an error is a page for browsers';

# --- in a browser
my $axe = ($ENV{WEB_MODULES} // SpecRunner::root() . '/.artifacts/web') . '/node_modules/axe-core/axe.min.js';
SKIP: {
	skip 'no Chromium, node or axe-core here: contrib/install-deps.sh web', 7 unless $Chromium::program && -f $axe && grep { -x "$_/node" } split /:/, $ENV{PATH};
	my %head = (Authorization => "Bearer $token", Accept => 'text/html');
	my $base = "http://127.0.0.1:$s->{port}";
	my @looks = ('/', "/ui/runs/$runs[3]", '/ui/tests', '/ui/tests/s/steady', '/ui/hangs', '/ui/hangs/f-0000000000000004', "/ui/compare?base=$runs[0],$runs[1]&candidate=$runs[2],$runs[3]", '/login', '/ui/nothing');
	my @tasks = ((map { my $p = $_; map { +{ url => $base . $p, headers => \%head, axe => $axe, bypassCSP => JSON::PP::true, dark => $_ ? JSON::PP::true : JSON::PP::false } } 0, 1 } @looks),
		(map { my $w = $_; map { +{ url => $base . $_, headers => \%head, width => $w } } @looks } 320, 500, 3840),
		(map { +{ url => $base . $_, headers => \%head, width => 794, print => JSON::PP::true } } @looks), (map { +{ url => $base . $_, headers => \%head, keys => JSON::PP::true } } @looks), (map { +{ url => $base . $_, headers => \%head, bypassCSP => JSON::PP::true } } grep { !m{/(?:\.\.|\.)(?:/|$)} } (@pages, @hostile)[map { $_ * 7 } 0 .. (@pages + @hostile - 1) / 7]));
	write_file("$dir/tasks", join '', map { $json->encode($_) . "\n" } @tasks);
	my $x = run_plain(['node', SpecRunner::root() . '/tests/web/pages.mjs', $Chromium::program, "$dir/profile"], dir => $dir, stdin => "$dir/tasks", timeout => 200, env => { HOME => $dir });
	my @got = map { $json->decode($_) } split /\n/, $x->{out};
	is scalar @got, scalar @tasks, 'every page opens' or diag $x->{err};
	is_deeply [map { my $t = $tasks[$_]; map { "$t->{url} $_" } @{ $got[$_]{violations} // [] } } 0 .. $#got], [], 'axe-core: no violations, light and dark';
	is_deeply [map { $tasks[$_]{url} } grep { $got[$_]{xss} || $got[$_]{scripts} } 0 .. $#got], [], 'nothing runs, even without the policy';
	is_deeply [grep { !m{^\Q$base\E/} } map { @{ $_->{requests} } } @got], [], 'nothing is fetched from elsewhere';
	is_deeply [map { $tasks[$_]{url} } grep { $tasks[$_]{width} && $got[$_]{wide} } 0 .. $#got], [], 'at 320, 500, 3840 pixels and on paper nothing sticks out';
	my @walked = grep { $tasks[$_]{keys} } 0 .. $#got;
	is_deeply [map { my $k = $got[$_]{keys}; $k->{all} && $k->{reached} == $k->{all} ? () : "$tasks[$_]{url}: $k->{reached} of $k->{all}" } @walked], [], 'Tab leads to everything that can be used';
	is_deeply [map { @{ $got[$_]{keys}{invisible} } } @walked], [], 'and shows where it is';
}
serve_stop($s);
no_survivors($s, 'nothing is left running');
is_deeply [glob "$ENV{TMPDIR}/spec-runner-serve-*"], [], 'nor a folder' if $ENV{TMPDIR};
done_testing();
