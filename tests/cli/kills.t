#!/usr/bin/perl
# kills.t - who lives and who dies: SIGKILL to the group that our caller sees, signals from a child to its parent.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Cwd ();
use Test::More;
use Time::HiRes qw(sleep);

my $tree = q(echo ready; (trap '' TERM; setsid sleep 61 &); sleep 62 & sleep 63);

sub group_of { my ($r) = @_; return (split ' ', (read_file("/proc/$r->{pid}/stat") // '') =~ s/^.*\) //sr)[2] }

sub ready {
	my ($r) = @_;
	return wait_until(20, sub { (read_file($r->{out_path}) // '') =~ /ready/ });
}

# timeout -s KILL, GitLab's shell executor, Buildkite: the whole group of the process that was started.
sub killed_group {
	my (@args) = @_;
	my $r = start_spec(['--profile-level', 'basic', 'run', '--liveness-kill-grace-ms', 300, @args, '--',
			'/bin/bash', '-c', $tree], setup => sub { setpgrp(0, 0) });
	ready($r) or diag 'never ready';
	sleep rand 0.05;
	kill KILL => -$r->{pid};
	finish_spec($r);
	is $r->{code}, 137, "group (@args): killed";
	ok wait_until(15, sub { my %left = tagged($r->{tag}); !%left }), "group (@args): nothing is left alive"
		or diag join ' ', values %{ { tagged($r->{tag}) } };
	kill_tagged($r->{tag});
	ok -s "$r->{dir}/.artifacts/run-trace.json", "group (@args): the trace is sealed"
		or diag join "\n", files_in($r->{dir});
	is run_spec(['verify', "$r->{dir}/.artifacts/run-trace.json"])->{code}, 0, "group (@args): verify agrees";
}
killed_group('--contain', $_) for qw(auto subreaper);

# Both by pid, or all of ours, at random instants: the guard ends the tree, the journal is recovered.
sub pids_of {
	my ($r, $guard_too) = @_;
	my %all = tagged($r->{tag});
	my @sup = grep { $all{$_} =~ /^spec-runner/ && $_ != $r->{pid} && (read_file("/proc/$_/status") // '') =~ /^PPid:\t$r->{pid}$/m }
		keys %all;
	return ($r->{pid}, @sup);
}

my $kills = $ENV{KILLS} // 4;
sub killed_by_pid {
	my (@args) = @_;
	my ($bad, $recovered, $journals) = (0, 0, 0);
	for my $i (1 .. $kills) {
		my $dir = new_dir();
		mkdir "$dir/.git";
		my $r = start_spec(['--profile-level', 'basic', 'run', @args, '--', '/bin/bash', '-c',
			$tree =~ s/^/for ((n = 0; n < 300; n++)); do sleep 0.01; (setsid sleep 60.\$n &) ; done & /r], dir => $dir);
		my @ours;
		wait_until(20, sub { (@ours = pids_of($r)) > 1 && -s $r->{out_path} });
		sleep rand 0.3;
		@ours = pids_of($r);
		kill KILL => @ours;
		finish_spec($r);
		next if $r->{code} ne '137' && diag "ended before: $r->{code}";
		my $gone = wait_until(15, sub { my %left = tagged($r->{tag}); !%left });
		if (!$gone) {
			$bad++;
			diag "@args: left " . join ' ', %{ { tagged($r->{tag}) } };
			kill_tagged($r->{tag});
		}
		my @journal = glob "$dir/.artifacts/*.journal";
		next unless @journal; # the front had sealed, say
		$journals++;
		my $rec = run_spec(['recover'], dir => $dir);
		my ($trace) = glob "$dir/.artifacts/recovered/run-*/run-trace.json";
		$recovered++ if $rec->{code} eq '0' && $trace && run_spec(['verify', $trace])->{code} eq '0';
	}
	is $bad, 0, "both by pid (@args), $kills times: no survivors";
	is $recovered, $journals, "both by pid (@args): every journal is recovered";
}
killed_by_pid('--contain', $_) for split ' ', $ENV{KILLS_CONTAIN} // 'auto subreaper';

# And so early that the command is just being started, by a guard that shares the front's memory.
sub killed_early {
	my (@args) = @_;
	my ($bad, $started, $seed) = (0, 0, $ENV{KILLS_SEED} // $$);
	srand $seed;
	for my $i (1 .. 5 * $kills) {
		my $mark = new_dir() . '/mark';
		my $r = start_spec(['--profile-level', $i % 2 ? 'off' : 'basic', 'run', @args, '--', '/bin/bash', '-c', ": > $mark; $tree"]);
		my ($sup, $until) = ('', Time::HiRes::time() + 20);
		until ($sup =~ /^\d/ || Time::HiRes::time() > $until) { $sup = read_file("/proc/$r->{pid}/task/$r->{pid}/children") // '' }
		sleep rand 0.006;
		kill KILL => $r->{pid}, $sup =~ /^(\d+)/;
		finish_spec($r);
		my $gone = wait_until(15, sub { my %left = tagged($r->{tag}); !%left });
		$started++ if -e $mark;
		next if $gone;
		$bad++;
		diag "early @args: left " . join ' ', %{ { tagged($r->{tag}) } };
		kill_tagged($r->{tag});
	}
	is $bad, 0, "both within milliseconds (@args): no survivors";
	note "seed $seed: $started of " . 5 * $kills . ' commands had been started';
}
killed_early('--contain', $_) for split ' ', $ENV{KILLS_CONTAIN} // 'auto subreaper';

# The group alone: what has left it is not ended, and that is said.
{
	my $s = run_spec(['run', '--timeout-ms', 700, '--liveness-kill-grace-ms', 300, '--contain', 'group', '--', '/bin/bash', '-c',
		'(setsid sleep 74 &); echo ready; sleep 75']);
	is $s->{code}, 124, 'group: 124' or diag $s->{err};
	like $s->{err}, qr/only the process group of the command is ended/, 'group: says what is not ended';
	ok((grep { $_ eq 'tree.unlisted' } checkpoints(trace_of($s))), 'group: so does the trace');
	kill_tagged($s->{tag});
}

# Where the kernel has no `children` files, or no /proc at all: a limit ends the tree all the same.
my $escape = q((trap '' TERM; setsid sleep 71.@ &) ; setsid sleep 72.@ & env -i setsid sleep 70.@ & exec sleep 73.@);
my @limit = ('run', '--timeout-ms', 700, '--liveness-kill-grace-ms', 300);
my $build = $ENV{TEST_BUILD} // '.artifacts/build';
SKIP: {
	my $shim = Cwd::abs_path("$build/tests/lib/no_children");
	skip 'no seccomp user notification here', 4 if run_plain([$shim, '/bin/true'])->{code} ne '0';
	my $n = $$ % 100000;
	my $s = run_plain([$shim, spec(), @limit, '--contain', 'subreaper', '--', '/bin/bash', '-c', $escape =~ s/\@/$n/gr]);
	is $s->{code}, 124, 'no children files: 124' or diag $s->{err};
	no_survivors($s, 'no children files: nothing is left alive');
	is `pgrep -f -x 'sleep 70.$n'`, '', 'no children files: nor one without environment, session, parent';
	cmp_ok $s->{ms}, '<', 5000 * slow_factor(), 'no children files: without waiting for what is dead';
}
SKIP: {
	my @bare = ('/usr/bin/unshare', '--pid', '--fork', '--mount', ($> ? '--map-root-user' : ()));
	local $ENV{ASAN_OPTIONS} = 'detect_leaks=0' if $ENV{TEST_SANITIZED}; # it looks for leaks by /proc
	skip 'no PID namespace may be made here', 6 if run_plain([@bare, '/bin/true'])->{code} ne '0';
	for (['empty', 'mount -t tmpfs none /proc'], ['foreign', ':']) {
		my ($how, $mount) = @$_;
		my ($n, $flag) = ($$ % 100000, new_dir() . '/go');
		my $line = join ' ', map { "'" . s/'/'\\''/gr . "'" } spec(), @limit, '--contain', 'subreaper', '--', '/bin/bash', '-c',
			$escape =~ s/\@/$n/gr;
		# the namespace stays, so that what is left is left by us
		my $s = start_cmd([@bare, '/bin/bash', '-c', "$mount; $line; echo code \$?; until [ -e $flag ]; do sleep 0.05; done"]);
		ok wait_until(20, sub { (read_file($s->{out_path}) // '') =~ /^code 124$/m }), "$how /proc: 124" or diag read_file($s->{err_path});
		my @left = grep { !/^(unshare|bash|sleep)$/ } values %{ { tagged($s->{tag}) } };
		is_deeply \@left, [], "$how /proc: none of ours is left";
		is `pgrep -f -x 'sleep 7[0-3].$n'`, '', "$how /proc: nothing is left alive";
		like read_file($s->{err_path}), qr/processes cannot be listed here/, "$how /proc: and it is said";
		write_file($flag, '');
		finish_spec($s);
	}
}

# Every signal that a child may send to its parent and to the front: none of them changes anything.
my @harmless = grep { !/^(KILL|STOP|TSTP|CONT|TERM|INT|HUP|QUIT|USR1|SEGV|BUS|FPE|ILL|TRAP|SYS|ABRT|CHLD|CLD|IOT|NUM\d+|ZERO)$/ }
	split ' ', do { require Config; $Config::Config{sig_name} };
my $send = join '; ', map { "kill -$_ \$PPID; kill -$_ \$F" } @harmless, 32, 33, 34, 50, 64;
my $r = run_spec(['run', '--', '/bin/bash', '-c',
		'F=$(sed -n "s/^PPid:\t//p" /proc/$PPID/status); ' . "$send; sleep 0.2; echo still; exit 7"]);
is $r->{code}, 7, 'signals from a child: its own code' or diag $r->{err};
is $r->{out}, "still\n", 'signals from a child: it goes on';
no_survivors($r);

# The command's own mask is the one that we were started with.
$r = run_spec(['run', '--', 'grep', 'SigBlk', '/proc/self/status']);
my $plain = run_plain(['grep', 'SigBlk', '/proc/self/status']);
is $r->{out}, $plain->{out}, 'the mask of the command is as it was';

done_testing;
