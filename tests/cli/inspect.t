#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# inspect.t - words of `inspect`, redaction of what it shows, and what it says of another user's process. What it finds of
# programs that hang is in the tests called zoo_*.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Zoo;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

# Words and denial.
is system(spec() . ' inspect >/dev/null 2>&1') >> 8, 2, 'no process: a usage error';
is system(spec() . ' inspect 12x >/dev/null 2>&1') >> 8, 2, 'no number: a usage error';
is system(spec() . ' inspect --intrusion 4 1 >/dev/null 2>&1') >> 8, 2, 'no such intrusion: a usage error';
is system(spec() . ' inspect 2147483646 >/dev/null 2>&1') >> 8, 125, 'no such process: a failure';

{ # a secret of the target's own environment stands in its command line
	local $ENV{ZOO_API_TOKEN} = 'zoosecret-4711';
	my $r = begin('/bin/sh', '-c', 'sleep 60; :', 'zoosecret-4711', '--password', 'hunter2hunter2');
	delete local $ENV{ZOO_API_TOKEN};
	sleep 0.3;
	my $text = inspect('--json', $r->{pid}) . inspect($r->{pid});
	unlike $text, qr/zoosecret-4711|hunter2hunter2/, 'secrets of the target are redacted';
	like $text, qr/<redacted:/, 'and marked';
	end($r);
}

SKIP: { # as somebody else
	skip 'not root', 3 if $>;
	skip 'the program lies where another user may not look', 3
		if `setpriv --reuid=65534 --regid=65534 --clear-groups @{[spec()]} inspect --json 1 2>&1` =~ /is not installed|denied\b.*exec/;
	my $r = begin('/bin/sleep', '60');
	sleep 0.2;
	my $text = `setpriv --reuid=65534 --regid=65534 --clear-groups @{[spec()]} inspect --json $r->{pid} 2>&1`;
	my $d = eval { decode_json($text) };
	my $t = $d ? $d->{processes}[0]{threads}[0] : {};
	is $t->{status}, 'denied', q{another user's thread is denied} or diag $text;
	like $t->{reason} // '', qr/CAP_SYS_PTRACE/, 'with what would allow it';
	end($r);
	$r = begin('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '/bin/sleep', '60');
	sleep 0.2;
	$text = `setpriv --reuid=65534 --regid=65534 --clear-groups @{[spec()]} inspect --json $r->{pid} 2>&1`;
	$d = eval { decode_json($text) };
	is $d->{processes}[0]{threads}[0]{status}, 'ok', q{one's own is seen without privileges} or diag $text;
	end($r);
}

done_testing;
