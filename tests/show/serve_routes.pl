#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# serve: 100,000 requests of routes and ids that nobody should ask (traversal, encodings, NUL, huge ones, other methods, bytes
# at random), with the files that the server touches meanwhile (strace). With SPEC_RUNNER naming a sanitised build, under ASan.
# Usage: tests/show/serve_routes.pl [REQUESTS [SEED]]; NO_STRACE=1 is ten times as fast. Exit 1 where it ends, answers 5xx, or touches a file elsewhere.
use strict;
use warnings;
use lib 'tests/lib';
use History;
use IO::Select;
use IO::Socket::INET;
use Serve;
use SpecRunner;

$| = 1;
my ($requests, $seed) = (shift // 100_000, shift // time ^ $$);
srand $seed;
my $dir = new_dir();
my (@paths, @runs);
for my $i (1 .. 6) {
	my ($path, $id) = write_trace($dir, id => sprintf('%08x', $i), at => time - 3600 * (10 - $i), status => $i % 2 ? 'pass' : 'fail',
		tests => [['s', 'steady', 'pass', 100 + $i], ['p/q', 'x/y <b>', $i % 2 ? 'pass' : 'fail', 10]], $i == 4 ? (hang => 'f-0123456789ab') : ());
	push @paths, $path;
	push @runs, $id;
}
history($dir, 'record', @paths)->{code} eq '0' or die 'record';
write_file("$dir/secret", "outside\n");
my $s = serve_start($dir, { env => { ASAN_OPTIONS => 'detect_leaks=0:exitcode=99', UBSAN_OPTIONS => 'halt_on_error=1:print_stacktrace=1' } });
my $artifact = api('GET', "/runs/$runs[0]/artifacts")->{json}{artifacts}[0]{artifact_id};
my $strace = (grep { -x "$_/strace" } split /:/, $ENV{PATH})[0];
my $tracer;
if ($strace && !$ENV{NO_STRACE}) {
	$tracer = start_cmd(["$strace/strace", '-f', '-qq', '-y', '-e', 'trace=%file', '-o', "$dir/strace", '-p', $s->{pid}]);
	wait_until(20, sub { (read_file("/proc/$s->{pid}/status") // '') =~ /TracerPid:\s+[1-9]/ }) or die 'strace';
}

my @ids = ($runs[0], $runs[3], $artifact, 'latest', 'f-0123456789ab', 's', 'steady', '..', '%2e%2e', '%2e%2e%2f%2e%2e%2fetc%2fpasswd', '../../../../etc/passwd', '....//', '%00', "$runs[0]%00", '%c0%ae%c0%ae',
	'..%5c..%5c', '%252e%252e', '/etc/passwd', "$dir/secret", 'h%2fhistory.db', 'history.db', '%', '%zz', '%u002e', ';x=1', '~root', 'run-20260101T000000Z-00000000', '00000000-0000-0000-0000-000000000000',
	'CON', 'file:///etc/passwd', 'http://127.0.0.1/', '%ff%fe', "\xff\xfe", '%E2%80%AE', 'A' x 5000, '%41' x 3000, '/' x 3000, '../' x 1000, "'%20OR%201=1--", '${jndi}', '$(id)', '`id`', '%0d%0aX:%20y', '.', '', ' ');
my @heads = ('/runs', '/artifacts', '/tests', '/hangs', '/compare', '/ui/runs', '/ui/tests', '/ui/hangs', '/ui/compare', '/login', '/login/style.css', '/health', '/openapi.json', '', '/ui', '//', '/RUNS', '/runs/../artifacts', '/./runs');
my @tails = ('', '', '', '/metrics', '/artifacts', '/tests', '/findings', '/report', '/optimize', '/nothing', '/', '?', '?limit=1', '?limit=-1', '?before=', '?state=flaky', '?base=last:1&candidate=last:1', '?base=', '&', '#x', '?token=x', '?x[]=1', '/..', '/%2e%2e');
my @methods = (('GET') x 12, qw(HEAD POST PUT DELETE OPTIONS PATCH TRACE CONNECT get G), 'X' x 300);
my %bodies = (json => '{"repo_uri": 5}', deep => '[' x 20000, text => 'x' x 3000, form => 'token=' . 'y' x 50);

sub pick { return $_[ rand @_ ] }
sub noise { return join '', map { chr(1 + rand 255) } 1 .. rand 40 }
sub target {
	my $t = pick(@heads);
	$t .= '/' . pick(@ids) for 1 .. rand 4;
	$t .= pick(@tails);
	if (rand() < 0.2) { # turn some byte of it
		my $at = int rand(length($t) + 1);
		substr $t, $at, rand() < 0.5 ? 0 : 1, pick(noise(), '%00', '%2f', '..', "\0", '%', '?', '/');
	}
	$t =~ s/[\r\n ]/%20/g if rand() < 0.98;
	return length $t ? $t : '/';
}

my ($socket, $open, %status, @faults) = (undef, 0);
sub ask {
	my ($text, $head_only) = @_;
	$socket = undef if $socket && !$open;
	$socket //= IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $s->{port}, Timeout => 30) or return 0;
	$open = 0;
	$socket->autoflush(1);
	local $SIG{PIPE} = 'IGNORE';
	print $socket $text;
	my ($got, $want, $wait) = ('', undef, IO::Select->new($socket));
	while (1) {
		if (!defined $want && $got =~ /\r\n\r\n/) {
			my ($h) = $got =~ /^(.*?\r\n\r\n)/s;
			$want = length($h) + (!$head_only && $h =~ /^content-length:\s*(\d+)/mi ? $1 : 0);
			$open = $h !~ /^connection:\s*close/mi;
		}
		last if defined $want && length $got >= $want;
		$wait->can_read(60 * slow_factor()) or return -1;
		sysread $socket, $got, 65536, length $got or ($open = 0, last);
	}
	return $got =~ m{^HTTP/1\.[01] (\d+)} ? $1 : 0;
}

my $from = time;
for my $i (1 .. $requests) {
	my $method = pick(@methods);
	my $t = target();
	my %h = (Host => rand() < 0.97 ? 'localhost' : pick('evil.example', '', 'x' x 300, "127.0.0.1:$s->{port}"), Authorization => rand() < 0.9 ? "Bearer $token" : pick('Bearer', "Bearer $token ", 'Basic x', noise() =~ s/[\r\n]//gr));
	my $body = $method eq 'POST' || rand() < 0.02 ? pick(values %bodies) : undef;
	if (defined $body) { $h{'Content-Length'} = length $body; $h{'Content-Type'} = pick('application/json', 'text/plain', 'application/x-www-form-urlencoded', 'x') }
	my $text = "$method $t HTTP/1.1\r\n" . join('', map { "$_: $h{$_}\r\n" } sort keys %h) . "\r\n" . ($body // '');
	my $code = ask($text, $method eq 'HEAD');
	$status{$code}++;
	push @faults, sprintf '%s: %s', $code, substr($text, 0, 200) =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger if $code >= 500 && $code != 501 && $code != 505 || $code < 0;
	if (!kill 0, $s->{pid}) { push @faults, "it ended after $i requests: " . substr $text, 0, 300; last }
	print "$i requests, ", join(' ', map { "$_:$status{$_}" } sort keys %status), "\n" if $i % 10_000 == 0;
	last if @faults > 20;
}
my $health = http('GET', '/health', token => undef)->{status};
push @faults, "health: $health" if $health != 200;
push @faults, 'a run was made' if history_json($dir, 'info')->{runs} != 6 + ($status{201} // 0);
serve_stop($s);
push @faults, "exit $s->{code}: " . substr $s->{err}, -3000 if $s->{code} ne '0';
push @faults, 'the token is in its output' if index("$s->{out}$s->{err}", $token) >= 0;
if ($tracer) {
	kill TERM => $tracer->{pid};
	finish_spec($tracer);
	my %touched;
	for (split /\n/, read_file("$dir/strace")) {
		next if /ENOENT.*<unfinished/;
		my ($of, $name) = /(?:<([^<>]*)>, )?"((?:[^"\\]|\\.)*)"/ or next;
		$touched{ defined $of && $name =~ m{^[^/]} ? "$of/$name" : $name }++; # a name may be one of an open folder
	}
	my @outside = grep { !m{^\Q$dir\E/h(?:/|$)} && !m{^(?:/tmp|\Q@{[$ENV{TMPDIR} // "/tmp"]}\E|\Q$dir\E)/spec-runner-serve-} && !m{^/(?:etc/localtime|dev/urandom|proc/self/|proc/sys/vm/overcommit_memory$|sys/|usr/share/zoneinfo)} && index("$dir/", "$_/") != 0 && length } keys %touched;
	print scalar(keys %touched), " paths were touched, ", scalar(@outside), " of them outside of the store\n";
	push @faults, map { "touched: $_" } sort @outside;
}
printf "%d requests in %d s, seed %d: %s; %d faults\n", $requests, time - $from, $seed, join(' ', map { "$_:$status{$_}" } sort keys %status), scalar @faults;
print map { "  $_\n" } @faults[0 .. ($#faults < 20 ? $#faults : 20)];
exit(@faults ? 1 : 0);
