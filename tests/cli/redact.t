#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Secrets planted in the environment, in arguments and in output, in many writings and across read
# boundaries, are in nothing that we write; the command's own output passes unchanged.
use strict;
use warnings;
use Cwd qw(abs_path);
use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha1_hex sha256_hex);
use File::Find;
use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64);
use Test::More;

my $runner = $ENV{SPEC_RUNNER} // abs_path('./spec-runner');
my $seed = $ENV{REDACT_SEED} // 20261121;
srand $seed;

sub slurp { my ($f) = @_; open my $in, '<:raw', $f or return ''; local $/; return <$in> // '' }

# What spec-runner itself writes; the command's own stdout and stderr go elsewhere.
sub everything {
	my ($dir) = @_;
	my $all = '';
	find({ no_chdir => 1, wanted => sub { $all .= "\n== $_\n" . slurp($_) if -f $_ } }, "$dir/.artifacts") if -d "$dir/.artifacts";
	return $all;
}

sub value {
	my @c = (('a' .. 'z', 'A' .. 'Z', 0 .. 9) x 2, split //, '+/=&?#@!%-_. ');
	my $v = join '', map { $c[rand @c] } 1 .. 8 + int rand 40;
	$v =~ s/^ | $/x/g;
	return "Zq$v";
}

sub url { my ($v, $f) = @_; $v =~ s/([^A-Za-z0-9_.~-])/sprintf $f, ord $1/ger }
sub json { my ($v) = @_; $v =~ s/(["\\])/\\$1/gr =~ s{/}{\\/}gr =~ s/&/\\u0026/gr }
sub b64 { my ($v) = @_; encode_base64($v, '') }

# All writings of a secret that may not be found again.
sub writings {
	my ($v) = @_;
	my @w = ($v, url($v, '%%%02X'), url($v, '%%%02x'), url($v, '%%%02X') =~ s/%20/+/gr, json($v));
	for my $shift (0 .. 2) {
		my $b = b64('x' x $shift . $v);
		# the characters that the value alone decides
		my $from = int(($shift * 8 + 5) / 6);
		my $to = int(($shift + length $v) * 8 / 6);
		my $mid = substr $b, $from, $to - $from;
		push @w, $mid, $mid =~ tr{+/}{-_}r;
	}
	return (@w, md5_hex($v), sha1_hex($v), sha256_hex($v), substr(sha256_hex($v), 0, 12));
}

my $planted = 0;
for my $round (1 .. 8) {
	my $dir = tempdir(CLEANUP => 1);
	mkdir "$dir/.git";
	my %env = map { ("S${_}_TOKEN" => value()) } 1 .. 6;
	$env{DB_PASSWORD} = value();
	$env{SENTRY_DSN} = 'https://' . value() =~ s/[^A-Za-z0-9]/x/gr . '@sentry.example/1';
	my @named = map { value() =~ s/[^A-Za-z0-9+.!_-]/x/gr } 1 .. 12; # known by the name beside them alone
	my @shapes = ('ghp_' . join('', map { ('a' .. 'z', 0 .. 9)[rand 36] } 1 .. 36), 'AKIA' . join('', map { ('A' .. 'Z')[rand 26] } 1 .. 16));
	my @lines;
	for my $v (values %env) {
		push @lines, "raw $v end", 'url=' . url($v, '%%%02X') . '&x', 'lower ' . url($v, '%%%02x'), 'json {"a":"' . json($v) . '"}',
			map({ 'b64 ' . b64('abc' x 3 . 'x' x $_ . $v) } 0 .. 2);
	}
	push @lines, "--password $named[0]", "--api-key=$named[1]", "MY_SECRET=$named[2]", qq({"token": "$named[3]", "n": 1}),
		qq({\\"password\\":\\"$named[4]\\"}), "Authorization: Bearer $named[5]", "https://u:$named[6]\@h/", "https://h/?access_token=$named[7]&x=1",
		"Cookie: sid=$named[8]", "see $shapes[0] and $shapes[1]";
	open my $out, '>:raw', "$dir/text" or die $!;
	print $out map { "$_\n" } @lines;
	close $out;
	# The command prints the text in pieces cut anywhere, so that secrets lie across reads.
	my $child = q{$| = 1; open F, '<:raw', 'text'; local $/; $_ = <F>; while (length) { my $n = 1 + int rand 60; print substr $_, 0, $n, ''; }
		print STDERR "failed with $ENV{S1_TOKEN}\n"; exit 3};
	my @args = ('-e', $child, '--', '--token', $named[9], "--secret=$named[10]", "https://u:$named[11]\@h/", $env{S2_TOKEN}, "x" . b64($env{S3_TOKEN}));
	my $pid = fork // die $!;
	if (!$pid) {
		chdir $dir or die $!;
		$ENV{$_} = $env{$_} for keys %env;
		open STDOUT, '>', 'out' or die $!;
		open STDERR, '>', 'err' or die $!;
		exec { $runner } $runner, '--profile-level', 'debug', '--output-tail-bytes', 200 + int rand 4000, 'run', '--', $^X, @args;
		die $!;
	}
	waitpid $pid, 0;
	is($? >> 8, 3, "round $round: the command's exit code");
	ok(slurp("$dir/out") eq slurp("$dir/text"), 'its output, byte for byte');
	my $err = slurp("$dir/err");
	ok($err =~ s/^failed with \Q$env{S1_TOKEN}\E\n//m, 'its messages too');
	my $all = everything($dir);
	ok(length $all > 1000 && $all =~ /<redacted:/, 'something was recorded');
	my @left;
	for my $v (values %env, @named, @shapes) {
		for my $w (writings($v)) {
			$planted++;
			push @left, $w if index($all . $err, $w) >= 0;
		}
	}
	is(scalar @left, 0, 'none of the secrets is in anything that we wrote') or diag "seed $seed, left: @left";
}
# ---- what teaches a value besides our environment, and texts that are cut ----

sub project {
	my (%files) = @_;
	my $dir = tempdir(CLEANUP => 1);
	mkdir "$dir/$_" for '.git', 'specs';
	for (keys %files) {
		open my $f, '>', "$dir/$_" or die $!;
		print $f $files{$_};
		close $f;
	}
	return $dir;
}

sub run_in {
	my ($dir, $env, @argv) = @_;
	my $pid = fork // die $!;
	if (!$pid) {
		chdir $dir or die $!;
		$ENV{$_} = $env->{$_} for keys %$env;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', 'out' or die $!;
		open STDERR, '>', 'err' or die $!;
		exec { $runner } $runner, @argv;
		die $!;
	}
	waitpid $pid, 0;
	return $? >> 8;
}

{
	my $dir = project('specs/a.spec.yaml', <<'E');
version: 1
suite: env
cases:
  - id: A-1
    title: prints a secret of its own
    harness: {type: cli.run, argv: [sh, -c, 'echo x; echo "got $API_TOKEN"; exit 1'], env: {API_TOKEN: Zx81casesOwn77}}
    expect: {must: [{target: stdout, equals: 'y'}, {target: exit_code, equals: 0}]}
E
	is(run_in($dir, {}, '--junit', 'j.xml', 'test'), 1, 'a case that fails');
	my $all = everything($dir) . slurp("$dir/out") . slurp("$dir/err") . slurp("$dir/j.xml");
	like($all, qr/got <redacted:API_TOKEN>/, 'a secret of a case\'s own environment is hidden');
	unlike($all, qr/Zx81casesOwn77/, 'in the trace, the summary, TAP and JUnit') or diag "seed $seed";
}
{
	my $dir = project();
	is(run_in($dir, {}, '--profile-level', 'basic', 'run', '--', 'sh', '-c', 'echo "logged in with $2"; exit 3', 'sh',
		'--password', 'Zx82fromArgv55'), 3, 'a password among our own arguments');
	unlike(everything($dir) . slurp("$dir/err"), qr/Zx82fromArgv55/, 'is hidden where the command prints it, too');
}
{
	my $dir = project();
	my $secret = 'Zx83' . join '', map { ('a' .. 'z', 0 .. 9)[rand 36] } 1 .. 20;
	for my $cut (7, 12, 20, 23) {
		my $name = ('n' x (512 - $cut)) . $secret;
		is(run_in($dir, { CUT_TOKEN => $secret, NAME => $name }, '--profile-level', 'basic', '--junit', 'j.xml', 'run', '--', 'sh', '-c',
			'echo TAP version 13; echo 1..1; echo "not ok 1 - $NAME"; exit 1'), 1, "a test name cut after $cut bytes of a secret");
		my $all = everything($dir) . slurp("$dir/j.xml");
		like($all, qr/nnnn<redacted:CUT_TOKEN>/, 'what is left of it is hidden');
		unlike($all, qr/\Q@{[substr $secret, 0, 6]}\E/, 'in everything');
	}
	is(run_in($dir, { CUT_TOKEN => $secret }, '--profile-level', 'basic', 'run', '--', 'sh', '-c',
		'printf "half of %.12s" "$CUT_TOKEN"; exit 2'), 2, 'a last write that is half of a secret');
	unlike(everything($dir), qr/\Q@{[substr $secret, 0, 6]}\E/, 'is hidden in the tail');
	my $said = run_in($dir, { CUT_TOKEN => $secret }, 'run', '--', ('/' . 'x' x 2030) . $secret);
	unlike(slurp("$dir/err"), qr/\Q@{[substr $secret, 0, 6]}\E/, 'our own line is not cut within one');
}

cmp_ok($planted, '>=', 200, "$planted writings looked for");
done_testing();
