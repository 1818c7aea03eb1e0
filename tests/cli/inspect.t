#!/usr/bin/perl
# inspect.t - `inspect PID` over programs that hang, each with what must be found: the finding, the kind of wait,
# the line that waits ("AT name" in its source) and the line of who could end it ("HELD name").
# With ZOO_TABLE=FILE the table of what was found is written there (docs/ZOO.md).
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Cwd qw(abs_path);
use JSON::PP;
use POSIX qw(:sys_wait_h setsid);
use Test::More;
use Time::HiRes qw(sleep time);

my $dir = new_dir();
my $zoo = abs_path('tests/zoo/hang');
my $cc = $ENV{CC} // 'cc';
my (%program, %lines, @table);

sub which { my ($name) = @_; for (split /:/, $ENV{PATH}) { return "$_/$name" if -x "$_/$name" } return undef }

sub quietly { return system("@_ >/dev/null 2>&1") == 0 }

sub marks {
	my ($file) = @_;
	my $n = 0;
	for (split /\n/, read_file("$zoo/$file")) {
		$n++;
		while (/\b(AT|HELD) (\w+)/g) { push @{$lines{$2}{$1}}, "$file:$n" }
	}
}

sub pythons {
	my @found = grep { -x } '/usr/bin/python3';
	my %seen;
	my $pyenv = $ENV{PYENV_ROOT} // (($ENV{HOME} // '') . '/.pyenv');
	for my $p (sort glob "$pyenv/versions/3.*/bin/python3") {
		next unless $p =~ m{/3\.(\d+)\.} && $1 >= 8 && $1 <= 14;
		push @found, $p if -x $p && !$seen{$1}++;
	}
	return @found;
}

sub begin {
	my (@argv) = @_;
	pipe my $hold_read, my $hold_write or die;
	my $pid = fork // die;
	if (!$pid) {
		setsid();
		close $hold_write;
		open STDIN, '<&', $hold_read;
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		close $hold_read;
		exec @argv or POSIX::_exit(127);
	}
	close $hold_read;
	return { pid => $pid, keep => $hold_write };
}

sub end {
	my ($r) = @_;
	kill KILL => -$r->{pid};
	waitpid $r->{pid}, 0;
}

sub inspect {
	my (@words) = @_;
	open my $out, '-|', spec(), 'inspect', @words or die;
	local $/;
	my $text = <$out>;
	close $out;
	return $text;
}

sub at_line {
	my ($place, $wanted) = @_;
	return 0 unless $place->{file} && $place->{line};
	(my $base = $place->{file}) =~ s{.*/}{};
	return grep { $_ eq "$base:$place->{line}" } @$wanted;
}

# What is wrong with a diagnosis; '' where all is as it must be.
sub wrong {
	my ($d, $a) = @_;
	my ($name, undef, $pattern, $kind) = @$a;
	my $first = $d->{roots}[0]{pattern_id} // 'nothing';
	return "finding $first" if $first ne $pattern;
	my ($at, $held) = @{$lines{$name}}{qw(AT HELD)};
	my @threads = map { @{$_->{threads}} } @{$d->{processes}};
	my @waiting = grep { ($_->{waits_on}{kind} // 'none') eq $kind } @threads;
	return 'kinds ' . join ' ', map { $_->{waits_on}{kind} // 'none' } @threads unless @waiting;
	if ($at) {
		@waiting = grep { my $t = $_; grep { at_line($_, $at) } @{$t->{frames}} } @waiting;
		return "no such wait at @$at" unless @waiting;
	}
	if ($held) {
		return "no holder at @$held" unless grep { my $t = $_; grep { at_line($_, $held) } @{$t->{waits_on}{holders}} } @waiting;
	}
	return '';
}

sub check {
	my ($a, $label, @argv) = @_;
	my $r = begin(@argv);
	my $until = time + 8 * slow_factor();
	my ($wrong, $d) = ('nothing looked at');
	while ($wrong && time < $until) {
		sleep 0.15;
		my $text = inspect('--json', $r->{pid});
		$d = eval { decode_json($text) };
		$wrong = $d ? wrong($d, $a) : 'no JSON';
	}
	is $wrong, '', "$label: $a->[2], waits on $a->[3]" or diag inspect($r->{pid});
	push @table, [$label, $a->[2], $a->[3], $d->{roots}[0]{location} // '', $wrong || 'found'];
	end($r);
}

my @c = (
	[mutex_abba => 'c', 'hang.deadlock.locks', 'mutex'],
	[mutex_self => 'c', 'hang.deadlock.locks', 'mutex'],
	[mutex_held => 'c', 'hang.lock.held', 'mutex'],
	[mutex_shared => 'c', 'hang.lock.held', 'mutex'],
	[rwlock_writer => 'c', 'hang.lock.held', 'rwlock'],
	[rwlock_reader => 'c', 'hang.wait.sync', 'rwlock'],
	[cond_wait => 'c', 'hang.wait.sync', 'condition'],
	[sem_never => 'c', 'hang.wait.sync', 'semaphore'],
	[join => 'c', 'hang.sleep', 'futex'],
	[barrier_alone => 'c', 'hang.wait.sync', 'condition'],
	[futex_raw => 'c', 'hang.wait.sync', 'futex'],
	[pipe_child => 'c', 'hang.sleep', 'pipe_read'],
	[pipe_full => 'c', 'hang.sleep', 'pipe_write'],
	[pipe_abba => 'c', 'hang.deadlock.processes', 'pipe_read'],
	[pipe_self => 'c', 'hang.deadlock.processes', 'pipe_read'],
	[fifo => 'c', 'hang.sleep', 'pipe_read'],
	[unix_recv => 'c', 'hang.sleep', 'socket_recv'],
	[tcp_recv => 'c', 'hang.sleep', 'socket_recv'],
	[tcp_accept => 'c', 'hang.net.accept', 'accept'],
	[tcp_connect => 'c', 'hang.net.connect', 'connect'],
	[unix_accept => 'c', 'hang.net.accept', 'accept'],
	[wait_child => 'c', 'hang.sleep', 'child'],
	[wait_any => 'c', 'hang.sleep', 'child'],
	[file_flock => 'c', 'hang.lock.file', 'file_lock'],
	[file_fcntl => 'c', 'hang.lock.file', 'file_lock'],
	[file_ofd => 'c', 'hang.lock.file', 'file_lock'],
	[poll_pipe => 'c', 'hang.sleep', 'poll'],
	[select_pipe => 'c', 'hang.sleep', 'poll'],
	[epoll_pipe => 'c', 'hang.sleep', 'poll'],
	[long_sleep => 'c', 'hang.sleep', 'sleep'],
	[sig_pause => 'c', 'hang.wait.event', 'signal'],
	[sig_wait => 'c', 'hang.wait.event', 'signal'],
	[sig_fd => 'c', 'hang.wait.event', 'signal'],
	[event_fd => 'c', 'hang.wait.event', 'eventfd'],
	[timer_fd => 'c', 'hang.sleep', 'sleep'],
	[notify_fd => 'c', 'hang.wait.event', 'poll'],
	[sysv_sem => 'c', 'hang.wait.sync', 'semaphore'],
	[spin => 'c', 'hang.spin', 'none'],
	[stopped => 'c', 'hang.stopped', 'stopped'],
	[zombie => 'c', 'hang.sleep', 'sleep'],
	[main_gone => 'c', 'hang.exit.threads', 'sleep'],
	[tty => 'c', 'hang.input.terminal', 'tty'],
	[from_stdin => 'c', 'hang.input.stdin', 'stdin'],
	[chain => 'c', 'hang.sleep', 'child'],
	[in_handler => 'c', 'hang.sleep', 'sleep'],
);
my @cpp = (
	[cpp_abba => 'cpp', 'hang.deadlock.locks', 'mutex'],
	[cpp_condition => 'cpp', 'hang.wait.sync', 'condition'],
	[cpp_future => 'cpp', 'hang.wait.sync', 'futex'],
);
my @rs = (
	[rs_channel => 'rs', 'hang.wait.sync', 'futex'],
	[rs_mutex => 'rs', 'hang.sleep', 'mutex'],
	[rs_condvar => 'rs', 'hang.wait.sync', 'condition'],
);
my @py = (
	[py_abba => 'py', 'hang.deadlock.locks', 'mutex'],
	[py_rlock => 'py', 'hang.lock.held', 'mutex'],
	[py_event => 'py', 'hang.wait.sync', 'condition'],
	[py_queue => 'py', 'hang.wait.sync', 'condition'],
	[py_join => 'py', 'hang.sleep', 'futex'],
	[py_exit => 'py', 'hang.exit.threads', 'sleep'],
	[py_child => 'py', 'hang.sleep', 'child'],
	[py_communicate => 'py', 'hang.sleep', 'pipe_read'],
	[py_accept => 'py', 'hang.net.accept', 'accept'],
	[py_input => 'py', 'hang.input.stdin', 'stdin'],
	[py_sleep => 'py', 'hang.sleep', 'sleep'],
	[py_select => 'py', 'hang.wait.event', 'poll'],
	[py_spin => 'py', 'hang.spin', 'none'],
	[py_gil => 'py', 'hang.python.gil', 'gil'],
);
my @pl = (
	[pl_sleep => 'pl', 'hang.sleep', 'sleep'],
	[pl_wait => 'pl', 'hang.sleep', 'child'],
	[pl_pipe => 'pl', 'hang.sleep', 'pipe_read'],
	[pl_select => 'pl', 'hang.sleep', 'sleep'],
	[pl_stdin => 'pl', 'hang.input.stdin', 'stdin'],
);
my @sh = (
	[sh_child => 'sh', 'hang.sleep', 'child'],
	[sh_pipe => 'sh', 'hang.sleep', 'child'],
	[sh_wait => 'sh', 'hang.sleep', 'child'],
	[sh_read => 'sh', 'hang.input.stdin', 'stdin'],
);

marks($_) for qw(hang_c.c hang_cpp.cc hang_rs.rs hang.py);
ok quietly("$cc -g -O1 -D_GNU_SOURCE $zoo/hang_c.c -o $dir/hang_c -lpthread"), 'the C animals are built' or BAIL_OUT('no compiler');
my $only = $ENV{ZOO_ONLY} // '.';
for my $a (grep { $_->[0] =~ /$only/ } @c) { check($a, $a->[0], "$dir/hang_c", $a->[0]) }
SKIP: {
	skip 'no C++ compiler', 1 unless which('c++') && quietly("c++ -g -O1 $zoo/hang_cpp.cc -o $dir/hang_cpp -lpthread");
	for my $a (grep { $_->[0] =~ /$only/ } @cpp) { check($a, $a->[0], "$dir/hang_cpp", $a->[0]) }
}
SKIP: {
	skip 'no Rust compiler', 1 unless which('rustc') && quietly("rustc -g $zoo/hang_rs.rs -o $dir/hang_rs");
	for my $a (grep { $_->[0] =~ /$only/ } @rs) { check($a, $a->[0], "$dir/hang_rs", $a->[0]) }
}
for my $python (pythons()) {
	my ($v) = `$python -V 2>&1` =~ /(3\.\d+)/;
	for my $a (grep { $_->[0] =~ /$only/ } @py) { check($a, "$a->[0] ($v)", $python, "$zoo/hang.py", $a->[0]) }
}
for my $a (grep { $_->[0] =~ /$only/ } @pl) { check($a, $a->[0], '/usr/bin/perl', "$zoo/hang.pl", $a->[0]) }
for my $a (grep { $_->[0] =~ /$only/ } @sh) {
	check($a, "$a->[0] ($_)", $_, "$zoo/hang.sh", $a->[0]) for grep { -x } '/bin/sh', '/bin/bash';
}

# Words and denial.
is system(spec() . ' inspect >/dev/null 2>&1') >> 8, 2, 'no process: a usage error';
is system(spec() . ' inspect 12x >/dev/null 2>&1') >> 8, 2, 'no number: a usage error';
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

if ($ENV{ZOO_TABLE}) {
	my $out = "# The zoo of hanging programs\n\nEach program of tests/zoo/hang hangs in one way. `tests/cli/inspect.t` " .
		"looks at it with `inspect PID` and writes this table\n(`ZOO_TABLE=docs/ZOO.md make check T=tests/cli/inspect.t`).\n\n" .
		"| animal | expected finding | expected wait | place found | result |\n|---|---|---|---|---|\n";
	for (@table) {
		my @row = @$_;
		$row[3] =~ s{\S*/}{}g;
		$out .= '| ' . join(' | ', @row) . " |\n";
	}
	write_file($ENV{ZOO_TABLE}, $out);
}
done_testing;
