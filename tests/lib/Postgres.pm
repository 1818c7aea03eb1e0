# SPDX-License-Identifier: Apache-2.0
# Postgres.pm - a PostgreSQL server of a test's own: its data in a folder of the test, on a Unix socket and loopback, as a
# user without rights where we are root. It ends with the test.
package Postgres;
use strict;
use warnings;

use Exporter 'import';
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();

our @EXPORT = qw(postgres_start postgres_stop);

my ($pid, $dir, $owner);

sub bin {
	my ($found) = reverse sort glob '/usr/lib/postgresql/*/bin';
	return $found;
}

sub free_port {
	my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0) or return;
	return $s->sockport;
}

# The user for the server: postgres, or ourselves.
sub user {
	return if $> != 0;
	return getpwnam 'postgres';
}

sub as_user {
	my (@words) = @_;
	my $child = fork // die "fork: $!";
	if (!$child) {
		my @pw = user();
		if (@pw) {
			POSIX::setgid($pw[3]);
			$) = "$pw[3] $pw[3]";
			POSIX::setuid($pw[2]);
			$ENV{HOME} = '/';
		}
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', "$dir/log";
		open STDERR, '>&', \*STDOUT;
		chdir '/';
		exec { $words[0] } @words or POSIX::_exit(127);
	}
	return $child;
}

# Returns the port, or undef where there is no server to be had.
sub postgres_start {
	my $bin = bin() or return;
	return if $> == 0 && !user();
	my $port = free_port() or return;
	# below /tmp: the folders above must be searchable for the server's user
	$dir = tempdir('spec-runner-pg.XXXXXX', DIR => '/tmp', CLEANUP => 1);
	$owner = $$;
	my @pw = user();
	chown $pw[2], $pw[3], $dir if @pw;
	chmod 0700, $dir;
	my $child = as_user("$bin/initdb", '-D', "$dir/data", '-A', 'trust', '-U', 'postgres', '--no-sync', '-E', 'UTF8', '--locale=C');
	waitpid $child, 0;
	return if $?;
	$pid = as_user("$bin/postgres", '-D', "$dir/data", '-p', $port, '-h', '127.0.0.1', '-k', $dir);
	for (1 .. 600) {
		return $port if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) && ready($bin, $port);
		select undef, undef, undef, 0.1;
	}
	return;
}

sub ready {
	my ($bin, $port) = @_;
	my $child = as_user("$bin/pg_isready", '-q', '-h', '127.0.0.1', '-p', $port);
	waitpid $child, 0;
	return $? == 0;
}

sub postgres_stop {
	return unless $pid;
	local $?;
	kill 'QUIT', $pid;
	waitpid $pid, 0;
	undef $pid;
}

END { postgres_stop() if defined $owner && $owner == $$ }

1;
