#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# doctor.t - what can be seen here: as we are, as a plain user, without /proc, in a namespace; always exit 0, and
# each answer obeys the schema.
use strict;
use warnings;
use lib 'tests/lib';
use Cwd qw(getcwd);
use JSON::PP;
use SpecRunner;
use Test::More;

my $schema = getcwd() . '/schemas/doctor_v1.yaml';
my $spec = spec();

sub doctor {
	my ($what, @before) = @_;
	my $dir = new_dir();
	chmod 0777, $dir;
	my $r = run_plain([@before, $spec, 'doctor', '--json'], dir => $dir, timeout => 60);
	is $r->{code}, 0, "$what: exit 0" or diag $r->{err};
	my $d = eval { decode_json($r->{out}) } // {};
	write_file("$dir/d.json", $r->{out});
	write_file("$dir/v.spec.yaml", "version: 1\ncases:\n  - {id: V, harness: {type: data.validate, paths: [d.json], schema: $schema}}\n");
	my $v = run_spec(['test', '--artifacts-dir', new_dir(), 'v.spec.yaml'], dir => $dir, timeout => 60);
	is $v->{code}, 0, "$what: obeys its schema" or diag $v->{out};
	return { map { $_->{name} => $_ } @{ $d->{checks} // [] } };
}

chmod 0711, $ENV{TMPDIR} // '/tmp'; # another user comes in below
my $here = doctor('here');
is $here->{kernel}{status}, 'ok', 'this kernel is supported';
is $here->{programs}{status}, 'ok', 'every program is there';
is $here->{memory}{status}, 'ok', 'memory of a child can be read' or diag $here->{memory}{detail};
my $text = run_spec(['doctor'], timeout => 60);
is $text->{code}, 0, 'the text for people: exit 0';
like $text->{out}, qr/^ok +kernel +Linux /m, 'a line a check';
like $text->{out}, qr/(?:everything works here|checks are limited or missing)[^\n]*\n\z/, 'and a sum';
my $words = run_spec(['doctor', 'x'], timeout => 60);
is $words->{code}, 2, 'an argument: exit 2';
is_deeply [glob('/sys/fs/cgroup/spec-runner-*doctor* /sys/fs/cgroup/unified/spec-runner-*doctor*')], [], 'no cgroup is left';
SKIP: {
	skip 'not root', 6 if $>;
	my $user = doctor('a plain user', 'setpriv', '--reuid=65534', '--regid=65534', '--clear-groups');
	isnt $user->{cgroup}{status}, 'missing', 'as a plain user a tree is kept together all the same';
	local $ENV{ASAN_OPTIONS} = 'detect_leaks=0' if $ENV{TEST_SANITIZED}; # it looks for leaks by /proc
	my $bare = doctor('without /proc', 'unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /proc 2>/dev/null; exec "$@"', 'sh');
	isnt $bare->{proc}{status}, 'ok', 'a missing /proc is seen';
}
done_testing;
