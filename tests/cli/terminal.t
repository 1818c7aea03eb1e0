#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# terminal.t - on a terminal a supervised command behaves as if a shell had started it: it sees a
# terminal, its size, Ctrl-C and Ctrl-Z, can ask a question, and the settings are as before.
use strict;
use warnings;
use lib 'tests/lib';
use Pty;
use SpecRunner;
use Test::More;

my $spec = spec();
my $wait = 10 * slow_factor();
my $tag_count = 0;

sub on_terminal {
	my ($args, %o) = @_;
	my $tag = "zoo-pty-$$-" . ++$tag_count;
	my $dir = $o{dir} // new_dir();
	my $p = Pty->new([$spec, @$args], %o, dir => $dir, env => { ZOO_TAG => $tag, TERM => 'xterm', %{ $o{env} // {} } });
	@$p{qw(tag dir)} = ($tag, $dir);
	return $p;
}

sub ends {
	my ($p, $code, $name) = @_;
	my $got = $p->finish($wait);
	is $got, $code, $name or diag($p->{all});
	no_survivors($p, "$name: nothing is left");
}

my $tests = 'for fd in 0 1 2; do test -t $fd && echo "$fd is a terminal"; done; exit 5';
for my $pty ('auto', 'always', 'never') {
	my $p = on_terminal(['run', '--pty', $pty, '--', '/bin/sh', '-c', $tests]);
	ends($p, 5, "--pty $pty: exit code");
	is join(' ', $p->{all} =~ /(\d) is a terminal\r?\n/g), $pty eq 'never' ? '0' : '0 1 2', "--pty $pty: which streams are terminals";
	my $q = on_terminal(['run', '--pty', $pty, '--', '/bin/sh', '-c', 'stty size'], rows => 33, cols => 101);
	ends($q, 0, "--pty $pty: stty");
	like $q->{all}, qr/^33 101\r?$/m, "--pty $pty: the size of the window";
	my $i = on_terminal(['run', '--pty', $pty, '--', '/bin/sh', '-c', 'printf "name? "; read x; echo "hello $x"']);
	ok $i->expect(qr/name\? /, $wait), "--pty $pty: a prompt without a newline shows at once";
	$i->type("world\n");
	ends($i, 0, "--pty $pty: a question");
	like $i->{all}, qr/hello world\r?\n/, "--pty $pty: is answered";
}

# Only those of the streams that are terminals.
my $file = new_dir() . '/out';
my $p = on_terminal(['run', '--', '/bin/sh', '-c', 'for fd in 0 1 2; do test -t $fd && echo "$fd is a terminal"; done; printf "x\ny" >&2'], err => $file);
ends($p, 0, 'stderr to a file');
is join(' ', $p->{all} =~ /(\d) is a terminal/g), '0 1', 'the other two are terminals';
is read_file($file), "x\ny", 'the file has the bytes as they are';
$p = on_terminal(['run', '--', '/bin/sh', '-c', 'test -t 1 || printf "a\nb"'], out => $file);
ends($p, 0, 'stdout to a file');
is read_file($file), "a\nb", 'has the bytes as they are, too';

# Without any terminal, when asked.
my $r = run_spec(['run', '--pty', 'always', '--', '/bin/sh', '-c', 'test -t 1 && echo yes']);
is $r->{code}, 0, '--pty always without a terminal: the command has one';
like $r->{out}, qr/^yes\r?\n$/, 'on stdout';
$r = run_spec(['run', '--pty', 'never', '--', '/bin/sh', '-c', 'test -t 1 || echo no']);
is $r->{out}, "no\n", '--pty never without a terminal: none';

# Ctrl-C.
for my $pty ('auto', 'never') {
	my $c = on_terminal(['run', '--pty', $pty, '--profile-level', 'basic', '--', zoo('handles'), 2, 5]);
	ok $c->expect(qr/ready/, $wait), "--pty $pty: it runs";
	$c->type("\x03");
	my $code = $c->finish($wait);
	ok defined $code && ($code == 5 || $code == 130), "--pty $pty: Ctrl-C: the command's own code or 130" or diag($code // 'no end');
	like $c->{all}, qr/summary after signal 2/, "--pty $pty: it could print its summary";
	no_survivors($c);
	ok trace_of($c), "--pty $pty: and the trace is there";
	$c = on_terminal(['run', '--pty', $pty, '--', zoo('silent')]);
	select undef, undef, undef, 0.3;
	$c->type("\x03");
	ends($c, 130, "--pty $pty: Ctrl-C ends what does not handle it");
}

# What ignores it is left by the third; one that reads it as a key gets it.
{
	my $c = on_terminal(['run', '--pty', 'always', '--', '/bin/sh', '-c', 'trap "" INT; echo ready; sleep 60']);
	ok $c->expect(qr/ready/, $wait), 'Ctrl-C ignored: it runs';
	$c->type("\x03");
	select undef, undef, undef, 0.2;
	$c->type("\x03");
	ok $c->expect(qr/Ctrl-C went to the command; once more kills everything at once/, $wait), 'the second says how to leave';
	$c->type("\x03\x03\x03");
	ends($c, 130, 'the third ends all');
	my $keys = q($SIG{INT} = sub { print "got it\n" }; system 'stty -isig -icanon -echo'; $| = 1; print "ready\n"; for (1 .. 4) { read STDIN, $k, 1; $n++ } print "keys $n\n"; exit 3);
	$c = on_terminal(['run', '--pty', 'always', '--', '/usr/bin/perl', '-e', $keys]);
	ok $c->expect(qr/ready/, $wait), 'Ctrl-C as a key: it runs';
	$c->type("\x03\x03\x03\x03");
	ends($c, 3, 'it gets them all, and ends by itself');
	like $c->{all}, qr/keys 4/, 'each';
}

# The size changes while it runs.
my $winch = q($SIG{WINCH} = sub { system "stty size" }; $| = 1; print "ready\n"; my $t = time; select undef, undef, undef, 0.1 while time - $t < 2);
for my $pty ('auto', 'never') {
	my $w = on_terminal(['run', '--pty', $pty, '--', '/usr/bin/perl', '-e', $winch]);
	ok $w->expect(qr/ready/, $wait), "--pty $pty: runs";
	$w->resize(40, 132);
	ok $w->expect(qr/40 132/, $wait), "--pty $pty: a new size is handed on" or diag($w->{all});
	ends($w, 0, "--pty $pty: WINCH");
}

# Settings survive, whatever the command does to them, and however it ends.
for my $case (['stty raw -echo; exit 0', 0], ['stty -echo -icanon; kill -9 $$', 137]) {
	my $s = on_terminal(['run', '--', '/bin/sh', '-c', "sleep 0.2; $case->[0]"]);
	ends($s, $case->[1], "settings: $case->[0]");
	is $s->settings, $s->{before}, 'the terminal is as it was';
}
my $k = on_terminal(['run', '--timeout-ms', 500, '--liveness-kill-grace-ms', 200, '--', zoo('ignore_term')]);
ends($k, 124, 'settings: after a kill');
is $k->settings, $k->{before}, 'the terminal is as it was';

# The terminal goes away.
my $h = on_terminal(['run', '--', zoo('silent')]);
select undef, undef, undef, 0.5;
$h->close_all;
my $until = Time::HiRes::time() + $wait;
my $gone;
while (Time::HiRes::time() < $until && !$gone) {
	$gone = waitpid($h->{pid}, 1) != 0;
	select undef, undef, undef, 0.02;
}
ok $gone, 'a terminal that goes away ends it';
is $? & 127 ? 128 + ($? & 127) : $? >> 8, 129, 'with 129' if $gone;
no_survivors($h);

# Ctrl-Z and fg in a shell with job control; the time between does not count.
SKIP: {
	skip 'no bash', 6 unless -x '/bin/bash';
	for my $pty ('auto', 'never') {
		my $dir = new_dir();
		my $b = Pty->new(['/bin/bash', '--norc', '--noprofile', '-i'], dir => $dir, env => { PS1 => 'prompt> ', TERM => 'dumb' });
		$b->expect(qr/prompt> /, $wait);
		my $limit = 2500 * slow_factor();
		$b->type("$spec run --pty $pty --profile-level basic --timeout-ms $limit -- /bin/sh -c 'echo go; sleep 1.2; echo do''ne; exit 6'\n");
		ok $b->expect(qr/go\r?\n/, $wait), "--pty $pty: runs under a shell" or diag($b->{all});
		# a stop between vfork and exec would leave the shell itself unstoppable (a quirk of vfork)
		select undef, undef, undef, 0.4;
		$b->type("\x1a");
		ok $b->expect(qr/Stopped/, $wait), "--pty $pty: Ctrl-Z stops it" or diag($b->{all});
		select undef, undef, undef, $limit / 1000;
		$b->type("fg\n");
		ok $b->expect(qr/done\r?\n/, $wait), "--pty $pty: fg goes on" or diag($b->{all});
		$b->expect(qr/prompt> /, $wait);
		$b->type("echo code=\$?\n");
		ok $b->expect(qr/code=6\r?\n/, $wait), "--pty $pty: the time stopped did not count" or diag($b->{all});
		$b->type("exit\n");
		$b->finish(5) // do { kill KILL => $b->{pid}; waitpid $b->{pid}, 0 };
	}
}

done_testing;
