#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The same trace makes the same bytes: again, in any order of the files of its folder, under another root, user, locale, time zone
# and umask, and on another processor. TEST_FULL=1: a hundred times. TEST_REPORT_ARM64: the program of the verb,
# cross-compiled (make cross-arm64); run under qemu-aarch64-static where that is installed.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use RealHangs;
use Cwd qw(getcwd);
use Digest::SHA qw(sha256_hex);
use File::Path qw(make_path remove_tree);
use POSIX ();
use Test::More;

plan skip_all => 'no python3' if !$RealHangs::python;
my $times = $ENV{TEST_FULL} ? 100 : $ENV{TEST_SANITIZED} ? 6 : 20;
my ($hang) = grep { $_->[1] eq 'popen_pipe.py' } @RealHangs::hangs;
my $r = RealHangs::run_hang($hang, 1500 * slow_factor());
my $from = "$r->{dir}/.artifacts";
my ($id) = (read_file("$from/run-trace.json") // '') =~ /"run_id":"([^"]+)"/;
ok($id && -f "$from/raw/$id/snapshot-1.json", 'a run left its trace and what was seen') or BAIL_OUT 'no run';
# More files, so that their order may matter: an earlier look, and rows of collectors.
write_file("$from/raw/$id/snapshot-0.json", read_file("$from/raw/$id/snapshot-1.json"));
write_file("$from/raw/$id/facts-$_.json", qq({"version": 1, "facts": [{"fact": "function", "function": "f_$_", "file": "a.py", "line": 3,
	"share": 0.1234567, "avg_time_us": 2.00049999, "total_time_us": 1e15}]})) for qw(b a z m);
write_file("$from/own.yaml", "- id: own.small\n  condition: {share: \"> 0.1\"}\n  meaning: m\n");
my @files = map { "raw/$id/$_" } map { s{.*/}{}r } glob "$from/raw/$id/*";

my @locales = ('C', 'C.UTF-8', 'de_DE.UTF-8', 'tr_TR.UTF-8', 'POSIX');
my @zones = ('UTC', 'Asia/Kathmandu', 'America/St_Johns', ':nowhere');
my @umasks = (0, 022, 077, 027);
my %seen;

# A copy of the folder whose files were made in another order.
sub copy_to {
	my ($to, $seed) = @_;
	my @order = sort { sha256_hex("$seed$a") cmp sha256_hex("$seed$b") } @files, 'run-trace.json', 'own.yaml';
	make_path("$to/raw/$id");
	write_file("$to/$_", read_file("$from/$_")) for @order;
}

sub sum_of {
	my ($dir, @texts) = @_;
	return sha256_hex(join "\0", map({ read_file("$dir/$_") // "no $_" } qw(findings.json report.md)), @texts);
}

sub become_nobody {
	$) = '65534 65534';
	$( = 65534;
	POSIX::setuid(65534) or POSIX::_exit(99);
}

# Another user, where we may become one and it may reach the program.
my $other = $> == 0 && -w '/dev/shm' && run_spec(['version'], dir => '/', setup => \&become_nobody)->{code} eq '0';

for my $i (1 .. $times) {
	my $user = $other && $i % 5 == 0;
	my $base = $user || ($i % 3 == 0 && -w '/dev/shm') ? "/dev/shm/spec-runner-bytes-$$" : new_dir();
	my $to = $base . '/x' x ($i % 4);
	copy_to($to, $i);
	my %o = (dir => $i % 2 ? $to : '/', env => { LC_ALL => $locales[$i % @locales], LANG => $locales[$i % @locales], TZ => $zones[$i % @zones],
		HOME => "/nowhere/$i", COLUMNS => 20 + $i, GITHUB_ACTIONS => undef });
	system('chown', '-R', '65534:65534', $base) if $user;
	$o{setup} = sub {
		umask $umasks[$i % @umasks];
		become_nobody() if $user;
	};
	my @said = map { run_spec([@$_, "$to/run-trace.json"], %o) }
		['report', '--patterns', $to], ['report', '--patterns', $to, '--format', 'html'], ['report', '--patterns', $to, '--format', 'facts'],
		['report', '--patterns', $to, '--format', 'sarif'];
	is((join ' ', map { $_->{code} } @said), '0 0 0 0', "time $i: read") or diag map { $_->{err} } @said;
	$seen{ sum_of($to, map { $_->{out} } @said[1 .. 3]) }++;
	remove_tree($base);
}
is(scalar keys %seen, 1, "$times times one sum: " . join ' ', map { "$_ x$seen{$_}" } sort keys %seen);

SKIP: {
	my $arm = $ENV{TEST_REPORT_ARM64} // getcwd() . '/.artifacts/arm64/.artifacts/libexec/spec-runner-report';
	my ($qemu) = grep { -x } map { "$_/qemu-aarch64-static" } split /:/, $ENV{PATH};
	skip 'no cross-compiled report (make cross-arm64) or no qemu-aarch64-static', 2 if !-x $arm || !$qemu;
	my $to = new_dir();
	copy_to($to, 'arm');
	my @said = map { run_plain([$qemu, $arm, @$_, "$to/run-trace.json"], dir => $to, timeout => 120) }
		['--patterns', $to], ['--patterns', $to, '--format', 'html'], ['--patterns', $to, '--format', 'facts'], ['--patterns', $to, '--format', 'sarif'];
	is((join ' ', map { $_->{code} } @said), '0 0 0 0', 'arm64: read') or diag map { $_->{err} } @said;
	is(sum_of($to, map { $_->{out} } @said[1 .. 3]), (keys %seen)[0], 'arm64: the same sum');
}
done_testing();
