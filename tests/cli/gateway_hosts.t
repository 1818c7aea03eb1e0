#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The gateway's policy with real connections: in a network of its own, whose loopback has inside and outside addresses, with a
# resolver that changes its answers, every connection and every question of a name is counted.
use strict;
use warnings;
use lib 'tests/lib';
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use SpecRunner;
use Test::More;

-x '.artifacts/libexec/spec-runner-gateway' or plan skip_all => 'the gateway is not part of this build';
my @space = qw(unshare -rnm --propagation private);
if (!$ENV{GATEWAY_HOSTS_INSIDE}) {
	(grep { -x "$_/unshare" } split /:/, $ENV{PATH}) && (grep { -x "$_/ip" } split /:/, $ENV{PATH}) && system("@space true 2>/dev/null") == 0
		or plan skip_all => 'no network of its own can be had here (unshare, ip)';
	$ENV{GATEWAY_HOSTS_INSIDE} = 1;
	exec @space, $^X, $0;
}

# --- addresses, names
my $etc = new_dir();
write_file("$etc/resolv.conf", "nameserver 127.0.0.1\noptions attempts:1 timeout:1\n");
write_file("$etc/hosts", "203.0.113.7 localhost\n");
write_file("$etc/nsswitch.conf", "hosts: files dns\n");
my @setup = ('ip link set lo up', (map { "ip addr add $_ dev lo" } '203.0.113.7/32', '198.51.100.9/32'), (map { "test ! -e /etc/$_ || mount --bind $etc/$_ /etc/$_" } qw(resolv.conf hosts nsswitch.conf)));
system('sh', '-c', join(' && ', @setup) . ' 2>/dev/null') == 0 or plan skip_all => 'addresses or mounts cannot be had here';
my $six = system('sh', '-c', 'ip addr add 2001:db8::7/128 dev lo nodad 2>/dev/null') == 0;

# --- a server on every address, and a resolver; both write what they are asked
my $log = "$etc/log";
write_file($log, '');
sub saw { open my $out, '>>', $log; syswrite $out, "$_[0]\n"; close $out }
my @listen = map { IO::Socket::INET->new(Listen => 50, LocalAddr => $_->[0], LocalPort => $_->[1], ReuseAddr => 1) // die "listen: $!" } ['0.0.0.0', 0];
my $port = $listen[0]->sockport;
my $listen6;
use Socket qw(AF_INET6 SOCK_STREAM SOL_SOCKET SO_REUSEADDR IPPROTO_IPV6 IPV6_V6ONLY pack_sockaddr_in6 unpack_sockaddr_in6 inet_ntop inet_pton);
my $have6 = socket($listen6, AF_INET6, SOCK_STREAM, 0) && setsockopt($listen6, IPPROTO_IPV6, IPV6_V6ONLY, pack('i', 1)) && bind($listen6, pack_sockaddr_in6($port, inet_pton(AF_INET6, '::'))) && listen($listen6, 50);
my $dns = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => 53) or die "dns: $!";

sub answer_dns {
	my ($packet, $count) = @_;
	my ($id) = unpack 'n', $packet;
	my ($at, @labels) = 12;
	while (my $n = ord substr $packet, $at, 1) { push @labels, substr $packet, $at + 1, $n; $at += $n + 1 }
	my ($type) = unpack 'n', substr $packet, $at + 1;
	my $name = lc join '.', @labels;
	my $question = substr $packet, 12, $at + 5 - 12;
	saw("dns $name") if $type == 1;
	my $n = $count->{"$name $type"}++;
	my @addresses = $type != 1 ? () : $name =~ /^changes\./ ? ($n == 0 ? '127.0.0.2' : '203.0.113.7') : $name =~ /^both\./ ? ('127.0.0.2', '203.0.113.7') : '127.0.0.2';
	return pack('nnnnnn', $id, 0x8180, 1, scalar @addresses, 0, 0) . $question . join '', map { pack('nnnNn', 0xc00c, 1, 1, 0, 4) . pack('C4', split /\./) } @addresses;
}

sub serve {
	my %count;
	my $wait = IO::Select->new(@listen, $dns, $have6 ? $listen6 : ());
	$SIG{PIPE} = 'IGNORE';
	while (1) {
		for my $s ($wait->can_read) {
			if ($s == $dns) {
				my $from = recv $dns, my $packet, 4096, 0;
				send $dns, answer_dns($packet, \%count), 0, $from if length $packet > 16;
				next;
			}
			my ($c, $to);
			if ($have6 && $s == $listen6) {
				accept $c, $listen6;
				$to = inet_ntop(AF_INET6, (unpack_sockaddr_in6(getsockname $c))[1]);
			} else {
				$c = $s->accept or next;
				$to = $c->sockhost;
			}
			saw("connect $to");
			my $head = '';
			while (my $l = <$c>) { last if $l =~ /^\r?\n$/; $head .= $l }
			if ($head =~ m{^GET /redirect}) { print $c "HTTP/1.1 307 X\r\nLocation: http://203.0.113.7:$port/v1/models\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" }
			else { my $body = '{"data":[{"id":"A"}]}'; print $c "HTTP/1.1 200 X\r\nContent-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body" }
			close $c;
		}
	}
}
my $server = fork() // die;
if (!$server) { serve(); POSIX::_exit(0) }
END { if ($server) { my $was = $?; kill KILL => $server; waitpid $server, 0; $? = $was } }

# Asks `gateway check` with this base; what was connected to and asked for meanwhile.
sub check {
	my ($base, $more, %env) = @_;
	my $dir = new_dir();
	write_file($log, '');
	write_file("$dir/a.yaml", "version: 1\ngateway: {api_base: '$base', timeout_ms: @{[3000 * slow_factor()]}, attempts: 1, models: {general: A}$more}\n");
	my $r = run_spec([qw(gateway check --config a.yaml)], dir => $dir, env => \%env, timeout => 60);
	return ($r, join ' ', split /\n/, read_file($log));
}
my $outside = qr/203\.0\.113\.7|2001:db8::7|198\.51/;
my @rows = (
	# base, more, allowed, what is asked and connected to
	["http://127.0.0.1:$port/v1", '', 1, 'connect 127.0.0.1'], ["http://127.1:$port/v1", '', 1, 'connect 127.0.0.1'], ["http://2130706433:$port/v1", '', 1, 'connect 127.0.0.1'],
	["http://localhost:$port/v1", '', 1, 'connect 127.0.0.1', 'localhost is loopback, whatever /etc/hosts says'],
	["http://203.0.113.7:$port/v1", '', 0, ''], ["http://3405803783:$port/v1", '', 0, ''], ["http://0xcb007107:$port/v1", '', 0, ''], ["http://0313.0.0161.07:$port/v1", '', 0, ''],
	["http://[::ffff:203.0.113.7]:$port/v1", '', 0, ''], ["http://[2001:db8::7]:$port/v1", '', 0, ''],
	["http://llm.example:$port/v1", '', 0, ''], ["http://127.0.0.1.evil.example:$port/v1", '', 0, ''], ["http://localhost.evil.example:$port/v1", '', 0, ''],
	["https://llm.example:$port/v1", ', allow_external_proxy_models: true, allow_hosts: [llm.example]', 0, ''],
	["http://llm.example:$port/v1", ', allow_external_proxy_models: true, allow_hosts: [llm.example], allow_models: [A]', 0, ''],
	["http://llm.corp:$port/v1", ', internal_hosts: [llm.corp]', 1, 'dns llm.corp connect 127.0.0.2'], ["http://a.corp:$port/v1", q(, internal_hosts: ['*.corp']), 1, 'dns a.corp connect 127.0.0.2'],
	["http://203.0.113.7:$port/v1", ', internal_hosts: [203.0.113.0/24]', 1, 'connect 203.0.113.7'], ["http://127.0.0.1:$port/v1", ', internal_hosts: [203.0.113.0/24]', 0, ''],
	["http://changes.corp:$port/v1", ', internal_hosts: [changes.corp]', 1, 'dns changes.corp connect 127.0.0.2', 'a name is looked up once, and its address kept'],
	["http://127.0.0.1:$port/redirect", '', 1, 'connect 127.0.0.1', 'a redirect is not followed'],
	["http://127.0.0.1:$port/v1", ", proxy: 'http://203.0.113.7:$port'", 0, '', 'a proxy is under the same policy'],
);
push @rows, ["http://[::1]:$port/v1", '', 1, 'connect ::1'] if $have6;
for my $row (@rows) {
	my ($base, $more, $allowed, $want, $name) = @$row;
	my ($r, $did) = check($base, $more);
	my $code = $base =~ /redirect/ ? $r->{code} : $allowed ? 0 : 2;
	is "$r->{code} $did", "$code $want", ($name ? "$name: " : '') . "$base$more" or diag $r->{err};
}
my @proxies = map { ($_ => "http://203.0.113.7:$port", uc $_ => "http://203.0.113.7:$port") } qw(http_proxy https_proxy all_proxy);
my ($r, $did) = check("http://llm.corp:$port/v1", ', internal_hosts: [llm.corp]', @proxies, NO_PROXY => '', no_proxy => '');
is "$r->{code} $did", '0 dns llm.corp connect 127.0.0.2', 'variables of proxies are not read' or diag $r->{err};
($r, $did) = check("http://both.corp:$port/v1", ', internal_hosts: [both.corp]');
is scalar(() = $did =~ /dns/g), 1, 'a name with two addresses is looked up once';
done_testing();
