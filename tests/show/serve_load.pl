#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# serve beside nginx, which has the same bytes as files: requests a second over one connection, taken in turn, and CPU time a
# request; then memory with 1,000 clients that send their headers slowly, or do not read what they asked for.
# Usage: tests/show/serve_load.pl [REQUESTS]; needs nginx. Exit 1 where memory is not bounded, or nobody else gets an answer.
use strict;
use warnings;
use lib 'tests/lib';
use History;
use IO::Socket::INET;
use Serve;
use SpecRunner;
use Time::HiRes qw(clock_gettime sleep time);

my $requests = shift // 2000;
my $dir = new_dir();
my @paths;
for my $i (1 .. 60) {
	my ($path) = write_trace($dir, id => sprintf('%08x', $i), at => time - 3600 * (70 - $i), status => $i % 3 ? 'pass' : 'fail',
		repo => { uri => 'https://h/r', rev => 'a' x 40, branch => 'main', dirty => JSON::PP::false }, tests => [map { ["suite$_", "test_$_", ($i + $_) % 5 ? 'pass' : 'fail', $_] } 1 .. 400]);
	push @paths, $path;
}
history($dir, 'record', @paths)->{code} eq '0' or die 'record';
my $s = serve_start($dir);
my %page = map { $_ => http('GET', $_)->{body} } '/runs', '/', '/ui/tests';

sub cpu { my ($pid) = @_; return clock_gettime(-8 * ($pid + 1) + 2) }
sub status_kib { my ($name) = @_; return (read_file("/proc/$s->{pid}/status") // '') =~ /$name:\s+(\d+)/ ? $1 : -1 }

# --- throughput
my $nginx = (grep { -x } map { "$_/nginx" } split(/:/, $ENV{PATH}), '/usr/sbin')[0];
if ($nginx) {
	my $port = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport;
	mkdir "$dir/www";
	write_file("$dir/www/runs", $page{'/runs'});
	write_file("$dir/www/index", $page{'/'});
	write_file("$dir/nginx.conf", "daemon off; master_process off; pid $dir/pid; error_log $dir/error.log;\nevents { }\nhttp { access_log off; keepalive_requests 1000000; client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3; uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;\n" .
		"server { listen 127.0.0.1:$port; root $dir/www; location = / { try_files /index =404; } } }\n");
	my $n = start_cmd([$nginx, '-c', "$dir/nginx.conf", '-e', "$dir/error.log"]);
	wait_until(20, sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) }) or die 'nginx';
	for my $target ('/runs', '/') {
		my (%took, %cpu);
		for my $round (1 .. 10) {
			for my $who ($round % 2 ? ('serve', 'nginx') : ('nginx', 'serve')) {
				my ($pid, $p) = $who eq 'serve' ? ($s->{pid}, $s->{port}) : ($n->{pid}, $port);
				my $c = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $p) or die;
				my ($cpu, $from) = (cpu($pid), time);
				for (1 .. $requests / 10) {
					syswrite $c, "GET $target HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer $token\r\n\r\n";
					my ($got, $want) = ('', undef);
					while (!defined $want || length $got < $want) {
						sysread $c, $got, 1 << 20, length $got or die "$who closed";
						$want //= $got =~ /^(.*?\r\n\r\n)/s ? length($1) + ($1 =~ /^content-length:\s*(\d+)/mi)[0] : undef;
					}
				}
				$took{$who} += time - $from;
				$cpu{$who} += cpu($pid) - $cpu;
			}
		}
		printf "%-6s %6d bytes: serve %.0f a second, %.0f us of CPU; nginx %.0f, %.0f; ratio %.2f, of CPU %.1f\n", $target, length $page{$target}, $requests / $took{serve}, 1e6 * $cpu{serve} / $requests,
			$requests / $took{nginx}, 1e6 * $cpu{nginx} / $requests, $took{nginx} / $took{serve}, $cpu{serve} / $cpu{nginx};
	}
	kill KILL => $n->{pid};
	finish_spec($n);
} else {
	print "no nginx here\n";
}

# --- 1,000 slow clients
my @faults;
my $before = status_kib('VmRSS');
for my $kind ('headers', 'readers') {
	my @clients = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $s->{port}, Blocking => 0) // () } 1 .. 1000;
	sleep 2;
	my ($i, $text) = (0, "GET /ui/tests HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer $token\r\n");
	my $connected = grep { defined syswrite $_, $kind eq 'headers' ? substr($text, 0, 10 + ++$i % 40) : "$text\r\n" x 5 } @clients;
	sleep 3;
	my ($now, $peak) = (status_kib('VmRSS'), status_kib('VmHWM'));
	my $from = time;
	my $health;
	do { $health = http('GET', '/health', token => undef, timeout => 60) } until $health->{status} == 200 || time - $from > 90 * slow_factor();
	printf "1000 slow clients (%s), %d of them connected: %d KiB before, %d now, %d at most; another's answer after %.1f s\n", $kind, $connected, $before, $now, $peak, time - $from;
	push @faults, "$kind: $peak KiB" if $peak > $before + (96 << 10);
	push @faults, "$kind: nobody else gets an answer: $health->{status}" if $health->{status} != 200;
	@clients = ();
}
serve_stop($s);
push @faults, sprintf 'it took %.1f s to end', $s->{stop_s} if $s->{stop_s} > 2 * slow_factor();
printf "ended in %.2f s\n", $s->{stop_s};
print map { "fault: $_\n" } @faults;
exit(@faults ? 1 : 0);
