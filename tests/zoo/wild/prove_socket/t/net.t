use strict;
use warnings;
use Socket;
use Test::More tests => 2;

sub answer {
	my ($s) = @_;
	sysread $s, my $b, 1;
	return $b;
}

ok 1, 'adds';
socketpair my $a, my $b, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die;
is answer($a), 'x', 'answers';
