#!/usr/bin/perl
# notify.t - who may speak on a command's notify socket, and how much of it is recorded.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Socket;
use Test::More;
use Time::HiRes qw(time sleep);

my @strict = ('run', '--profile-level', 'basic', '--liveness-level', 'strict', '--liveness-stall-ms', 1500 * slow_factor(),
	'--diagnose-ms', 300, '--liveness-kill-grace-ms', 300, '--timeout-ms', 12000 * slow_factor());

sub statuses { my ($t) = @_; return map { $_->{attrs}{status} // () } grep { ($_->{attrs}{event} // '') eq 'notify.status' } events($t, 'checkpoint') }

# The abstract name stands in a world-readable file.
sub socket_of {
	my ($r) = @_;
	my ($id, $name);
	wait_until(20, sub {
		($id) = map { m{/(run-[^/]+)\.journal$} } glob "$r->{dir}/.artifacts/*.journal";
		($name) = (read_file('/proc/net/unix') // '') =~ /\s@(\Q$id\E-\d+)$/m if $id;
		return $name;
	}) or return;
	return "\0$name";
}

# Sends for some seconds from a process outside of the tree, as uid.
sub outsider {
	my ($name, $uid, $seconds) = @_;
	my $pid = fork // die;
	return $pid if $pid;
	if ($uid) { $) = "$uid $uid"; $( = $uid; $< = $> = $uid; }
	socket my $s, AF_UNIX, SOCK_DGRAM, 0 or POSIX::_exit(1);
	my $until = time + $seconds;
	my $n = 0;
	while (time < $until) {
		send $s, "WATCHDOG=1\nSTATUS=forged " . $n++, 0, pack('S a*', AF_UNIX, $name);
		sleep 0.1;
	}
	POSIX::_exit(0);
}

for my $uid ($> == 0 ? (64131, 0) : (0)) {
	my $r = start_spec([@strict, '--', 'sleep', 60]);
	my $name = socket_of($r);
	ok $name, "user $uid: the socket can be found";
	my $pid = outsider($name // "\0none", $uid, 8 * slow_factor());
	finish_spec($r);
	kill KILL => $pid;
	waitpid $pid, 0;
	my $t = trace_of($r);
	is $r->{code}, 124, "user $uid: ended";
	ok scalar(grep { $_ eq 'stall.subprocess.no_output_no_event' } tokens($t)), "user $uid, not of the tree: keeps nothing alive";
	is_deeply [statuses($t)], [], "user $uid, not of the tree: nothing in the trace";
	like $r->{err}, qr/from outside of the tree \(pid \d+, user $uid\) is ignored/, "user $uid: said, once";
	no_survivors($r);
}

# Of the tree: also a process that is gone when its message is read, and one in a session of its own.
my $say = q(perl -MSocket -e 'socket my $s, AF_UNIX, SOCK_DGRAM, 0; send $s, $ARGV[0], 0, pack("S a*", AF_UNIX, "\0" . substr $ENV{NOTIFY_SOCKET}, 1)');
my $r = run_spec(['run', '--profile-level', 'basic', '--', '/bin/sh', '-c',
		"$say STATUS=one; setsid $say STATUS=two; ($say STATUS=three &) ; sleep 0.3; exec $say STATUS=four"]);
is $r->{code}, 0, 'its own messages';
is_deeply [statuses(trace_of($r))], [qw(one two three four)], 'are recorded' or diag $r->{err};

# A flood is progress, and bounded on disk.
$r = run_spec(['run', '--profile-level', 'basic', '--', 'perl', '-MSocket', '-MTime::HiRes=time', '-e',
		'socket my $s, AF_UNIX, SOCK_DGRAM, 0; my $to = pack("S a*", AF_UNIX, "\0" . substr $ENV{NOTIFY_SOCKET}, 1); my $n = 0;'
		. 'my $end = time + 1; send $s, "READY=1\nSTATUS=text " . $n++, 0, $to while time < $end; print $n']);
is $r->{code}, 0, 'a flood';
cmp_ok $r->{out}, '>', 500, 'of many';
my @kept = statuses(trace_of($r));
cmp_ok scalar(@kept), '<=', 60, 'of which few are recorded';
cmp_ok scalar(@kept), '>=', 20, 'the first ones among them';
done_testing;
