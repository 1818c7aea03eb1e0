#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# root runs spec-runner in a user's folder, with the command as that user, who puts links where we are about to
# write: nothing outside is touched. Needs root; without it the attacks are made by ourselves on ourselves, which
# the rules forbid as well.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Test::More;

my $uid = 65534;
my $is_root = $> == 0;
my $have_setpriv = $is_root && system('setpriv --version >/dev/null 2>&1') == 0;
plan skip_all => 'needs root and setpriv: the attacks are those of another user' if !$have_setpriv;

# [name, what is in the folder before (shell), what the command does (shell, as the other user)]
# $V: a folder that only root may enter; $A: .artifacts; $R: the run's id.
my @attacks = (
	['the raw folder\'s tail is a link to a file', '', 'mv $A $A.was; mkdir -p $A/raw/$R; ln -s $V/file $A/raw/$R/stdout.tail'],
	['run-trace.json is a link to a file', '', 'rm -f $A/run-trace.json; ln -s $V/file $A/run-trace.json'],
	['the artifacts folder becomes a link', '', 'mv $A $A.was; ln -s $V $A'],
	['the raw folder becomes a link', '', 'mkdir -p $A; rm -rf $A/raw; ln -s $V $A/raw'],
	['the run\'s raw folder becomes a link', '', 'rm -rf $A/raw/$R; mkdir -p $A/raw; ln -s $V $A/raw/$R'],
	['temporary names are links', '', 'for p in $(seq $PPID $((PPID + 40))); do for f in run-trace.json run-trace-summary.md findings.json report.md; do ln -sf $V/file $A/.$f.tmp-$p; done; done'],
	['the report is a link', '', 'ln -s $V/file $A/report.md; ln -s $V/file $A/findings.json; ln -s $V/file $A/run-trace-summary.md'],
	['the artifacts folder was a link from the start', 'ln -s $V $W/.artifacts', 'true'],
	['raw is a link before retention', 'mkdir $W/.artifacts && ln -s $V $W/.artifacts/raw; printf "version: 1\\nartifacts: {keep_runs: 1}\\n" >$W/spec-runner.yaml', 'true'],
	['an old run in raw is a link', 'mkdir -p $W/.artifacts/raw && for i in 1 2 3; do ln -s $V $W/.artifacts/raw/run-20200101T00000${i}Z-00000000; done', 'true'],
	['the JUnit file\'s folder becomes a link', '', 'mkdir -p $A/x; rmdir $A/x; ln -s $V $A/x', '--junit', '/.artifacts/x/file'],
	['a summary is a FIFO that becomes a link', '', 'mkfifo $A/run-trace-summary.md; rm $A/run-trace-summary.md; ln -s $V/file $A/run-trace-summary.md'],
);

for my $attack (@attacks) {
	my ($name, $before, $do, @options) = @$attack;
	my $dir = new_dir();
	my ($w, $v) = ("$dir/work", "$dir/only-root");
	mkdir $_ or die "$_: $!" for $w, $v, "$v/run-20200101T000000Z-00000000";
	write_file("$v/file", "precious\n", 0600);
	write_file("$v/run-20200101T000000Z-00000000/kept", "kept\n", 0600);
	mkdir "$w/.git";
	chmod 0700, $v;
	chmod 0755, $dir;
	system('sh', '-c', "W='$w'; V='$v'; $before") == 0 or die $before if $before;
	system('chown', '-hR', $uid, $w);
	my @stat = stat "$v/file";
	my $script = "export A='$w/.artifacts' V='$v' R=\$SPEC_RUNNER_RUN_ID; $do; echo HOSTILE; exit 3";
	my $r = run_spec(['--profile-level', 'detailed', @options, 'run', '--', 'setpriv', '--reuid', $uid, '--regid', $uid,
		'--clear-groups', 'sh', '-c', $script], dir => $w);
	my @now = stat "$v/file";
	is(read_file("$v/file"), "precious\n", "$name: the file is as it was") or diag $r->{err};
	is_deeply([@now[1, 2, 4, 5]], [@stat[1, 2, 4, 5]], '  the same file, mode and owner');
	is_deeply([files_in($v)], ['file', 'run-20200101T000000Z-00000000/kept'], '  nothing more, nothing less is there');
	ok(!-l "$v/raw" && !-e "$v/raw", '  no folder of ours');
	ok($r->{code} == 3 || $r->{code} == 125, '  the exit code is its own, or ours where nothing could be written') or diag $r->{code}, $r->{err};
}

# A link in the user's own path is his: it is followed.
{
	my $dir = new_dir();
	mkdir $_ for "$dir/work", "$dir/work/.git", "$dir/scratch";
	symlink '../scratch', "$dir/work/artifacts";
	my $r = run_spec(['--profile-level', 'basic', '--artifacts-dir', 'artifacts', 'run', '--', 'sh', '-c', 'exit 4'], dir => "$dir/work");
	is($r->{code}, 4, 'a folder that the user names may be a link');
	ok(-s "$dir/scratch/run-trace.json", '  and is followed') or diag $r->{err};
	write_file("$dir/work/elsewhere.json", "");
	symlink "$dir/work/elsewhere.json", "$dir/work/out.json";
	$r = run_spec(['--profile-level', 'basic', '--profile-out', 'out.json', 'run', '--', 'sh', '-c', 'exit 4'], dir => "$dir/work");
	ok(-l "$dir/work/out.json" && -s "$dir/work/elsewhere.json", '  so is one in the name of a file that he gave');
}

# A journal names the file in which it goes on: what is not a regular file is not opened.
{
	my $dir = new_dir();
	mkdir "$dir/.artifacts";
	system 'mkfifo', "$dir/.artifacts/run-20261130T000000Z-00000000.journal";
	my $r = run_spec(['recover'], dir => $dir);
	is($r->{code}, 1, 'a FIFO with a journal\'s name is not read');
	like($r->{err}, qr/not a regular file|nothing to recover/, '  and said');
}

# Cases and configuration may come with a pull request: they stay in the project unless the user says otherwise.
{
	my $dir = new_dir();
	mkdir "$dir/$_" for 'p', 'p/.git', 'p/specs';
	write_file("$dir/secret.txt", "precious\n");
	for my $path ('../secret.txt', "$dir/secret.txt", 'specs/../../secret.txt', '/etc/passwd') {
		write_file("$dir/p/specs/a.spec.yaml", "version: 1\ncases:\n  - {id: A, harness: {type: file.scan, paths: ['$path'], present: [o]}}\n");
		my $r = run_spec(['test'], dir => "$dir/p");
		is($r->{code}, 2, "a case that searches $path is refused");
		like($r->{err}, qr{specs/a\.spec\.yaml:3:10: case 'A': path '\Q$path\E' leads out of .*--allow-outside-root}, '  with its place');
		$r = run_spec(['test', '--allow-outside-root'], dir => "$dir/p");
		isnt($r->{code}, 2, '  unless it is allowed') or diag $r->{err};
	}
	my $case = 'harness: {type: cli.run, argv: ["true"]}';
	mkdir "$dir/near";
	write_file("$dir/near/b.spec.yaml", "version: 1\ncases:\n  - {id: B, $case}\n");
	write_file("$dir/near/c.spec.yaml", "version: 1\ncases:\n  - {id: C, chain: {steps: [{id: b, ref: 'b.spec.yaml#B'}]}}\n");
	for my $ref ('../../near/b.spec.yaml#B', "$dir/near/b.spec.yaml#B") {
		write_file("$dir/p/specs/a.spec.yaml", "version: 1\ncases:\n  - {id: A, chain: {steps: [{id: b, ref: '$ref'}]}}\n");
		my $r = run_spec(['test', 'specs'], dir => "$dir/p");
		is($r->{code}, 2, "a ref to $ref is refused");
		like($r->{err}, qr{specs/a\.spec\.yaml:3:\d+: ref '\Q$ref\E' leads out of .*--allow-outside-root}, '  with its place');
		is(run_spec(['test', '--allow-outside-root'], dir => "$dir/p")->{code}, 0, '  unless it is allowed');
	}
	is(run_spec(['test', '../near/c.spec.yaml'], dir => "$dir/p")->{code}, 0, 'what the user names refers to its neighbours');
	unlink "$dir/p/specs/a.spec.yaml";
	write_file("$dir/p/spec-runner.yaml", "version: 1\ngate:\n  steps:\n    - {name: t, kind: test, paths: [../near]}\n");
	my $g = run_spec(['gate'], dir => "$dir/p");
	is($g->{code}, 2, 'nor does a step of the gate read cases elsewhere');
	like($g->{err}, qr{spec-runner\.yaml:4:\d+: path '\.\./near' leads out of .*--allow-outside-root}, '  with its place') or diag $g->{err};
	is(run_spec(['gate', '--allow-outside-root'], dir => "$dir/p")->{code}, 0, '  unless it is allowed');
	write_file("$dir/p/spec-runner.yaml", "version: 1\nartifacts: {dir: ../out}\n");
	my $r = run_spec(['run', '--', 'false'], dir => "$dir/p");
	is($r->{code}, 2, 'nor does spec-runner.yaml say where else to write');
	like($r->{err}, qr/'artifacts\.dir' is '\.\.\/out', which leads out/, '  with the key');
	$r = run_spec(['--artifacts-dir', '../out', 'run', '--', 'false'], dir => "$dir/p");
	is($r->{code}, 1, '  the user does');
}

# No core file, whatever the limit says; the command keeps it.
{
	my $dir = new_dir();
	local $ENV{ASAN_OPTIONS} = 'disable_coredump=0' if $ENV{TEST_SANITIZED}; # else the limit is the sanitizer's
	my $r = run_spec(['run', '--', 'sh', '-c', 'ulimit -c; cat /proc/$PPID/limits | grep core'], dir => $dir, setup => sub { system('prlimit', "--pid=$$", '--core=unlimited') });
	like($r->{out}, qr/\Aunlimited\nMax core file size\s+1\s/, 'a crash of ours leaves no core, the command has its own limit');
}

# Patterns are not in the arguments of our helpers.
{
	my $dir = new_dir();
	my $r = start_spec(['--redact-pattern', 'zq-pattern-\d+', '--liveness-level', 'strict', '--liveness-stall-ms', '400', '--diagnose-ms', '1500', 'run', '--', 'sleep', '20'], dir => $dir);
	my ($seen, $helpers) = (0, 0);
	wait_until(20, sub {
		for my $p (glob '/proc/[0-9]*/cmdline') {
			my $text = read_file($p) // next;
			next if $text !~ /^spec-runner-(inspect|report)/;
			$helpers++;
			$seen++ if $text =~ /zq-pattern/;
		}
		return $helpers > 2;
	});
	finish_spec($r);
	is($seen, 0, "patterns are not in the arguments of helpers ($helpers looks)");
}
done_testing();
