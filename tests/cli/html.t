#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# report.html: whole without scripts and without a network, inert whatever the run said, and quick with ten
# thousand spans. Where Chromium is installed it opens the page; what can be said of the bytes is always said.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Chromium;
use Digest::SHA qw(sha256_base64);
use JSON::PP;
use Test::More;

my $dir = new_dir();
my $id = 'run-20261121T010203Z-0a1b2c3d';
my $evil = q{</title></script></pre></svg><script>document.title="owned"</script><img src="http://192.0.2.1/x" onerror="document.title='owned'">};
my $json = JSON::PP->new->utf8->canonical;

# ---- a trace in which every text is an attack, and its raw files ----

sub span {
	my ($n, $parent, $name, $start, $end, $status, %attrs) = @_;
	return { span_id => sprintf('%016x', $n), parent_span_id => $parent ? sprintf('%016x', $parent) : undef, name => $name,
		kind => 'x', phase => 'x', start_ns => $start, end_ns => $end, duration_ms => ($end - $start) / 1e6, status => $status,
		attrs => \%attrs };
}

sub write_trace {
	my ($path, $text, @more) = @_;
	my @spans = (span(1, 0, 'run.total', 0, 60e9, 'timeout'), span(2, 1, 'subprocess.exec', 1e3, 60e9 - 1e3, 'timeout', argv => ['sh', $text]),
		span(3, 2, 'subprocess.wait', 2e3, 60e9 - 2e3, 'timeout', pid => 10),
		span(4, 3, 'case.run', 59e9, 60e9 - 3e3, 'stalled', suite => $text, case_id => $text), @more);
	write_file($path, $json->encode({ version => 1, run_id => $id, status => 'fail', exit_code => 124, command => 'run', args => [$text],
		environment => { arch => 'x86_64', cpus => 2, kernel => $text }, spans => \@spans,
		events => [ { ts_ns => 59e9, kind => 'watchdog', span_id => '0000000000000003', attrs => { reason_token => 'timeout.subprocess.wait' } },
			{ ts_ns => 59e9, kind => 'checkpoint', span_id => '0000000000000003', attrs => { event => $text, comm => $text } } ],
		summary => { last_progress_event => { ts_ns => 1e9, kind => 'stdout' }, output => { stdout_bytes => 3 } } }));
}

sub page_of {
	my ($trace) = @_;
	return run_spec(['report', '--format', 'html', $trace], dir => $dir)->{out};
}

mkdir "$dir/raw";
mkdir "$dir/raw/$id";
write_trace("$dir/evil.json", $evil);
write_file("$dir/raw/$id/stdout.tail", "first\n$evil\n\033[31mred\033[0m\n");
my $frame = { language => 'python', function => $evil, file => $evil, line => 3, module => $evil };
write_file("$dir/raw/$id/snapshot-1.json", $json->encode({ version => 1, pid => 10, processes => [ { pid => 10, ppid => 9, comm => $evil,
	argv => [$evil], state => 'S', cpu_ms => 1, rss_bytes => 4096, threads => [ map { { tid => $_, name => $evil, state => 'S', cpu_ms => 1,
	status => 'ok', reason => $evil, frames => [$frame, $frame], waits_on => { kind => 'mutex', resource => $evil, proved => JSON::PP::true,
	since_ms => 5, holders => [ { pid => 10, tid => 21 - $_, comm => $evil, function => $evil, file => $evil, line => 1 } ] } } } (10, 11) ] } ],
	cycles => [ { proved => JSON::PP::true, members => [ { pid => 10, tid => 10 }, { pid => 10, tid => 11 } ] } ],
	roots => [], collectors => [ { name => $evil, status => 'denied', reason => $evil } ] }));

my $page = page_of('evil.json');
like($page, qr/<h2>Who waits for whom/, 'the graph is there');
for my $part (qw(answer graph timeline stacks processes output findings facts)) {
	like($page, qr/<section[^>]* id="$part"/, "section $part is there");
}
unlike($page, qr/<img/i, 'no element came in with a text');
is(() = $page =~ /<script/gi, 1, 'one script');
is(() = $page =~ /<\/script/gi, 1, 'that ends once');
my ($script) = $page =~ m{<script>(.*)</script>}s;
my $hash = sha256_base64($script);
$hash .= '=' while length($hash) % 4;
like($page, qr/<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-\Q$hash\E'/,
	'and the policy allows that one alone');
unlike($page =~ s/xmlns="[^"]*"//gr, qr/(?:src|href)\s*=\s*"(?!#)/i, 'nothing points out of the page');
unlike($page, qr/ on[a-z]+="/, 'no handler in an attribute');
unlike($page, qr/\@import|url\(/, 'no style is fetched');
like($page, qr/prefers-color-scheme: dark/, 'dark where one wants it dark');
unlike($page, qr/\033/, 'no escape sequences of a terminal');
is($page, page_of('evil.json'), 'the same bytes again');

# ---- ten thousand spans ----

my $n = 10_000;
write_trace("$dir/many.json", 'make check', map { span($_, 3, 'case.run', 5e6 * $_, 5e6 * $_ + 1e5 * ($_ % 53), $_ % 997 ? 'ok' : 'error',
	suite => 'suite' . int($_ / 100), case_id => "test_$_") } 5 .. $n);
my $many = page_of('many.json');
my $shown = () = $many =~ /<rect /g;
cmp_ok($shown, '<', 400, 'the chart holds what matters');
is(() = $many =~ /^<li>.*(?:case\.run|run\.total|subprocess)/mg, $n, 'a list holds all of the ten thousand');
like($many, qr/<strong>error<\/strong> case\.run suite9 test_997/, 'with those that failed marked');

SKIP: {
	skip 'no Chromium here', 10 if !$Chromium::program;
	write_file("$dir/evil.html", $page);
	write_file("$dir/many.html", $many);
	my $on = Chromium::open_page("file://$dir/evil.html");
	skip "Chromium does not start here: $on->{err}", 10 if $on->{dom} !~ /<body>/;
	like($on->{dom}, qr/<section[^>]* id="stacks"/, 'the page opens');
	unlike($on->{dom}, qr/<title>owned/, 'what the run said ran nothing');
	unlike($on->{dom}, qr/<img/i, 'and made no element');
	is_deeply($on->{requests}, [], 'no request leaves the page');
	write_file("$dir/evil-off.html", Chromium::without_script($page));
	my $off = Chromium::open_page("file://$dir/evil-off.html");
	my ($text_on, $text_off) = map { s/<div class="bar">.*?<\/div>//sgr =~ s/script-src '[^']*'//r } $on->{dom}, $off->{dom};
	ok(length $text_off > 5000 && $text_off eq $text_on, 'with scripts blocked only the comfort is missing');
	my $many_on = Chromium::open_page("file://$dir/many.html");
	ok($many_on->{dom} =~ /<input type="search"/, 'with scripts there is a filter');
	is_deeply($many_on->{requests}, [], 'no request leaves this page either');
	my $blank = Chromium::open_page('about:blank');
	my $again = Chromium::open_page("file://$dir/many.html");
	my $ms = ($many_on->{ms} < $again->{ms} ? $many_on->{ms} : $again->{ms}) - $blank->{ms};
	cmp_ok($ms, '<', 2000 * slow_factor(), sprintf 'ten thousand spans open in %.0f ms (the browser itself: %.0f ms)', $ms, $blank->{ms});
	write_file("$dir/many-off.html", Chromium::without_script($many));
	my $quiet = Chromium::open_page("file://$dir/many-off.html");
	ok($quiet->{dom} =~ /test_9999/ && $quiet->{dom} !~ /type="search"/, 'all of it is there without scripts');
	ok($on->{logged}, 'the log of the network was written');
}
done_testing();
