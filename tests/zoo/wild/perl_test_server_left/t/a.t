#!/usr/bin/perl
# The test forks a server, and at its end waits for it.
use strict;
use warnings;
use IO::Socket::INET;
use Test::More tests => 1;

my $s = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die;
my $pid = fork // die;
if (!$pid) {
	$SIG{PIPE} = 'IGNORE';
	while (1) {
		# the next client
		my $c = $s->accept or next;
		print $c "hello\n";
		close $c;
	}
}
my $c = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $s->sockport) or die;
is(scalar <$c>, "hello\n", 'greeting');
waitpid $pid, 0;
