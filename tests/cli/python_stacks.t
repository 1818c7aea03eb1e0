#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# python_stacks.t - Python stacks against CPython's own: a busy program is stopped at random moments (by this test, not
# by us), looked at, and told to dump its stacks by faulthandler as the very first thing when it goes on.
# PYTHON_STACKS=1000 is the full count of moments for each Python (40); PYTHON=PATH takes that one Python alone.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Test::More;
use Time::HiRes qw(sleep time);

my $moments = $ENV{PYTHON_STACKS} // 40;
# A machine under load gets through fewer of them in this time, but never of none.
my $seconds = $ENV{PYTHON_STACKS} ? 3600 : $ENV{TEST_SANITIZED} ? 15 : 6;
my $json = eval { require JSON::XS; JSON::XS->new->utf8 } // JSON::PP->new->utf8;
my %tgkill = (x86_64 => 234, aarch64 => 131);
my $tgkill = $tgkill{ (POSIX::uname())[4] };
our $program = abs_path('tests/fixtures/python_busy.py');
chmod 0755, dirname(new_dir()); # also for another user

# Of each minor version one.
sub pythons {
	return $ENV{PYTHON} if $ENV{PYTHON};
	my @found = grep { -x } '/usr/bin/python3';
	my (%seen, $pyenv);
	$pyenv = $ENV{PYENV_ROOT} // (($ENV{HOME} // '') . '/.pyenv');
	for my $p (sort glob "$pyenv/versions/3.*/bin/python3") {
		push @found, $p if $p =~ m{/3\.(\d+)\.} && $1 >= 8 && $1 <= 14 && -x $p && !$seen{$1}++;
	}
	return @found;
}

sub slurp { my ($path) = @_; open my $in, '<', $path or return ''; local $/; return <$in> // '' }

# With setpriv as another user than root, too.
sub begin {
	my (@argv) = @_;
	my $dir = new_dir();
	chmod 0777, $dir;
	my $pid = fork // die;
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$dir/out";
		open STDERR, '>&', \*STDOUT;
		exec @argv, $program, $dir or POSIX::_exit(127);
	}
	my $r = { pid => $pid, dir => $dir, at => [(0) x 5] };
	wait_until(20, sub { -e "$dir/ready" || waitpid($pid, WNOHANG) == $pid });
	return undef if !-e "$dir/ready";
	$r->{tids} = [split ' ', slurp("$dir/ready")];
	return $r;
}

sub end {
	my ($r) = @_;
	kill KILL => $r->{pid};
	waitpid $r->{pid}, 0;
}

sub all_stopped {
	my ($pid) = @_;
	for my $t (glob "/proc/$pid/task/*") { return 0 if slurp("$t/stat") !~ /\) [Tt] / }
	return 1;
}

# Has the thread dumped something, and left its handler? That signal is blocked for as long as it runs.
sub handled {
	my ($r, $i) = @_;
	no warnings 'portable';
	return 0 if -s "$r->{dir}/$i" <= $r->{at}[$i];
	my ($blocked) = slurp("/proc/$r->{pid}/task/$r->{tids}[$i]/status") =~ /^SigBlk:\s+([0-9a-f]+)$/m or return 0;
	return !(hex($blocked) >> (40 + $i - 1) & 1);
}

# "File "x", line 12 in f" as "f x:12", innermost first. It shows 100 frames at most.
sub dumped {
	my ($text) = @_;
	my @frames;
	for (split /\n/, $text) {
		push @frames, "$3 $1:$2" if /^  File "(.*)", line (\d+|\?\?\?) in (.*)$/;
		push @frames, '...' if /^  (\.\.\.|<invalid frame>)$/; # 3.14's own reader ends at some frames
	}
	return @frames;
}

sub seen {
	my ($thread) = @_;
	my @frames;
	for my $f (grep { $_->{language} eq 'python' } @{$thread->{frames}}) {
		(my $name = $f->{function}) =~ s/.*\.//;
		push @frames, "$name $f->{file}:" . ($f->{line} // '???');
	}
	return @frames;
}

sub same {
	my ($dumped, $seen) = @_;
	my @d = map { s/^\S*\.(?=\S+ )//r } @$dumped;
	my @s = @$seen;
	my $cut = @d && $d[-1] eq '...';
	pop @d if $cut;
	splice @s, scalar @d if $cut || @d == 100;
	return join("\n", @d) eq join("\n", @s);
}

# One moment of one thread; counts into %$n.
sub moment {
	my ($r, $n, @as) = @_;
	sleep 0.002 + rand 0.02;
	kill STOP => $r->{pid};
	wait_until(5, sub { all_stopped($r->{pid}) }) or return;
	my $d = eval { $json->decode(scalar `@as @{[spec()]} inspect --json $r->{pid}`) };
	if (!$d) {
		$n->{unseen}++;
		kill CONT => $r->{pid};
		return;
	}
	$n->{stopped_still} += all_stopped($r->{pid});
	# One thread a moment: faulthandler dumps for one at a time, and not at all for a second.
	my $i = int rand 5;
	my $tid = $r->{tids}[$i];
	syscall $tgkill, $r->{pid}, $tid + 0, 40 + $i;
	kill CONT => $r->{pid};
	wait_until(20, sub { handled($r, $i) || ($r->{dead} = waitpid($r->{pid}, WNOHANG) == $r->{pid}) }) or return;
	return if $r->{dead};
	my ($thread) = grep { $_->{tid} == $tid } @{$d->{processes}[0]{threads}};
	my $text = slurp("$r->{dir}/$i");
	my @dumped = dumped(substr $text, $r->{at}[$i]);
	$r->{at}[$i] = length $text;
	my @seen = seen($thread);
	if (same(\@dumped, \@seen)) {
		$n->{equal}++;
		$n->{frames} += @seen;
		$n->{marked_equal}++ if $thread->{status} ne 'ok';
	} elsif ($thread->{status} ne 'ok') {
		$n->{marked}++;
		$n->{reason} //= $thread->{reason};
	} elsif (!$n->{wrong}++) {
		my $k = 0;
		$k++ while $k < @dumped && $k < @seen && same([$dumped[$k]], [$seen[$k]]);
		$n->{example} = sprintf "frame %d of %d and %d: faulthandler: %s, ours: %s", $k, scalar @dumped, scalar @seen,
			$dumped[$k] // 'none', $seen[$k] // 'none';
	}
	$n->{moments}++;
}

sub compare {
	my ($label, $wanted, $as, @argv) = @_;
	my %n = map { $_ => 0 } qw(moments equal marked marked_equal wrong unseen frames stopped_still);
	my $r = begin(@argv);
	if (!$r) {
		fail("$label: the program runs");
		return;
	}
	my $until = time + $seconds;
	for (1 .. $wanted) {
		last if time > $until;
		moment($r, \%n, @$as);
		next if !$r->{dead};
		# 3.13's faulthandler follows frames that it should not, and dies of it: dump_frame() in traceback.c.
		$n{crashed}++;
		$r = begin(@argv) or return fail("$label: the program runs");
	}
	end($r);
	note("$label: $n{moments} moments, $n{equal} stacks equal ($n{frames} frames), $n{marked} different and marked, " .
		"$n{wrong} different; $n{marked_equal} equal though marked" . ($n{crashed} ? "; faulthandler died $n{crashed} times" : ''));
	cmp_ok $n{moments}, '>', 0, "$label: was looked at";
	is $n{wrong}, 0, "$label: every stack that is not marked equals faulthandler's ($n{equal})" or diag $n{example};
	cmp_ok $n{marked}, '<=', $n{equal} / 100, "$label: next to none is marked" or diag $n{reason};
	is $n{stopped_still}, $n{moments} + ($n{crashed} // 0), "$label: a look leaves stopped what was stopped";
}

# A program whose every line calls one function, named by the way to it: "f01" is called by line 2 of "f0". A stack put
# together of two moments shows as a line that does not call what stands above it.
sub write_tree {
	my ($path) = @_;
	my ($text, @lines) = "import sys, threading, time\n";
	for my $depth (0 .. 6) {
		for my $k (0 .. 2 ** $depth - 1) {
			my $name = 'f' . ($depth ? sprintf "%0${depth}b", $k : '');
			$text .= "def $name():\n" . ($depth < 6 ? "    ${name}0()\n    ${name}1()\n" : "    return sum(range(9))\n");
		}
	}
	$text .= "def work():\n    while True:\n        f()\n" .
		# one that mostly sleeps: a stack that is whole whoever runs, so that finding none is never bad luck
		"def rest():\n    while True:\n        time.sleep(0.2)\nthreading.Thread(target=rest, daemon=True).start()\nfor i in range(3):\n    threading.Thread(target=work, daemon=True).start()\n" .
		"open(sys.argv[1] + '/ready', 'w').write('0')\nwork()\n";
	write_file($path, $text);
	return split /\n/, $text;
}

# Where a caller's line calls something else than what runs above it; '' nowhere.
sub torn_at {
	my ($thread, $path, @lines) = @_;
	my @f = grep { $_->{language} eq 'python' && ($_->{file} // '') eq $path } @{$thread->{frames}};
	for my $i (1 .. $#f) {
		my ($outer, $inner) = ($f[$i], $f[$i - 1]{function});
		my $line = $lines[($outer->{line} // 0) - 1] // '';
		return "$outer->{function} line " . ($outer->{line} // '?') . " ($line) below $inner" if $line !~ /\b\Q$inner\E\(\)/;
	}
	return @f || $thread->{status} ne 'ok' ? '' : 'no frames';
}

# While it runs: as it is, or where nobody may stop it for even a moment (it has a tracer already: this test).
sub running {
	my ($label, $python, $traced) = @_;
	my $path = new_dir() . '/tree.py';
	my @lines = write_tree($path);
	local $program = $path;
	my $r = begin(split ' ', $python) or return fail("$label: the program runs");
	my %n = map { $_ => 0 } qw(moments whole marked torn wrong);
	my ($wrong, $until) = ('', time + $seconds);
	if ($traced) {
		my %ptrace = (x86_64 => 101, aarch64 => 117); # 0x4206: PTRACE_SEIZE
		syscall $ptrace{ (POSIX::uname())[4] }, 0x4206, (m{(\d+)$})[0] + 0, 0, 0 for glob "/proc/$r->{pid}/task/*";
	}
	for (1 .. $moments) {
		last if time > $until;
		my $d = eval { $json->decode(scalar `@{[spec()]} inspect --json $r->{pid}`) } or next;
		for my $t (@{$d->{processes}[0]{threads}}) {
			my $torn = torn_at($t, $path, @lines);
			$n{ $t->{status} ne 'ok' ? 'marked' : $torn ? 'wrong' : 'whole' }++;
			$n{torn}++ if $torn;
			$wrong = $torn if $torn && $t->{status} eq 'ok';
		}
		$n{moments}++;
	}
	kill KILL => $r->{pid};
	1 while waitpid(-1, 0x40000000) > 0; # __WALL: who traces threads sees each of them end
	note("$label: $n{moments} moments, $n{whole} stacks whole, $n{marked} marked, $n{torn} torn, $n{wrong} torn and not marked");
	cmp_ok $n{moments}, '>', 0, "$label: was looked at";
	is $n{wrong}, 0, "$label: no torn stack without its mark" or diag $wrong;
	cmp_ok $n{whole}, '>', 0, "$label: some are whole";
}

plan skip_all => 'no tgkill is known here' unless $tgkill;
plan skip_all => 'no Python 3' unless pythons();
my $compared = 0;
for my $python (pythons()) {
	my ($v) = `$python -V 2>&1` =~ /(3\.\d+\.\d+)/;
	# The first two see most of it: the system's, and one more.
	compare("$python $v", $ENV{PYTHON_STACKS} || $compared++ < 2 ? $moments : $moments / 4, [], split ' ', $python);
}
running('running', (pythons())[0], 0);
running('running and not to be stopped', (pythons())[0], 1);
SKIP: {
	my @user = qw(setpriv --reuid=65534 --regid=65534 --clear-groups);
	my $python = (grep { m{^/usr/bin} } pythons())[0];
	skip 'not root, so all of it was as a plain user', 1 if $>;
	skip 'no system Python that every user may run', 1 unless $python;
	skip 'the program lies where another user may not look', 1
		if `@user @{[spec()]} inspect --json 1 2>&1` =~ /is not installed|denied\b.*exec/ || !-r $program ||
		system("@user test -r $program") != 0;
	compare("$python as a plain user", $moments, \@user, @user, $python);
}
done_testing;
