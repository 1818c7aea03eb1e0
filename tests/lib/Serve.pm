# SPDX-License-Identifier: Apache-2.0
# Serve.pm - starts `spec-runner serve` and asks it: one request a connection, bytes as the test wants them.
package Serve;
use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use IO::Select;
use JSON::PP;
use SpecRunner;
use Time::HiRes qw(time sleep);

our @EXPORT = qw(has_serve serve_start serve_stop http api $token);
our $token = 'a-token-of-some-length-1';
my $port;

sub has_serve {
	my $spec = spec();
	return -x (($spec =~ s{[^/]*$}{}r) . '.artifacts/libexec/spec-runner-serve');
}

# Returns the process; it listens.
sub serve_start {
	my ($dir, @words) = @_;
	my %o = %{ ref $words[-1] ? pop @words : {} };
	my $s = start_spec(['serve', '--listen', '127.0.0.1:0', @words], dir => $dir,
		env => { SPEC_RUNNER_API_TOKEN => $token, SPEC_RUNNER_HISTORY => "$dir/h", %{ $o{env} // {} } });
	wait_until(20, sub { (read_file($s->{out_path}) // '') =~ /^listening on \S+:(\d+)$/m && ($port = $1) or
		waitpid($s->{pid}, 1) }) or die 'serve does not listen';
	die 'serve ended: ' . read_file($s->{err_path}) unless $port;
	$s->{port} = $port;
	return $s;
}

sub serve_stop {
	my ($s, $signal) = @_;
	my $from = time;
	kill $signal // 'TERM', $s->{pid};
	finish_spec($s);
	$s->{stop_s} = time - $from;
	return $s;
}

# {status, headers {lower case}, body}. o: headers {}, body, host, token (undef: none), timeout, port.
sub http {
	my ($method, $target, %o) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $o{port} // $port, Timeout => 10) or return { status => 0, error => "$@" };
	my %h = (Host => $o{host} // 'localhost', Connection => 'close', %{ $o{headers} // {} });
	my $t = exists $o{token} ? $o{token} : $token;
	$h{Authorization} //= "Bearer $t" if defined $t;
	$h{'Content-Length'} //= length $o{body} if defined $o{body};
	print $socket "$method $target HTTP/1.1\r\n" . join('', map { defined $h{$_} ? "$_: $h{$_}\r\n" : () } sort keys %h) . "\r\n" . ($o{body} // '');
	my ($text, $until, $wait) = ('', time + ($o{timeout} // 20) * slow_factor(), IO::Select->new($socket));
	while (time < $until) {
		next unless $wait->can_read(0.5);
		last unless sysread $socket, $text, 65536, length $text;
	}
	my ($head, $body) = split /\r\n\r\n/, $text, 2;
	my ($first, @lines) = split /\r\n/, $head // '';
	my %got = map { /^([^:]+):\s*(.*)/ ? (lc $1 => $2) : () } @lines;
	return { status => ($first // '') =~ m{^HTTP/1\.1 (\d+)} ? $1 : 0, headers => \%got, body => $body // '', raw => $text };
}

# The same, its JSON decoded as {json}.
sub api {
	my ($method, $target, $body, %o) = @_;
	my $r = http($method, $target, %o, defined $body ? (body => ref $body ? JSON::PP->new->utf8->encode($body) : $body,
		headers => { 'Content-Type' => 'application/json', %{ $o{headers} // {} } }) : ());
	$r->{json} = eval { JSON::PP->new->utf8->decode($r->{body}) };
	return $r;
}

1;
