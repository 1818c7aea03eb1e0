# SPDX-License-Identifier: Apache-2.0
# ModelServer.pm - an OpenAI server of the test's own, on loopback, that says whatever the test wants; it ends with the test.
package ModelServer;
use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use SpecRunner;

our @EXPORT = qw(server chat);

my $json = JSON::PP->new->utf8;
my @servers;
END { if (@servers) { my $was = $?; kill KILL => @servers; waitpid $_, 0 for @servers; $? = $was } }

# A server in a child: every request is a line of its log; $answer->(agent, count, request) gives status, body and headers.
sub server {
	my ($answer) = @_;
	my $listen = IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die "listen: $!";
	my $log = new_dir() . '/requests';
	write_file($log, '');
	my $pid = fork() // die;
	if (!$pid) {
		$SIG{PIPE} = 'IGNORE';
		my %count;
		while (my $c = $listen->accept) {
			my ($head, $body) = ('', '');
			while (my $l = <$c>) { last if $l =~ /^\r?\n$/; $head .= $l }
			read $c, $body, $1 if $head =~ /^Content-Length: (\d+)/mi;
			my $r = $body ? eval { $json->decode($body) } : undef;
			my ($agent) = ($r && $r->{messages} ? $r->{messages}[0]{content} : '') =~ /^spec-runner agent: (\w+)/;
			open my $out, '>>', $log; print $out $json->encode({ head => $head, body => $body }), "\n"; close $out;
			my ($status, $text, @headers) = $answer->($agent // '', ++$count{ $agent // '' }, $r, $c);
			next if !defined $status;
			print $c "HTTP/1.1 $status X\r\nContent-Length: ", length $text, "\r\nConnection: close\r\n", (map { "$_\r\n" } @headers), "\r\n", $text;
			close $c;
		}
		POSIX::_exit(0);
	}
	push @servers, $pid;
	my $port = $listen->sockport;
	close $listen;
	return { port => $port, log => $log, requests => sub { map { $json->decode($_) } split /\n/, read_file($log) } };
}

# An answer with this content: text, or what is written as JSON.
sub chat { my ($v) = @_; return (200, $json->encode({ choices => [{ message => { content => ref $v ? $json->encode($v) : $v } }], usage => { prompt_tokens => 100, completion_tokens => 20 } })) }

1;
