#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# stack_race.pl [--into FILE] [--small] [NAME...] - stacks of real programs that are blocked as usual, against eu-stack
# and gdb: frame counts, names, and time. One Markdown table; exit 1 where a row is beyond its bounds.
#
# Ours is what a run records: the collectors "snapshot" and "native" (copy, unwinding, names) of `inspect --json`, of the
# whole tree; so are the others' times the sum over its processes. Taken alternately, warm, the best of each. The
# others count by their CPU time, which a busy machine does not lengthen; ours by the clock. A program that is not installed has no row. Needs eu-stack; gdb where it is there.
#
#   RACE_RUNS (9)   how often each is measured
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP;
use List::Util qw(min);
use POSIX qw(:sys_wait_h);
use Pty;
use Time::HiRes qw(time sleep);

my $spec = $ENV{SPEC_RUNNER} // "$FindBin::Bin/../../spec-runner";
my $runs = $ENV{RACE_RUNS} // 9;
my $dir = tempdir('/tmp/stack-race.XXXXXX', CLEANUP => 0);
chmod 0755, $dir;
my (@started, @ptys);

# Ends what was started, whole groups, and removes the folder.
sub finish {
	for my $pid (@started) { kill 'KILL', -$pid, $pid }
	for my $pid (@started) { waitpid $pid, 0 }
	@started = ();
	$_->close_all for @ptys;
	@ptys = ();
	remove_tree($dir) if -d $dir;
}
END { my $code = $?; finish(); $? = $code }
$SIG{$_} = sub { exit 1 } for qw(INT TERM);

sub port {
	my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0) or die "port: $!";
	return $s->sockport;
}

sub text { my ($name, $text) = @_; open my $o, '>', "$dir/$name" or die; print $o $text; close $o; return "$dir/$name" }

# A daemon or filter in a group of its own, its input a pipe that stays open.
sub start {
	my ($argv, %o) = @_;
	pipe my $r, my $w or die;
	my $pid = fork() // die;
	if (!$pid) {
		setpgrp;
		open STDIN, '<&', $r;
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', "$dir/stderr";
		close $w;
		chdir $dir;
		$ENV{HOME} = $dir;
		$ENV{LC_ALL} = 'C';
		if ($o{user} && $> == 0) {
			my ($uid, $gid) = (getpwnam $o{user})[2, 3];
			POSIX::setgid($gid);
			POSIX::setuid($uid);
		}
		exec { $argv->[0] } @$argv or POSIX::_exit(127);
	}
	close $r;
	push @started, $pid;
	fcntl $w, 2, 1;
	push @ptys, bless { w => $w }, 'Held';
	return $pid;
}
sub Held::close_all { close $_[0]{w} }

# A program that wants a terminal.
sub on_terminal {
	my @argv = @_;
	my $p = Pty->new([@argv], dir => $dir, env => { TERM => 'xterm', HOME => $dir, LC_ALL => 'C' });
	push @ptys, $p;
	push @started, $p->{pid};
	my $until = time + 2;
	$p->slurp(0.1) while time < $until;
	return $p->{pid};
}

sub folder { my ($name, $user) = @_; mkdir "$dir/$name"; chown((getpwnam $user)[2, 3], "$dir/$name") if $user && $> == 0; return "$dir/$name" }

sub quiet { my $user = shift; my $pid = fork() // die; if (!$pid) { open STDOUT, '>', '/dev/null'; open STDERR, '>', '/dev/null'; chdir $dir;
	if ($user && $> == 0) { my ($u, $g) = (getpwnam $user)[2, 3]; POSIX::setgid($g); POSIX::setuid($u) } exec @_ or POSIX::_exit(127) } waitpid $pid, 0; return $? == 0 }

# The process and its descendants: `inspect` looks at all of them.
sub tree {
	my ($pid) = @_;
	my @children;
	for my $list (glob "/proc/$pid/task/*/children") { open my $in, '<', $list or next; push @children, split ' ', <$in> // '' }
	return ($pid, map { tree($_) } @children);
}

my ($pg) = reverse sort glob '/usr/lib/postgresql/*/bin';
my $php = (glob '/usr/bin/php8*')[0] // '/usr/bin/php';
my $lua = (glob '/usr/bin/lua5.4 /usr/bin/lua5.3')[0];
my $long = text('long.txt', join '', map { "line $_\n" } 1 .. 500);

# name, program that must be there, how to start it
my @programs = (
	[ 'bash', '/bin/bash', sub { start(['/bin/bash', '-c', 'f() { read -r x; }; g() { f; }; g']) } ],
	[ 'python3', '/usr/bin/python3', sub { start(['/usr/bin/python3', '-c', "import threading\ndef f(n):\n    return f(n - 1) if n else threading.Event().wait()\nthreading.Thread(target=f, args=(9,)).start()\nf(5)"]) } ],
	[ 'perl', '/usr/bin/perl', sub { start(['/usr/bin/perl', '-e', 'sub f { sleep 1000 } sub g { f() } my @s = sort { g() } 1, 2']) } ],
	[ 'cat', '/bin/cat', sub { start(['/bin/cat']) } ],
	[ 'sleep', '/bin/sleep', sub { start(['/bin/sleep', '1000']) } ],
	[ 'node', '/usr/bin/node', sub { start(['/usr/bin/node', '-e', "require('http').createServer(() => {}).listen(0, '127.0.0.1')"]) } ],
	[ 'java', '/usr/bin/java', sub { start(['/usr/bin/java', '-Djava.rmi.server.hostname=127.0.0.1', '-m', 'java.rmi/sun.rmi.registry.RegistryImpl', port()]) } ],
	[ 'git', '/usr/bin/git', sub { quiet(undef, 'git', 'init', '-q', "$dir/repo"); start(['/usr/bin/git', '-C', "$dir/repo", 'cat-file', '--batch']) } ],
	[ 'postgres', $pg && "$pg/postgres", sub { folder('pg', 'postgres'); quiet('postgres', "$pg/initdb", '-D', "$dir/pg", '-A', 'trust', '-N') or return;
		start(["$pg/postgres", '-c', 'dynamic_shared_memory_type=mmap', '-D', "$dir/pg", '-k', "$dir/pg", '-h', '', '-p', port()], user => 'postgres') } ],
	[ 'redis-server', '/usr/bin/redis-server', sub { start(['/usr/bin/redis-server', '--bind', '127.0.0.1', '--port', port(), '--save', '']) } ],
	[ 'nginx', '/usr/sbin/nginx', sub { my $conf = text('nginx.conf', "daemon off; master_process off; pid $dir/nginx.pid; error_log $dir/nginx.log;\nevents {}\n" .
		"http { access_log off; server { listen 127.0.0.1:" . port() . "; } }\n"); start(['/usr/sbin/nginx', '-p', $dir, '-c', $conf]) } ],
	[ 'sshd', '/usr/sbin/sshd', sub { quiet(undef, 'ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', "$dir/hostkey"); mkdir '/run/sshd', 0755 if $> == 0;
		start(['/usr/sbin/sshd', '-D', '-f', '/dev/null', '-h', "$dir/hostkey", '-o', 'ListenAddress=127.0.0.1', '-o', 'PidFile=none', '-p', port()]) } ],
	[ 'vim', '/usr/bin/vim', sub { on_terminal('/usr/bin/vim', '-u', 'NONE', $long) } ],
	[ 'less', '/usr/bin/less', sub { on_terminal('/usr/bin/less', $long) } ],
	[ 'tmux', '/usr/bin/tmux', sub { on_terminal('/usr/bin/tmux', '-D', '-S', "$dir/tmux") } ],
	[ 'ruby', '/usr/bin/ruby', sub { start(['/usr/bin/ruby', '-e', 'def f; Queue.new.pop; end; Thread.new { sleep }; Thread.new { f }; sleep']) } ],
	[ 'php', $php, sub { start([$php, '-r', 'function f() { fgets(STDIN); } f();']) } ],
	[ 'lua', $lua, sub { start([$lua, '-e', 'function f() return io.read() .. "" end f()']) } ],
	[ 'sqlite3', '/usr/bin/sqlite3', sub { start(['/usr/bin/sqlite3']) } ],
	[ 'gdb', '/usr/bin/gdb', sub { on_terminal('/usr/bin/gdb', '-nx', '-q') } ],
	[ 'emacs', '/usr/bin/emacs', sub { on_terminal('/usr/bin/emacs', '-Q', '-nw', $long) } ],
	[ 'nano', '/bin/nano', sub { on_terminal('/bin/nano', $long) } ],
	[ 'mariadbd', '/usr/sbin/mariadbd', sub { folder('my', 'mysql'); quiet('mysql', 'mariadb-install-db', "--datadir=$dir/my", '--skip-test-db') or return;
		start(['/usr/sbin/mariadbd', '--no-defaults', "--datadir=$dir/my", '--skip-networking', "--socket=$dir/my/s", "--pid-file=$dir/my/p"], user => 'mysql') } ],
	[ 'memcached', '/usr/bin/memcached', sub { start(['/usr/bin/memcached', '-u', 'nobody', '-l', '127.0.0.1', '-p', port()]) } ],
	[ 'dbus-daemon', '/usr/bin/dbus-daemon', sub { start(['/usr/bin/dbus-daemon', '--session', '--nofork', '--nopidfile', "--address=unix:path=$dir/bus"]) } ],
	[ 'tail -f', '/usr/bin/tail', sub { start(['/usr/bin/tail', '-f', $long]) } ],
	[ 'make', '/usr/bin/make', sub { text('Makefile', "all:\n\t\@sleep 1000\n"); start(['/usr/bin/make', '-C', $dir]) } ],
	[ 'top', '/usr/bin/top', sub { on_terminal('/usr/bin/top', '-d', '1000') } ],
);

# Output, ms by the clock, and ms on a CPU: of a busy machine only the latter says what a program costs.
sub output {
	my @argv = @_;
	my $began = time;
	my $pid = open(my $in, '-|') // die;
	if (!$pid) { open STDERR, '>', '/dev/null'; delete $ENV{DEBUGINFOD_URLS}; exec { $argv[0] } @argv or POSIX::_exit(127) }
	local $/;
	my $text = <$in> // '';
	my $wall = 1e3 * (time - $began);
	my ($cpu, $state) = (0, '');
	for (1 .. 1000) { # its account is closed when it has ended, and gone when it was waited for
		open my $stat, '<', "/proc/$pid/stat" or last;
		$state = (<$stat> // '') =~ /\) Z/ ? 'Z' : '';
		open my $account, '<', "/proc/$pid/schedstat" or last;
		$cpu = (split ' ', <$account> // '')[0] / 1e6;
		last if $state eq 'Z';
		sleep 0.001;
	}
	close $in;
	return ($text, $wall, $cpu);
}

# {tid => [names]}
sub eu_frames {
	my ($text) = @_;
	my ($tid, %t);
	for (split /\n/, $text) {
		if (/^TID (\d+):/) { $t{$tid = $1} = [] }
		elsif (/^#\d+\s+0x[0-9a-f]+(?:\s+(?:- \d+\s+)?(\S.*))?$/) { push @{ $t{$tid} }, $1 // '' }
	}
	return \%t;
}

# Python's frames stand in the place of the interpreter's own evaluating frames, a script's functions in that of all the
# interpreter's frames: how many these were is then no matter.
sub our_frames {
	my ($json, $pid) = @_;
	my %t;
	my ($p) = grep { $_->{pid} == $pid } @{ $json->{processes} } or return {};
	for my $thread (@{ $p->{threads} }) {
		my @names;
		for (@{ $thread->{frames} }) {
			next if $_->{inlined};
			push @names, $_->{language} eq 'native' ? $_->{function} // '' : $_->{language} eq 'python' ? '<python>' : '<script>';
		}
		$t{ $thread->{tid} } = { names => \@names, status => $thread->{status}, reason => $thread->{reason}, intrusion => $thread->{intrusion} };
	}
	return \%t;
}

sub bare { my ($n) = @_; $n =~ s/@.*//; $n =~ s/\(.*//; $n =~ s/^_+//; $n =~ s/^(libc|GI)_+//; return $n }

# Two programs may choose another of several names of one address: only a missing one counts against us.
sub compare {
	my ($eu, $ours) = @_;
	my %r = (eu => 0, ours => 0, same => 0, other => 0, unnamed => 0, fewer => 0, threads => scalar keys %$eu);
	for my $tid (sort keys %$eu) {
		my @e = @{ $eu->{$tid} };
		my @o = @{ ($ours->{$tid} // { names => [] })->{names} };
		$r{eu} += @e;
		$r{ours} += @o;
		my $short = @o < @e && !grep { $_ eq '<script>' } @o;
		$r{fewer}++ if $short;
		print STDERR "# thread $tid: $#o+1 < $#e+1: $ours->{$tid}{reason}\n#   eu @e\n#   we @o\n" if $ENV{RACE_VERBOSE} && $short;
		for my $i (0 .. $#e) {
			my $o = $o[$i] // last;
			last if $o =~ /^<(python|script)>$/; # from here on the two do not stand side by side
			next if $e[$i] eq '';
			if ($o eq '') { $r{unnamed}++; print STDERR "# unnamed: $e[$i]\n" if $ENV{RACE_VERBOSE}; }
			elsif (bare($o) eq bare($e[$i])) { $r{same}++ }
			else { $r{other}++; print STDERR "# other: $e[$i]  ours $o\n" if $ENV{RACE_VERBOSE}; }
		}
	}
	return \%r;
}

sub collector { my ($json, @names) = @_; my $sum = 0; for my $c (@{ $json->{collectors} }) { $sum += $c->{duration_ms} if grep { $c->{name} eq $_ } @names } return $sum }

sub race {
	my ($name, $pid, $gdb) = @_;
	my (@eu, @eu_wall, @gdb, @recorded, @inspect, $r);
	my @tree = tree($pid);
	output($spec, 'inspect', '--json', $pid), output('eu-stack', '-p', $pid) for 1 .. 2;
	for my $i (1 .. $runs) {
		my ($all, $sum, $wall, %ours) = ('', 0, 0);
		for my $p (@tree) {
			my ($text, $ms, $cpu) = output('eu-stack', '-p', $p);
			$all .= $text;
			$wall += $ms;
			$sum += $cpu;
		}
		push @eu, $sum;
		push @eu_wall, $wall;
		my ($answer, $ms) = output($spec, 'inspect', '--json', $pid);
		push @inspect, $ms;
		my $json = eval { decode_json($answer) } or die "$name: no JSON from inspect: $@";
		push @recorded, collector($json, 'snapshot', 'native');
		%ours = (%ours, %{ our_frames($json, $_) }) for @tree;
		my $now = compare(eu_frames($all), \%ours);
		# A thread may run between the two: the better of all looks counts for both sides.
		$r = $now if !$r || $now->{fewer} < $r->{fewer} || ($now->{fewer} == $r->{fewer} && $now->{unnamed} < $r->{unnamed});
	}
	if ($gdb) {
		for (1 .. 3) {
			my $sum = 0;
			for my $p (@tree) { my @r = output('gdb', '-nx', '-batch', '-p', $p, '-ex', 'thread apply all bt'); $sum += $r[2] }
			push @gdb, $sum;
		}
	}
	return { %$r, eu_ms => min(@eu), eu_wall => min(@eu_wall), gdb_ms => $gdb ? min(@gdb) : undef, recorded => min(@recorded), inspect => min(@inspect) };
}

# The whole tree has computed nothing for a while, and nobody has come or gone.
sub settled {
	my ($pid) = @_;
	my ($quiet, $last, $until) = (0, '', time + 30);
	while (time < $until && $quiet < 5) {
		sleep 0.15;
		my ($now, $blocked) = ('', 1);
		for my $p (tree($pid)) {
			open my $in, '<', "/proc/$p/stat" or next;
			my @f = split ' ', (<$in> =~ s/.*\) //r);
			return 0 if $f[0] eq 'Z' && $p == $pid;
			$blocked = 0 if $f[0] !~ /[SD]/;
			$now .= "$p " . ($f[11] + $f[12]) . ' ';
		}
		$quiet = $blocked && $now eq $last ? $quiet + 1 : 0;
		$last = $now;
	}
	return 1;
}

my ($into, $small, %only);
while (@ARGV) {
	my $a = shift;
	if ($a eq '--into') { $into = shift } elsif ($a eq '--small') { $small = 1 } else { $only{$a} = 1 }
}
grep { -x "$_/eu-stack" } split /:/, $ENV{PATH} or do { print "no eu-stack here\n"; exit 77 };
my $gdb = !$small && grep { -x "$_/gdb" } split /:/, $ENV{PATH};
my ($bad, $count, @rows) = (0, 0);
for my $p (@programs) {
	my ($name, $needs, $starter) = @$p;
	next if %only && !$only{$name};
	next if $small && $name !~ /^(bash|python3|perl|cat|sleep)$/;
	next unless $needs && -x $needs;
	my $pid = $starter->();
	if (!$pid || !settled($pid)) { print STDERR "# $name did not start\n"; $bad = 1 if %only; finish_one($pid); next }
	my $r = race($name, $pid, $gdb);
	my @why;
	push @why, "fewer frames in $r->{fewer} threads" if $r->{fewer};
	push @why, "$r->{unnamed} without a name" if $r->{unnamed};
	push @why, 'recorded' if !$small && $r->{recorded} > $r->{eu_ms} / 5;
	push @why, 'gdb' if defined $r->{gdb_ms} && $r->{recorded} > $r->{gdb_ms} / 50;
	push @why, 'inspect' if !$small && $r->{inspect} > $r->{eu_wall};
	$bad = 1 if @why;
	$count++;
	push @rows, sprintf '| %s | %d | %d | %d | %d, %d | %.2f | %.1f | %s | %s | %s | %.1f | %.1f | %s |', $name, $r->{threads}, $r->{eu}, $r->{ours}, $r->{same}, $r->{other},
		$r->{recorded}, $r->{eu_ms}, defined $r->{gdb_ms} ? sprintf('%.0f', $r->{gdb_ms}) : '', sprintf('1/%.1f', $r->{eu_ms} / $r->{recorded}),
		defined $r->{gdb_ms} ? sprintf('1/%.0f', $r->{gdb_ms} / $r->{recorded}) : '', $r->{inspect}, $r->{eu_wall}, @why ? join(', ', @why) : 'ok';
	print "$rows[-1]\n";
	finish_one($pid);
}

sub finish_one {
	my ($pid) = @_;
	return unless $pid;
	kill 'KILL', -$pid, $pid;
	waitpid $pid, 0;
	@started = grep { $_ != $pid } @started;
}

if ($into) {
	open my $in, '<', $into or die "$into: $!";
	my $text = do { local $/; <$in> };
	my $table = join "\n", '| program | threads | frames of eu-stack | ours | names equal, other alias | recorded ms | eu-stack CPU ms | gdb CPU ms | of eu-stack | of gdb | inspect ms | eu-stack ms | |',
		'|---|---|---|---|---|---|---|---|---|---|---|---|---|', @rows;
	$text =~ s/(<!-- race -->\n).*?(<!-- end of race -->)/$1$table\n$2/s or die "$into has no place for the table";
	open my $out, '>', $into or die "$into: $!";
	print $out $text;
	close $out;
}
print "# $count programs\n";
exit $bad;
