#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# frozen.t - a command that somebody freezes by its cgroup (docker pause, a runner that suspends a job), with version 1 of
# cgroups and with version 2: it is named, thawed where nobody else lives there, and nothing is left. Needs root.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Test::More;

my @kinds;
for (['version 1', '/sys/fs/cgroup/freezer', 'freezer.state', 'FROZEN', 'THAWED', 'freezer.state'],
	['version 2', (grep { -e "$_/cgroup.controllers" } '/sys/fs/cgroup', '/sys/fs/cgroup/unified')[0] // '/none', 'cgroup.freeze', '1', '0']) {
	my $dir = "$_->[1]/sr-test-$$";
	next if !mkdir $dir;
	push @kinds, [@$_, $dir] if -e "$dir/$_->[2]";
	rmdir $dir;
}
plan skip_all => 'no cgroup that can be frozen may be made here' if !@kinds;

my @limits = ('--timeout-ms', 900, '--liveness-kill-grace-ms', 600, '--diagnose-ms', 700, '--contain', 'subreaper');
# As a member of the command: makes the cgroup and moves a sleeper there, which is then frozen.
sub script {
	my ($k, $more) = @_;
	my $dir = $k->[5 + ($k->[0] eq 'version 1')];
	return "mkdir -p $dir; (trap '' TERM; echo ready; exec sleep 60) & p=\$!; sleep 0.05; echo \$p >$dir/cgroup.procs; $more echo $k->[3] >$dir/$k->[2]; wait";
}

for my $k (@kinds) {
	my ($name, $dir) = ($k->[0], $k->[-1]);
	my $r = run_spec(['run', @limits, '--', '/bin/bash', '-c', script($k, '')], timeout => 30);
	is $r->{code}, 124, "$name: ended by its limit" or diag $r->{err};
	like $r->{err}, qr/sleep \(pid \d+\) is frozen by its cgroup \Q$dir\E: thawed, so that it can end/, '  the cgroup is named';
	no_survivors($r);
	my ($frozen) = grep { ($_->{attrs}{event} // '') eq 'process.frozen' } events(trace_of($r), 'checkpoint');
	is_deeply [@{ $frozen->{attrs} // {} }{qw(cgroup thawed)}], [$dir, JSON::PP::true], '  and recorded';
	my ($first) = @{ JSON::PP->new->decode(read_file("$r->{dir}/.artifacts/findings.json"))->{findings} };
	is $first->{pattern_id}, $name eq 'version 1' ? 'hang.unkillable.frozen' : 'hang.stopped.frozen', '  the first finding' or diag $r->{err};
	like $first->{summary}, qr/sleep \(pid \d+\) is frozen: it waits for the thawing of its cgroup \Q$dir\E/, '  says so';
	ok rmdir $dir, '  nobody is left in it';
}

# A stranger in the same cgroup is not ours to wake. Version 2 lets a frozen process be killed all the same.
for my $k (@kinds) {
	my ($name, $dir) = ($k->[0], $k->[-1]);
	mkdir $dir or die "$dir: $!";
	my $stranger = fork // die $!;
	if (!$stranger) { exec 'sleep', 60 or POSIX::_exit(1) }
	write_file("$dir/cgroup.procs", $stranger);
	my $r = run_spec(['run', @limits, '--', '/bin/bash', '-c', script($k, '')], timeout => 30);
	is $r->{code}, 124, "$name, not alone: ended by its limit" or diag $r->{err};
	like $r->{err}, qr/is frozen by its cgroup \Q$dir\E, which is not ours to thaw/, '  said';
	if ($name eq 'version 1') {
		like $r->{err}, qr/sleep \(pid \d+\) does not die \(frozen: state D, in \Q$dir\E\)/, '  who does not die, and why';
		like read_file("$r->{dir}/.artifacts/findings.json"), qr/does not die: its cgroup \Q$dir\E is frozen/, '  is a finding';
	}
	like read_file("$dir/$k->[2]"), qr/^$k->[3]/, '  it is frozen still';
	write_file("$dir/$k->[2]", $k->[4]);
	kill KILL => $stranger;
	waitpid $stranger, 0;
	ok wait_until(10, sub { rmdir $dir }), '  and ends when it is thawed';
	no_survivors($r);
}
done_testing;
