#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# languages_rights.t - what is still seen of a program in each language by one who may do less: a plain user of his own program, where ptrace is
# refused (a sandbox, an old container), from outside of a container, without CAP_SYS_PTRACE, and by another user. With
# LANGUAGES_TABLE=docs/LANGUAGES.md it writes the table there.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Zoo qw(quietly);
use Cwd qw(abs_path);
use JSON::PP;
use POSIX qw(setsid);
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'not root: nobody else can be' if $>;
my $build = $ENV{TEST_BUILD} // abs_path('.artifacts/build');
my $zoo = abs_path('tests/zoo/hang');
my @user = qw(setpriv --reuid=65534 --regid=65534 --clear-groups);
plan skip_all => 'the programs lie where a plain user may not look' if system("@user test -r $zoo/hang.rb -a -x @{[spec()]} 2>/dev/null");
my @container = qw(unshare -pm --propagation private --fork --mount-proc);
my $dir = new_dir();
chmod 0755, $dir, $ENV{TMPDIR} // ();

sub which { my ($name) = @_; for (split /:/, $ENV{PATH}) { return "$_/$name" if -x "$_/$name" } return undef }

# language => [program, its arguments, file that holds the mark, mark, kind of the wait]
my %languages = (
	C => ["$dir/hang_c", ['mutex_held'], 'hang_c.c', 'mutex_held', 'mutex'],
	Python => ['/usr/bin/python3', ["$zoo/hang.py", 'py_queue'], 'hang.py', 'py_queue', 'condition|semaphore|mutex|futex|lock'],
	Go => ["$dir/hang_go", ['go_mutex'], 'hang.go', 'go_mutex', 'mutex'],
	JavaScript => [which('node'), ["$zoo/hang.js", 'js_child_sync'], 'hang.js', 'js_child_sync', 'child'],
	Ruby => [which('ruby'), ["$zoo/hang.rb", 'rb_mutex'], 'hang.rb', 'rb_mutex', 'mutex'],
	Java => [which('java'), ['-XX:TieredStopAtLevel=1', '-cp', "$dir/classes", 'Hang', 'java_lock'], 'Hang.java', 'java_lock', 'mutex'],
	PHP => [which('php'), ["$zoo/hang.php", 'php_method'], 'hang.php', 'php_method', 'sleep'],
	Perl => ['/usr/bin/perl', ["$zoo/hang.pl", 'pl_method'], 'hang.pl', 'pl_method', 'sleep'],
	bash => ['/bin/bash', ["$zoo/dash.sh", 'dash_lines'], 'dash.sh', 'dash_lines', 'child'],
	dash => ['/bin/dash', ["$zoo/dash.sh", 'dash_lines'], 'dash.sh', 'dash_lines', 'child'],
);
# title, how the program is started, how it is looked at, what must be seen: the line, or nothing but its threads
my @cases = (
	['a plain user, his own program', [@user], [@user], 'line'],
	['root, ptrace and process_vm_readv refused', [], ["$build/tests/lib/refuse", 'EPERM', 'ptrace', "$build/tests/lib/refuse", 'EPERM', 'process_vm_readv'], 'line'],
	['root, from outside of a container (mount and PID namespace)', [@container], [], 'line'],
	['root without CAP_SYS_PTRACE, a program that has it', [], ['/usr/bin/setpriv', '--bounding-set=-sys_ptrace', '--inh-caps=-sys_ptrace'], 'threads'],
	['another user', [], [@user], 'threads'],
);

sub marks {
	my ($file, $mark) = @_;
	my $n = 0;
	return map { $n++; /\bAT $mark\b/ ? "$file:$n" : () } split /\n/, read_file("$zoo/$file");
}

sub begin {
	my (@argv) = @_;
	my $pid = fork // die;
	if (!$pid) {
		setsid();
		chdir '/';
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		exec @argv or POSIX::_exit(127);
	}
	return $pid;
}

# The process itself, below what made its container.
sub inner {
	my ($pid, $container) = @_;
	return $pid unless $container;
	my ($child) = split ' ', read_file("/proc/$pid/task/$pid/children") // '';
	return $child;
}

# 'line' where the user's line is seen, with 'wait' the kind of its wait, else 'threads'; and why no more.
sub seen {
	my ($d, $file, $mark, $kind) = @_;
	my %at = map { $_ => 1 } marks($file, $mark);
	my ($line, $wait, @why);
	my ($p) = @{ $d->{processes} // [] } or return ('', 'nothing');
	for my $t (@{ $p->{threads} }, @{ $p->{tasks} // [] }) {
		$line ||= grep { ($_->{file} // '') =~ m{([^/]+)$} && $at{"$1:" . ($_->{line} // 0)} } @{ $t->{frames} };
		$wait ||= ($t->{waits_on}{kind} // '') =~ /^(?:$kind)$/;
		push @why, $t->{reason} if $t->{reason};
	}
	push @why, map { "$_->{name}: $_->{reason}" } grep { $_->{reason} } @{ $d->{collectors} // [] };
	return ('line' . ($wait ? ' and wait' : ''), '') if $line;
	return (@{ $p->{threads} } ? 'threads' . ($wait ? ' and wait' : '') : '', $why[0] // '');
}

my @names;
{
	local $ENV{GOCACHE} = "$dir/go-cache";
	local $ENV{GOFLAGS} = '';
	quietly("go build -o $dir/hang_go $zoo/hang.go && chmod 755 $dir/hang_go && rm -rf $dir/go-cache") if which('go');
	quietly("cc -g -O1 -D_GNU_SOURCE $zoo/hang_c.c -o $dir/hang_c -lpthread");
	quietly("javac -d $dir/classes $zoo/Hang.java && chmod -R a+rX $dir/classes") if which('javac');
}
@names = grep { $languages{$_}[0] && -x $languages{$_}[0] && ($_ ne 'Java' || -d "$dir/classes") } sort { lc $a cmp lc $b } keys %languages;
my %table;
for my $case (@cases) {
	my ($title, $starts, $looks, $must) = @$case;
	my $contained = grep { $_ eq 'unshare' } @$starts;
	SKIP: {
		skip "$title: not to be had here", scalar @names if (@$starts && system("@$starts /bin/true 2>/dev/null")) || (@$looks && system("@$looks /bin/true 2>/dev/null"));
		my %pid = map { $_ => begin(@$starts, $languages{$_}[0], @{ $languages{$_}[1] }) } @names;
		my %got;
		for (my $until = time + 4 * slow_factor(); time < $until && keys %got < @names; sleep 0.2) {
			for my $name (grep { !$got{$_} } @names) {
				my $pid = inner($pid{$name}, $contained) or next;
				my $level = $name eq 'Java' ? 2 : 1;
				my $text = qx{@$looks @{[spec()]} inspect --intrusion $level --json $pid 2>/dev/null};
				my ($what, $why) = seen(eval { decode_json($text) } // {}, @{ $languages{$name} }[2 .. 4]);
				$table{$name}{$title} = [$what, $why];
				$got{$name} = 1 if $what eq 'line and wait';
			}
			last if $must eq 'threads' && !grep { !$table{$_}{$title}[0] } @names;
		}
		for my $name (@names) {
			my ($what, $why) = @{ $table{$name}{$title} // ['', ''] };
			like $what, $must eq 'line' ? qr/^line/ : qr/^threads|^line/, "$title: $name" or diag $why;
			kill KILL => inner($pid{$name}, $contained) // (), $pid{$name};
			waitpid $pid{$name}, 0;
		}
	}
}

if ($ENV{LANGUAGES_TABLE}) {
	my @titles = map { $_->[0] } @cases;
	my $out = '| | ' . join(' | ', @titles) . " |\n|---|" . '---|' x @titles . "\n";
	for my $name (@names) {
		$out .= "| $name | " . join(' | ', map { $table{$name}{$_}[0] // '' } @titles) . " |\n";
	}
	my $doc = read_file($ENV{LANGUAGES_TABLE});
	$doc =~ s/(<!-- rights -->\n).*?(<!-- end -->)/$1$out$2/s or die "no place for the table";
	write_file($ENV{LANGUAGES_TABLE}, $doc);
}
done_testing;
