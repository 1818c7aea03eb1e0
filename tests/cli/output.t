#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# output.t - what passes through passes unchanged, per stream; and what stays on disk.
use strict;
use warnings;
use lib 'tests/lib';
use Digest::SHA;
use SpecRunner;
use Test::More;

sub same {
	my ($name, $argv, %o) = @_;
	my @options = @{ delete $o{options} // [] };
	my $want = run_plain($argv, %o);
	for my $level ('off', 'detailed') {
		my $got = run_spec(['run', '--pty', 'never', '--profile-level', $level, @options, '--', @$argv], %o);
		is $got->{code}, $want->{code}, "$name, $level: exit code" or diag(substr $got->{err}, 0, 500);
		ok $got->{out} eq $want->{out}, "$name, $level: stdout" or diag(length($got->{out}) . ' bytes, not ' . length $want->{out});
		# A run that failed is followed by a line of ours, on a line of its own, that says where the trace is.
		my $between = $want->{err} eq '' || $want->{err} =~ /\n\z/ ? '' : "\n";
		$got->{err} =~ s/${between}spec-runner: failed [^\n]*\n\z// if $want->{code};
		ok $got->{err} eq $want->{err}, "$name, $level: stderr"
			or diag(length($got->{err}) . ' bytes, not ' . length($want->{err}) . ': ' . substr $got->{err}, 0, 300);
		no_survivors($got, "$name, $level: nothing is left");
	}
}

my $file = new_dir() . '/input';
write_file($file, join '', map { "input $_\n" } 1 .. 5000);
same('10^8 bytes on both streams', [zoo('floods'), 50_000_000], timeout => 60);
same('partial last line', ['/usr/bin/printf', 'no end']);
same('NULs and invalid UTF-8', ['/usr/bin/printf', 'a\\0b\\377\\376\\303(\\355\\240\\200 \\033[31mred\\r\\n']);
same('nothing at all', ['/bin/true']);
same('only stderr', ['/bin/sh', '-c', 'echo gone wrong >&2; exit 4']);
same('stdin from a file', ['/bin/cat'], stdin => $file);
same('stdin partly read', ['/bin/sh', '-c', 'read a; read b; echo "$a $b"'], stdin => $file);
same('empty stdin', ['/usr/bin/wc', '-c']);
same('python unittest', ['/usr/bin/python3', '-c', 'import sys; print("o"); sys.stderr.write("e"); sys.exit(3)']);
same('workflow commands of a CI', ['/bin/echo', '::error file=a.c,line=1::not ours'], env => { GITHUB_ACTIONS => 'true' });
same('closes its output early', [zoo('closes'), 'exit']);
same('forks writers', ['/bin/sh', '-c', 'for i in 1 2 3 4; do (seq 1 2000 | sed "s/^/w/" >/dev/null; exit 0) & done; wait; echo done']);

# The order in which things arrive is kept where one pipe takes both (2>&1).
my $mixed = run_spec(['run', '--', '/bin/sh', '-c', 'for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done 2>&1']);
is $mixed->{out}, join('', map { "out $_\nerr $_\n" } 1 .. 5), 'order within one stream';

# Memory stays constant: nothing of 300 MB may be kept. /proc tells the peak of each process of ours.
my $big = start_spec(['run', '--profile-level', 'detailed', '--', '/bin/sh', '-c', 'head -c 300000000 /dev/zero; sleep 0.5'],
	out => '/dev/null');
my $peak = 0;
while (waitpid($big->{pid}, 1) == 0) {
	my %all = tagged($big->{tag});
	my $sum = 0;
	for my $pid (grep { $all{$_} =~ /^spec-runner/ } keys %all) {
		$sum += $1 if (read_file("/proc/$pid/status") // '') =~ /^VmRSS:\s+(\d+)/m;
	}
	$peak = $sum if $sum > $peak;
	kill_tagged($big->{tag}) if Time::HiRes::time() - $big->{start} > 40;
	select undef, undef, undef, 0.02;
}
SKIP: {
	skip 'sanitizers need memory of their own', 1 if $ENV{TEST_SANITIZED};
	ok $peak > 0 && $peak < 64 * 1024, 'memory does not grow with the output' or diag("$peak KiB");
}
no_survivors($big);

# Level off: a passing run leaves nothing, a failing one its evidence.
my $r = run_spec(['run', '--', '/bin/true']);
is_deeply [files_in($r->{dir})], [], 'off, passing: no file is left';
ok !-e "$r->{dir}/.artifacts", 'nor a folder';
{
	my $d = new_dir();
	my @all = map { start_spec(['run', '--', 'sleep', 0.1 * $_], dir => $d) } 1 .. 5;
	finish_spec($_) for @all;
	ok !-e "$d/.artifacts", 'nor do several at once, whoever made the folder';
	mkdir "$d/.artifacts";
	run_spec(['run', '--', '/bin/true'], dir => $d);
	ok -d "$d/.artifacts", 'one that was there before stays';
	for my $what (['--junit', '.artifacts/j.xml'], ['--history', 'on']) {
		my $at = new_dir();
		run_spec(['run', @$what, '--', '/bin/true'], dir => $at);
		is read_file("$at/.artifacts/.gitignore"), "*\n", "@$what: what is left there is nothing for git";
	}
}
$r = run_spec(['run', '--', '/bin/false']);
my %left = map { $_ => 1 } files_in($r->{dir});
ok $left{".artifacts/$_"}, "off, failing: $_" for qw(run-trace.json run-trace-summary.md);
ok !grep({ /\.journal$/ } keys %left), 'no journal stays behind';
ok !grep({ m{/\.|\.tmp|~$} && !m{^\.artifacts/(?:[^.]|\.gitignore$)} } keys %left), 'no temporary file either' or diag(join ' ', keys %left);
$r = run_spec(['run', '--profile-on-fail', 'off', '--', '/bin/false']);
is_deeply [files_in($r->{dir})], [], 'off, failing, --profile-on-fail off: nothing';
$r = run_spec(['run', '--profile-level', 'basic', '--', '/bin/true']);
ok -s "$r->{dir}/.artifacts/run-trace.json", 'basic, passing: a trace';

# Where files go.
my $deep = new_dir();
mkdir "$deep/$_" for '.git', 'a', 'a/b';
$r = run_spec(['run', '--profile-level', 'basic', '--', '/bin/true'], dir => "$deep/a/b");
ok -s "$deep/.artifacts/run-trace.json", 'artifacts go to the root, which is where .git is';
ok !-e "$deep/a/b/.artifacts", 'and not into the working folder';
$r = run_spec(['run', '--profile-level', 'basic', '--profile-out', 'here.json', '--profile-summary-out', '/.artifacts/x/there.md',
		'--', '/bin/true'], dir => "$deep/a/b");
ok -s "$deep/a/b/here.json", 'a plain path is a plain path';
ok -s "$deep/.artifacts/x/there.md", '/.artifacts/ is taken from the root, and missing folders are made';

# In a folder that cannot be written, as an ordinary user (root may write everywhere).
SKIP: {
	my $ro = new_dir();
	chmod 0755, $ENV{TMPDIR};
	chmod 0555, $ro;
	my @as = $> == 0 ? (setup => sub { $) = "65534 65534"; $( = 65534; $< = $> = 65534; }) : ();
	$r = run_spec(['run', '--', '/bin/sh', '-c', 'echo fine; exit 0'], dir => $ro, @as);
	skip 'the program cannot be reached by another user', 6 if $r->{code} eq 127 && $r->{err} eq '';
	is $r->{code}, 0, 'read-only folder, off, passing: works';
	is $r->{err}, '', 'without a word';
	is $r->{out}, "fine\n", 'output as always';
	$r = run_spec(['run', '--', '/bin/sh', '-c', 'exit 9'], dir => $ro, @as);
	is $r->{code}, 9, "read-only folder, failing: the command's own code";
	like $r->{err}, qr/^spec-runner: .*(denied|ermission)/m, 'with a word about the trace that could not be written';
	$r = run_spec(['run', '--profile-level', 'basic', '--', '/bin/true'], dir => $ro, @as);
	is $r->{code}, 125, 'read-only folder, a trace was asked for: 125';
	chmod 0755, $ro;
}

# Standard streams that are closed, full or broken.
for my $fd (0 .. 2) {
	my $c = run_spec(['run', '--', '/bin/sh', '-c', 'exit 6'], close => [$fd]);
	is $c->{code}, 6, "started with $fd closed";
	no_survivors($c);
}
$r = run_spec(['run', '--profile-level', 'basic', '--', '/bin/sh', '-c', 'echo text; echo err >&2; exit 5'], close => [0, 1, 2]);
is $r->{code}, 5, 'started with all three closed';
my $trace = read_file("$r->{dir}/.artifacts/run-trace.json") // '';
like $trace, qr/\A\{.*\}\s*\z/s, 'the trace is whole: nobody wrote into it by accident';
$r = run_spec(['run', '--', '/bin/sh', '-c', 'echo text'], out => '/dev/full');
isnt $r->{code}, 'timed out', 'stdout on a full device: ends';
like $r->{err}, qr/^spec-runner: .*No space left/m, 'and says so' ;
$r = run_plain(['/bin/bash', '-o', 'pipefail', '-c', "'${\ spec()}' run -- yes | head -n 1"], timeout => 15);
is $r->{out}, "y\n", 'a reader that goes away';
is $r->{code}, 141, 'is SIGPIPE for the command, as without us';
no_survivors($r);

# A reader that begins long after the command has ended gets all the same.
for my $options ('', q(--leave-running 'no such process')) {
	$r = run_plain(['/bin/bash', '-c',
		"'${\ spec()}' run $options -- sh -c 'sleep 1.5; head -c 400000 /dev/zero' | (sleep 3; wc -c)"], timeout => 60);
	is $r->{out}, "400000\n", "a reader that is late: every byte $options";
	no_survivors($r);
}

# What is inherited and what is not.
$r = run_spec(['run', '--profile-level', 'detailed', '--', '/bin/sh', '-c', 'ls /proc/self/fd'], setup => sub { });
is $r->{out}, run_plain(['/bin/sh', '-c', 'ls /proc/self/fd'])->{out}, 'no descriptor of ours leaks into the command';
my $masks = q(grep -E '^Sig(Blk|Ign)' /proc/self/status);
is run_spec(['run', '--', '/bin/sh', '-c', $masks])->{out}, run_plain(['/bin/sh', '-c', $masks])->{out},
	'signal mask and ignored signals are as without us';
my $inherits = 'umask; ulimit -a; pwd; nice; cat /proc/self/oom_score_adj /proc/self/timerslack_ns; id';
is run_spec(['run', '--', '/bin/sh', '-c', $inherits], dir => $deep)->{out},
	run_plain(['/bin/sh', '-c', $inherits], dir => $deep)->{out}, 'umask, limits, folder, priority, identity too';

done_testing;
