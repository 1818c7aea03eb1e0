#!/usr/bin/perl
# refuse.t - a sandbox that refuses one system call: the run ends in time, with the limit's code or a line that says why.
# REFUSE=all tries every call that tests/lib/refuse knows, else some that had been trouble.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Cwd ();
use Test::More;

my $build = $ENV{TEST_BUILD} // '.artifacts/build';
my $refuse = Cwd::abs_path("$build/tests/lib/refuse");
plan skip_all => 'no seccomp filters here' if run_plain([$refuse, 'EPERM', 'kcmp', '/bin/true'])->{code} ne '0';
my %all = map { $_ => 1 } split ' ', `$refuse list`;
my @calls = ($ENV{REFUSE} // '') eq 'all' ? sort keys %all :
	grep { $all{$_} } qw(epoll_wait epoll_pwait timerfd_settime waitid access getrandom fallocate pidfd_open setsid clone3 prctl);
my @bad;
for my $call (@calls) {
	for my $errno (qw(EPERM ENOSYS)) {
		next if run_plain([$refuse, $errno, $call, '/bin/sleep', 0])->{code} ne '0'; # the command could not run at all
		my $r = run_plain([$refuse, $errno, $call, spec(), 'run', '--timeout-ms', 600, '--liveness-kill-grace-ms', 300,
				'--diagnose-ms', 500, '--', '/bin/sleep', 60]);
		push @bad, "$call $errno: hung" if $r->{timed_out};
		push @bad, "$call $errno: $r->{code} ($r->{err})" if $r->{code} !~ /^12[4567]$/ || $r->{err} !~ /^spec-runner: \S/m;
		push @bad, "$call $errno: left alive" unless wait_until(5, sub { my %left = tagged($r->{tag}); !%left });
		kill_tagged($r->{tag});
	}
}
is_deeply \@bad, [], scalar(@calls) . ' calls, each with EPERM and ENOSYS' or diag join "\n", @bad;

# These two have a stand-in.
for my $call (qw(fallocate getrandom)) {
	my $r = run_plain([$refuse, 'EPERM', $call, spec(), 'run', '--profile-level', 'basic', '--', '/bin/sh', '-c', 'exit 3']);
	is $r->{code}, 3, "$call refused: the command runs" or diag $r->{err};
	ok trace_of($r), "$call refused: and is recorded";
}

# A command that cuts the journal short under our mapping: a SIGBUS that must not be our end.
for my $bytes (0, 9000) {
	my $r = run_spec(['run', '--profile-level', 'debug', '--', '/bin/sh', '-c',
			"truncate -s $bytes .artifacts/*.journal; for i in 1 2 3 4 5 6; do echo \$i; sleep 0.02; done; exit 3"]);
	is $r->{code}, 3, "journal cut to $bytes bytes: the command's code" or diag $r->{err};
	is $r->{out}, "1\n2\n3\n4\n5\n6\n", "journal cut to $bytes bytes: all of its output";
	like $r->{err}, qr/^spec-runner: recording stopped early/m, "journal cut to $bytes bytes: said";
	no_survivors($r);
}
done_testing;
