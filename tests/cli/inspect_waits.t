#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# inspect_waits.t - the rarer waits: their kind, what is waited for, and who perhaps could end it.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use JSON::PP;
use Test::More;

# what => [kind, resource, 'child' where a child of it is the only holder, proved]
my @waits = (
	[[zoo('awaits'), 'queue'], 'io', qr/^POSIX message queue \S.*\(fd \d+\)$/, 'child', 0],
	[[zoo('awaits'), 'semaphore'], 'semaphore', qr/^System V semaphore set \d+, semaphore 1: its value is 0, 1 is wanted$/, 'child', 0],
	[[zoo('awaits'), 'eventfd'], 'eventfd', qr/^eventfd \(fd \d+\)$/, 'child', 0],
	[[zoo('awaits'), 'timer'], 'sleep', qr/^timerfd \(fd \d+\), to go for \d\d\.\d+ s$/, 'nobody', 0],
	[[zoo('awaits'), 'timer_unset'], 'sleep', qr/^timerfd \(fd \d+\), which is not set$/, 'nobody', 0],
	[[zoo('awaits'), 'fifo', new_dir() . '/fifo'], 'pipe_read', qr{^a writer of the FIFO /.*/fifo, which it opens$}, 'nobody', 0],
	[[zoo('vforks')], 'child', qr/^exec or exit of the child that it started \(vfork\)$/, 'child', 1],
);
for my $w (@waits) {
	my ($argv, $kind, $resource, $holder, $proved) = @$w;
	my $r = SpecRunner::start_cmd($argv);
	my ($d, $p, $wait);
	wait_until(8, sub {
		$d = eval { decode_json(scalar `@{[spec()]} inspect --json $r->{pid} 2>/dev/null`) } // return 0;
		$p = $d->{processes}[0];
		$wait = $p->{threads}[0]{waits_on} // {};
		# the processes are listed before each is looked at: a child may just have come
		return ($wait->{kind} // '') eq $kind && $wait->{resource} =~ $resource && ($holder ne 'child' || @{ $wait->{holders} });
	});
	my $name = join ' ', $argv->[0] =~ m{([^/]+)$}, $argv->[1] // ();
	subtest $name => sub {
		is $wait->{kind}, $kind, 'kind' or diag explain $d;
		like $wait->{resource}, $resource, 'resource';
		my %parent = map { $_->{pid} => $_->{ppid} } @{ $d->{processes} };
		my @holders = map { ($parent{ $_->{pid} } // 0) == $p->{pid} ? 'child' : "another ($_->{comm})" } @{ $wait->{holders} };
		is "@holders", $holder eq 'nobody' ? '' : $holder, "holder: $holder";
		ok $p->{fd_count} >= 3 && @{ $p->{fds} } >= 3, 'its descriptors';
		ok $p->{limits}{open_files} && defined $p->{io}{rchar} && $p->{switches}{voluntary}, 'limits, input and output, context switches';
		is !!$wait->{proved}, !!$proved, $proved ? 'proved' : 'possible, not proved';
	};
	my ($set) = (read_file($r->{out_path}) // '') =~ /^ready ([1-9]\d*)/m;
	kill KILL => $r->{pid};
	kill_tagged($r->{tag});
	waitpid $r->{pid}, 0;
	system "ipcrm -s $set 2>/dev/null" if $set;
}

# A thread waits for the other end of a connection that its own process has not accepted: the process holds it, and none of
# its threads is said to, the main one least of all, which only waits for that thread.
SKIP: {
	my ($python) = grep { -x } map { "$_/python3" } split /:/, $ENV{PATH};
	skip 'no python3', 1 unless $python;
	my $r = SpecRunner::start_cmd([$python, '-c', <<'END']);
import socket, threading
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
reader = threading.Thread(target=client.recv, args=(1,))
reader.start()
reader.join()
END
	my ($p, $wait);
	wait_until(8, sub {
		my $d = eval { decode_json(scalar `@{[spec()]} inspect --json $r->{pid} 2>/dev/null`) } // return 0;
		$p = $d->{processes}[0];
		($wait) = grep { ($_->{kind} // '') eq 'socket_recv' } map { $_->{waits_on} // {} } @{ $p->{threads} };
		return $wait;
	});
	subtest 'the other end is its own' => sub {
		like $wait->{resource}, qr/^tcp .* peer .* \(which has not accepted the connection\) \(fd \d+\)$/, 'resource' or diag explain $p;
		is join(' ', map { "$_->{pid}" . (defined $_->{tid} ? ' thread' : '') } @{ $wait->{holders} }), $p->{pid}, 'held by its process';
		is_deeply [grep { defined $wait->{holders}[0]{$_} } qw(function file line)], [], 'at no place';
	};
	kill KILL => $r->{pid};
	kill_tagged($r->{tag});
	waitpid $r->{pid}, 0;
}
done_testing;
