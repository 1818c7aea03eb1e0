#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Hostile names and endless output: nothing of them acts in any format, nothing grows without bound, and what a run
# leaves is there even if the helper that explains is killed or nobody reads what it prints.
use strict;
use warnings;
use lib 'tests/lib';
use HostileNames;
use JSON::PP;
use SpecRunner;
use Test::More;

# ---- names ---------------------------------------------------------------------------------------

my @names = @hostile_names;
cmp_ok(scalar @names, '>=', 40, scalar(@names) . ' hostile names');
my $dir = new_dir();
my $r = fail_with_names($dir);
is($r->{code}, 1, 'the command failed');
is(scalar(grep { $_->{name} eq 'case.run' } @{ trace_of($r)->{spans} }), scalar @names, 'each name is a test, also one of which nothing is left');
my %text = map { $_ => run_spec(['report', '--format', $_], dir => $dir)->{out} } qw(html github console markdown sarif junit tap);
$text{'report.md'} = read_file("$dir/.artifacts/report.md");
$text{'run-trace-summary.md'} = read_file("$dir/.artifacts/run-trace-summary.md");
$text{'step summary'} = read_file("$dir/step.md") // '';
$text{'out.xml'} = read_file("$dir/out.xml");
my ($ours) = $r->{err};
$text{stderr} = join '', grep { /^spec-runner: |^::/ } split /^/, $ours;
for my $what (sort keys %text) {
	my $t = $text{$what};
	next if !defined $t || $t eq '';
	my $clean = $t;
	ok(utf8::decode($clean), "$what: UTF-8");
	my $control = $what =~ /xml|junit|sarif/ ? qr/[\x00-\x08\x0b\x0c\x0e-\x1f]/ : qr/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{80}-\x{9f}]/;
	ok($clean !~ $control, "$what: no control characters");
	unlike($t, qr/##\[/, "$what: no ##[") if $what =~ /github|console|stderr/;
	unlike($t, qr/^::(?!error |warning |notice |group::|endgroup::|stop-commands::[0-9a-f]{20}|[0-9a-f]{20}[0-9a-f]*::$)/m, "$what: no forged command") if $what =~ /github|console/;
	unlike($clean, qr/[\x{202a}-\x{202e}\x{2066}-\x{2069}\x{200b}]/, "$what: nothing turns the writing") if $what =~ /console|stderr|\.md|markdown|github/;
	if ($what =~ /\.md|markdown|summary/) {
		my $outside = $clean =~ s/(`+).*?\1//gr =~ s{^</?(?:details|summary)>}{}gmr =~ s{</summary>$}{}gmr; # ours, to fold
		unlike($outside, qr/(?<![\w>])\@\w/, "$what: nobody is mentioned");
		unlike($outside, qr/(?<!\\)<(?!!-- -->)[a-z\/!]/i, "$what: no markup");
	}
	unlike($t, qr/<script>alert|<img src=x|<svg\/onload|<meta http-equiv=refresh/, "$what: no active markup") if $what eq 'html';
}

# A trace from elsewhere: every one of its fields is text.
{
	my $t = trace_of($r);
	my $evil = '<meta http-equiv=refresh content=0>';
	$t->{environment}{arch} = $t->{environment}{kernel} = $evil;
	$t->{summary}{last_progress_event}{kind} = $evil;
	$_->{name} = $evil for grep { $_->{name} eq 'case.run' } @{ $t->{spans} };
	write_file("$dir/evil.json", encode_json($t));
	my $html = run_spec(['report', '--format', 'html', 'evil.json'], dir => $dir)->{out};
	like($html, qr/&lt;meta/, 'a foreign trace is shown');
	unlike($html, qr/\Q$evil\E/, '  as text');
}

# What to run next is what ran.
{
	my $d = new_dir();
	my @argv = ('sh', '-c', 'exit 3', q{'x`; touch PWNED #`'}, "two\nlines", 'a|b');
	run_spec(['--profile-level', 'basic', 'run', '--', @argv], dir => $d);
	my $next = read_file("$d/.artifacts/run-trace-summary.md") =~ /^- (`+) ?(spec-runner --profile-level detailed.*?) ?\1: the same/m ? $2 : '';
	write_file("$d/next.sh", "spec-runner() { printf '%s\\0' \"\$@\"; }\n$next\n");
	my @seen = split /\0/, `cd '$d' && bash next.sh`;
	is_deeply([@seen[-6 .. -1]], \@argv, 'what to run next is exactly what ran') or diag $next;
	ok(!-e "$d/PWNED", '  and runs nothing else');
}

# A level that was given does not win over the one that is to be asked for.
for my $given (['--profile-level', 'basic'], ['--profile-level=basic'], ['--profile-on-fail', 'basic', '--profile-level', 'off']) {
	my $d = new_dir();
	run_spec(['run', @$given, '--', 'sh', '-c', 'exit 3', '--profile-level', 'basic'], dir => $d);
	my $next = read_file("$d/.artifacts/run-trace-summary.md") =~ /^- (`+) ?(spec-runner --profile-level detailed.*?) ?\1: the same/m ? $2 : '';
	my @words = split ' ', $next =~ s/ -- .*//r;
	is(scalar(grep { /^--profile-level/ } @words), 1, "after @$given the next run is at level detailed") or diag $next;
	like($next, qr/ --profile-level basic$/, '  and the command keeps its arguments');
}

# ---- bounds --------------------------------------------------------------------------------------

{
	my $d = new_dir();
	my $run = run_spec(['--profile-level', 'basic', 'run', '--', 'sh', '-c', 'yes "ok - a test whose loop never ends, and whose name is long enough to fill a disk before long" | head -n 400000; echo "not ok - the last one"; exit 1'],
		dir => $d, timeout => 120);
	is($run->{code}, 1, 'four hundred thousand test lines');
	cmp_ok(-s "$d/.artifacts/run-trace.json", '<', 150 << 20, '  leave a trace of bounded size');
	my $text = read_file("$d/.artifacts/run-trace.json");
	like($text, qr/"folded":\d\d/, '  which says how many tests it only counts');
	like($text, qr/the last one/, '  and has the one that failed');
}

# Many children that are all waited for: what is made of them grows no faster than the square of their number.
{
	my $d = new_dir();
	my $run = run_spec(['run', '--liveness-level', 'strict', '--liveness-stall-ms', 2000, '--liveness-kill-grace-ms', 500, '--',
		'/bin/sh', '-c', 'i=0; while [ $i -lt 800 ]; do sleep 300 & i=$((i + 1)); done; wait'], dir => $d, timeout => 300);
	is($run->{code}, 124, 'a shell waits for 800 children');
	my $before = (times)[2];
	my $report = run_spec(['report', '--format', 'json'], dir => $d, timeout => 120);
	my $cpu = (times)[2] - $before;
	is($report->{code}, 0, '  and is reported');
	cmp_ok($cpu, '<', $ENV{TEST_SANITIZED} ? 9 : 1.5, sprintf '  in %.2f s of processor time', $cpu);
}

SKIP: {
	skip 'a sanitised build reserves terabytes of address space', 2 if $ENV{TEST_SANITIZED};
	my $d = new_dir();
	open my $out, '>', "$d/big.json" or die $!;
	print $out '{"version":1,"run_id":"';
	print $out 'x' x (1 << 20) for 1 .. 100;
	print $out '"}';
	close $out;
	my $run = run_spec(['report', 'big.json'], dir => $d, setup => sub { system('prlimit', "--pid=$$", '--as=' . (600 << 20)) }, timeout => 60);
	is($run->{code}, 1, 'a string of a hundred megabytes');
	like($run->{err}, qr/a string of more than 32 MiB/, '  is refused, in bounded memory');
	unlink "$d/big.json";
}

# ---- the helper that explains ----------------------------------------------------------------------

{
	my $d = new_dir();
	my $bin = new_dir();
	mkdir "$bin/$_" for 'bin', '.artifacts', '.artifacts/libexec';
	write_file("$bin/.artifacts/libexec/spec-runner-report", "#!/bin/sh\nkill -9 \$\$\n", 0755);
	system('cp', spec(), "$bin/spec-runner");
	my $code = system("cd '$d' && '$bin/spec-runner' --profile-level basic run -- sh -c 'exit 9' 2>err") >> 8;
	my $found = eval { decode_json(read_file("$d/.artifacts/findings.json")) };
	is_deeply($found && $found->{findings}, [], 'killed: a plain findings.json all the same') or diag read_file("$d/err");
	like(read_file("$d/.artifacts/report.md") // '', qr/Nothing was looked for/, '  and a report.md that says why');
	is($code, 9, '  and the exit code');
}
{
	my $d = new_dir();
	pipe my $read, my $write or die $!;
	my $r = start_spec(['--profile-level', 'basic', 'run', '--timeout-ms', '300', '--', 'sh', '-c', 'head -c 200000 /dev/zero | tr "\\0" x >&2; sleep 30'], dir => $d,
		setup => sub { open STDERR, '>&', $write or die $! });
	finish_spec($r, 60);
	is($r->{code}, 124, 'nobody reads stderr: ended');
	cmp_ok($r->{ms}, '<', 8500 * slow_factor(), sprintf '  without waiting for a reader (%.1f s)', $r->{ms} / 1000);
	close $read;
}
done_testing();
