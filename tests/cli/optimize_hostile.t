#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# optimize: 200 hostile patches, none of which writes a byte outside of the loop's folder; and loops that are killed again and
# again, which come to the same end.
use strict;
use warnings;
use lib 'tests/lib';
use JSON::PP;
use OptimizeLoop;
use SpecRunner;
use Test::More;
use Time::HiRes qw(sleep);

# Of a process that lets nobody read its memory, or without /proc, the sanitizer can look for no leaks.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0' if $ENV{TEST_SANITIZED};

-x '.artifacts/libexec/spec-runner-optimize' or plan skip_all => 'optimize is not part of this build';
my $json = JSON::PP->new;
my $slow = slow_factor();

sub dry_yaml { return "version: 1\nadapters:\n" . (join '', map { "  $_: {kind: dummy, dir: dummy}\n" } qw(build test workload)) . $_[0] }

subtest '200 hostile patches' => sub {
	my $outer = new_dir();
	my $dir = "$outer/repo";
	mkdir $dir;
	git($dir, 'init', '-q', '.');
	mkdir "$dir/$_" for qw(src src/sub cand dummy);
	write_file("$dir/src/a.c", "a\nb\nc\n");
	write_file("$dir/src/run.sh", "#!/bin/sh\n", 0755);
	symlink '/tmp', "$dir/src/out";
	symlink '..', "$dir/src/sub/up";
	write_file("$dir/.gitattributes", "*.c filter=evil\n");
	git($dir, 'add', '.');
	git($dir, 'commit', '-qm', 'one');
	git($dir, 'config', 'filter.evil.smudge', "touch $outer/smudged; cat");
	git($dir, 'config', 'filter.evil.clean', "touch $outer/cleaned; cat");
	write_file("$dir/.git/hooks/post-checkout", "#!/bin/sh\ntouch $outer/hooked\n", 0755);
	write_file("$outer/victim", "safe\n");
	my $h = "\@\@ -1,3 +1,3 \@\@\n a\n-b\n+B\n c\n";
	my $new = "\@\@ -0,0 +1 \@\@\n+x\n";
	my @paths = ('../victim', 'src/../../victim', "$outer/victim", "/$outer/victim", '.git/hooks/post-checkout', '.git/config', 'src/.git/config', '.GIT/config',
		'src/out/pwned', 'src/out', 'src/sub/up/victim', 'src/./a.c', 'src//a.c', 'src\\..\\victim', "src/\x01.c", 'tests/a', 'src/tests/a', 'Makefile',
		'.github/workflows/x.yml', 'spec-runner.yaml', '.gitattributes', '.gitmodules', 'src/package-lock.json', 'adapters.yaml', 'dummy/0/workload.json',
		'src/.gitattributes', 'src/.gitmodules', '~/x', 'src/git~1/x', '.git ', 'src/ .git/x/../.git/y');
	my (@bad, $n);
	for my $p (@paths) {
		push @bad, "--- a/$p\n+++ b/$p\n$h", "--- /dev/null\n+++ b/$p\n$new", "--- a/src/a.c\n+++ b/$p\n$h", "--- a/src/a.c\n+++ b/src/a.c\n$h--- /dev/null\n+++ b/$p\n$new";
	}
	push @bad, "diff --git a/src/l b/src/l\nnew file mode $_\n--- /dev/null\n+++ b/src/l\n\@\@ -0,0 +1 \@\@\n+$outer/victim\n\\ No newline at end of file\n" for qw(120000 160000 100755 040000 104755 100600);
	push @bad, "diff --git a/src/l b/src/l\nnew file mode 120000\n--- /dev/null\n+++ b/src/l\n\@\@ -0,0 +1 \@\@\n+$outer\n\\ No newline at end of file\ndiff --git a/src/l/victim b/src/l/victim\n--- /dev/null\n+++ b/src/l/victim\n$new" for 1 .. 3;
	push @bad, "diff --git a/src/$_ b/src/$_\nold mode 100644\nnew mode 100755\n" for qw(a.c run.sh out);
	push @bad, "diff --git a/src/a.c b/$_\nsimilarity index 100%\nrename from src/a.c\nrename to $_\n", "diff --git a/src/a.c b/$_\nsimilarity index 100%\ncopy from src/a.c\ncopy to $_\n" for qw(lib/a.c ../victim .git/a .git/hooks/x tests/x);
	push @bad, "diff --git a/src/b b/src/b\nnew file mode 100644\nindex 0..1\nGIT binary patch\nliteral 4\nLc\${NkU|;|M00aO5\n\nliteral 0\nHcmV?d00001\n\n", "--- a/src/a.c\n+++ b/src/a.c\n\@\@ -1 +1 \@\@\n-a\0\n+b\n";
	push @bad, "--- a/src/a.c\n+++ b/src/a.c\n\@\@ -1,3 +1,100003 \@\@\n a\n" . "+x\n" x 100000 . " b\n c\n", '', "\n", 'x' x 70000, "--- a/src/a.c\n+++ b/src/a.c\n\@\@ -1 +1 \@\@\n-a\n+<redacted:TOKEN>\n";
	push @bad, "--- a/src/a.c\n+++ b/src/a.c\n\@\@ -$_ \@\@\n a\n-b\n+B\n c\n" for '1,3 +1,2', '1,99 +1,99', '-1 +1', '99999999999999999999,3 +1,3', '1,3', '';
	push @bad, map { "--- a/src/f$_.c\n+++ b/src/f$_.c\n$h" } scalar(@bad) + 1 .. 200; # files that are not there
	write_file(sprintf("$dir/cand/%03d.diff", ++$n), $_) for @bad;
	write_file("$dir/adapters.yaml", dry_yaml("optimize: {iterations: 1000, patience: 1000, paths: ['src/**']}\n"));
	my $before = fingerprint($dir);
	my $r = run_spec([qw(optimize --adapters adapters.yaml --candidates cand --dry-run --json)], dir => $dir, timeout => 120);
	is($r->{code}, 1, 'exit 1') or diag $r->{err};
	my $v = $json->decode($r->{out});
	is(scalar @{ $v->{results} }, scalar @bad, scalar(@bad) . ' were tried');
	cmp_ok(scalar @bad, '>=', 200, 'at least 200');
	my @applied = grep { $v->{results}[$_]{apply_status} eq 'applied' } 0 .. $#bad;
	is_deeply([map { $bad[$_] } @applied], [], 'none was applied');
	is(scalar(grep { !$_->{reason} } @{ $v->{results} }), 0, 'each has its reason');
	is(fingerprint($dir), $before, 'the repository is the same');
	is(read_file("$outer/victim"), "safe\n", 'so is what lies beside it');
	ok(!-e "$outer/$_", "no $_") for qw(smudged cleaned hooked);
	is(join(' ', sort grep { !/^\.\.?$/ } do { opendir(my $d, $outer); readdir $d }), 'repo victim', 'and nothing is new');
	my $patch = "--- a/src/a.c\n+++ b/src/a.c\n$h";
	unlink glob "$dir/cand/*";
	write_file("$dir/cand/1.diff", $patch =~ s/\n/\r\n/gr);
	write_file("$dir/cand/2.diff", $patch);
	$v = $json->decode(run_spec([qw(optimize --adapters adapters.yaml --candidates cand --dry-run --json)], dir => $dir)->{out});
	is_deeply([map { $_->{reason} // $_->{apply_status} } @{ $v->{results} }], ['applied', 'patch.repeated'], 'a diff with CRLF is the same diff');
	ok(!-e "$outer/$_", "still no $_") for qw(smudged cleaned hooked);
};

subtest 'a loop that is killed again and again' => sub {
	my $seed = time ^ $$;
	diag("seed $seed");
	srand $seed;
	my $dir = new_dir();
	killed_project($dir);
	my $before = fingerprint($dir);
	my $r = kill_until_done($dir, 12, 0.3 * $slow);
	is($r->{code}, 0, "after $r->{kills} kills: exit 0") or diag $r->{err};
	my $v = $json->decode($r->{out});
	is_deeply([map { $_->{reason} // $_->{verdict} } @{ $v->{results} }], ['test.failed', 'improved'], 'the same results');
	is_deeply([@$v{qw(stop_reason confirmed)}], ['candidates_exhausted', JSON::PP::true], 'the same end');
	my %seen;
	for my $line (split /\n/, read_file("$dir/.artifacts/optimize/$v->{run_id}/loop.jsonl")) {
		my $l = $json->decode($line);
		$seen{"$l->{iteration} $l->{node_name} " . ($l->{event} eq 'enter' ? 'enter' : 'end')}++;
	}
	is_deeply([grep { $seen{$_} != 1 } keys %seen], [], 'loop.jsonl tells each node once');
	ok(!-e "$dir/.artifacts/optimize/$v->{run_id}/work", 'no work tree is left');
	is(fingerprint($dir), $before, 'the repository is the same');
	is_deeply(living_below($dir), {}, 'nothing of it is alive');
	no_survivors($r);
};

subtest 'a signal, and a second loop' => sub {
	my $dir = new_dir();
	killed_project($dir);
	write_file("$dir/a.yaml", read_file("$dir/a.yaml") =~ s/argv: \[cp, src\/val.sh, prog\]/argv: [sh, -c, 'cp src\/val.sh prog; sleep 3']/r =~ s/$/\noptimize: {sandbox: off}\n/r);
	my $r = start_spec([qw(optimize --json --adapters a.yaml --candidates cand)], dir => $dir);
	ok(wait_until(30, sub { glob "$dir/.artifacts/optimize/*/loop.jsonl" }), 'a loop runs');
	sleep 0.3 * $slow;
	my $second = run_spec([qw(optimize --resume latest)], dir => $dir);
	is($second->{code}, 2, 'a second loop on it: exit 2');
	like($second->{err}, qr/running already/, 'and why');
	kill TERM => $r->{pid};
	finish_spec($r, 30);
	is($r->{code}, 128 + 15, 'SIGTERM: 143');
	is($json->decode($r->{out})->{stop_reason}, 'cancelled', 'cancelled');
	no_survivors($r);
	write_file("$dir/a.yaml", read_file("$dir/a.yaml") . "# changed\n");
	$second = run_spec([qw(optimize --resume latest)], dir => $dir);
	is($second->{code}, 2, 'a configuration that changed: exit 2');
	is(run_spec([qw(optimize clean)], dir => $dir)->{code}, 0, 'clean');
	is(scalar(glob("$dir/.artifacts/optimize/*/work") // ''), '', 'no work tree is left');
};

done_testing();
