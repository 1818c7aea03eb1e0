#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# native.t - stacks of programs in every state that a binary can be in: stripped, described elsewhere, static, deleted,
# replaced, in a signal, in the vdso, inlined; C++ and Rust.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Cwd qw(abs_path getcwd);
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

my $dir = new_dir();
my $src = abs_path('tests/fixtures/native');
my $cc = $ENV{CC} // 'cc';

sub have { my ($tool) = @_; return grep { -x "$_/$tool" } split /:/, $ENV{PATH} }
sub quiet { return system("@_ >$dir/log 2>&1") == 0 }
sub build { my ($out, @flags) = @_; return quiet("$cc -w -O1 -o $dir/$out @flags $src/blocks.c -ldl") }

# Starts, waits until it blocks (or has run a little where it spins), looks, ends it.
sub look_at {
	my ($argv, %o) = @_;
	my $pid = fork() // die;
	if (!$pid) { chdir($o{dir} // $dir); open STDOUT, '>', '/dev/null'; exec { $argv->[0] } @$argv or POSIX::_exit(127) }
	for (1 .. 500) {
		sleep 0.02;
		my $state = (read_file("/proc/$pid/stat") // '') =~ /\) (\S)/ ? $1 : 'X';
		last if $o{spins} ? $_ > 5 : $state eq 'S' && (read_file("/proc/$pid/syscall") // '') =~ /^\d/ && (readlink("/proc/$pid/exe") // '') !~ /perl/;
	}
	$o{then}->($pid) if $o{then};
	my ($thread, $all);
	for (1 .. $o{tries} // 1) {
		my $text = ($o{as} ? `@{ $o{as} } ${\ spec() } inspect --json $pid` : `${\ spec() } inspect --json $pid`);
		$all = eval { decode_json($text) } // { processes => [] };
		$thread = @{ $all->{processes} } ? $all->{processes}[0]{threads}[0] : { frames => [], status => 'none' };
		last if !$o{until} || $o{until}->($thread);
	}
	kill 'KILL', $pid;
	waitpid $pid, 0;
	return $thread;
}

sub names { return [map { $_->{function} // '?' } @{ $_[0]{frames} }] }
sub chain { my ($t) = @_; return join ' ', grep { /^(inner|middle|outer|main)$/ } @{ names($t) } }
sub in_program { my ($t, $file) = @_; return grep { ($_->{module} // '') =~ m{/\Q$file\E$} } @{ $t->{frames} } }
my $whole = 'inner middle outer main';

sub is_whole {
	my ($t, $what) = @_;
	is(chain($t), $whole, "$what: every function") or diag "@{ names($t) }: " . ($t->{reason} // '');
	is($t->{status}, 'ok', "$what: to its end") or diag $t->{reason};
	return;
}

build('plain', '-g') or plan skip_all => "$cc does not compile here";

my $t = look_at(["$dir/plain"]);
is_whole($t, 'a frame pointer proved by its call');
is($t->{intrusion}, 0, 'without a stop: epoll_wait would have ended early');
like((grep { $_->{function} eq 'middle' } @{ $t->{frames} })[0]{file}, qr/blocks\.c$/, 'with its line');

# ---- where names are ----
{
	quiet("strip -s -o $dir/stripped $dir/plain") or die;
	$t = look_at(["$dir/stripped"]);
	my @own = in_program($t, 'stripped');
	cmp_ok(scalar @own, '>=', 5, 'a stripped program has all its frames');
	ok((!grep { $_->{function} } @own), 'no name is invented for them');
	ok((!grep { !$_->{build_id} || !$_->{offset} } @own), 'each has its build-id and offset');
	is((grep { /epoll_p?wait/ } @{ names($t) }) > 0, 1, 'public names of its libraries are there');

	build('public', '-rdynamic') && quiet("strip -s $dir/public") or die;
	$t = look_at(["$dir/public"]);
	is(chain($t), $whole, 'a stripped program names its public functions');
}
{
	quiet("objcopy --only-keep-debug $dir/plain $dir/linked.debug && cp $dir/plain $dir/linked && strip -s $dir/linked && " .
		"cd $dir && objcopy --add-gnu-debuglink=linked.debug linked") or die `cat $dir/log`;
	$t = look_at(["$dir/linked"]);
	is(chain($t), $whole, 'names from the file of a debug link');
	like((grep { ($_->{function} // '') eq 'outer' } @{ $t->{frames} })[0]{file} // '', qr/blocks\.c$/, 'and lines');
	mkdir "$dir/.debug" or die;
	rename "$dir/linked.debug", "$dir/.debug/linked.debug" or die;
	$t = look_at(["$dir/linked"]);
	is(chain($t), $whole, 'in .debug/, too');
	build('other', '-g', '-DOTHER=1', '-O0') && quiet("objcopy --only-keep-debug $dir/other $dir/.debug/linked.debug") or die;
	$t = look_at(["$dir/linked"]);
	is(chain($t), '', 'a debug file of another build is not believed');
	build('bare', '-g', '-Wl,--build-id=none') && quiet("cd $dir && objcopy --only-keep-debug bare bare.debug && strip -s bare && " .
		'objcopy --add-gnu-debuglink=bare.debug bare') or die;
	$t = look_at(["$dir/bare"]);
	is(chain($t), $whole, 'without build-ids the checksum of the link decides');
	open my $out, '>>', "$dir/bare.debug" or die;
	print $out "x";
	close $out;
	$t = look_at(["$dir/bare"]);
	is(chain($t), '', 'and refuses what it does not fit');
}
SKIP: {
	have('xz') or skip 'no xz', 2;
	quiet("cd $dir && nm plain --format=posix --defined-only | sed -n 's/ [Tt] .*//p' | sort > keep && " .
		'objcopy -S --remove-section .gdb_index --remove-section .comment --keep-symbols=keep plain mini.elf 2>/dev/null; ' .
		'objcopy --only-keep-debug plain mini.elf && objcopy -S --keep-symbols=keep mini.elf && rm -f mini.elf.xz && xz -k mini.elf && ' .
		'strip -s -o mini plain && objcopy --add-section .gnu_debugdata=mini.elf.xz mini') or die `cat $dir/log`;
	$t = look_at(["$dir/mini"]);
	is(chain($t), $whole, 'names packed into the program itself (.gnu_debugdata)');
	quiet("cd $dir && head -c 200 mini.elf.xz > torn.xz && strip -s -o torn plain && objcopy --add-section .gnu_debugdata=torn.xz torn") or die;
	$t = look_at(["$dir/torn"]);
	cmp_ok(scalar in_program($t, 'torn'), '>=', 5, 'a torn one is left out');
}

# ---- how the stack is described ----
SKIP: {
	build('frame', '-g', '-fno-asynchronous-unwind-tables', '-fno-unwind-tables', '-fomit-frame-pointer') or skip 'no such flags', 4;
	$t = look_at(["$dir/frame"]);
	is_whole($t, '.debug_frame alone');
	quiet("cd $dir && objcopy --only-keep-debug frame frame.debug && strip -s frame && objcopy --add-gnu-debuglink=frame.debug frame") or die;
	$t = look_at(["$dir/frame"]);
	is_whole($t, '.debug_frame of a debug file');
}
SKIP: {
	$^O eq 'linux' && `uname -m` =~ /x86_64/ && have('musl-gcc') or skip 'no musl here', 2;
	quiet("cd $dir && musl-gcc -w -g -O1 -o musl $src/blocks.c && strip -o musl_stripped musl") or skip 'musl cannot compile it', 2;
	is(chain(look_at(["$dir/musl"])), $whole, 'called by musl, whose own functions no table describes');
	cmp_ok(scalar in_program(look_at(["$dir/musl_stripped"]), 'musl_stripped'), '>=', 4, 'stripped, too');
}
for my $way (['static', '-static'], ['static_pie', '-static-pie', '-fPIE'], ['no_pie', '-no-pie']) {
	my ($name, @flags) = @$way;
	SKIP: {
		build($name, '-g', @flags) or skip "no $name here", 2;
		is_whole(look_at(["$dir/$name"]), $name);
	}
}

# ---- where it stands ----
for my $way ('signal', 'altstack') {
	$t = look_at(["$dir/plain", $way]);
	is(chain($t), $whole, "$way: the frames below a signal's handler");
	is((grep { $_ eq 'on_signal' } @{ names($t) }), 1, "$way: and the handler");
}
$t = look_at(["$dir/plain", 'vdso'], spins => 1, tries => 60,
	until => sub { ($_[0]{frames}[0]{module} // '') eq '[vdso]' && chain($_[0]) eq $whole });
is($t->{frames}[0]{module}, '[vdso]', 'a thread that stands in the vdso');
# A static helper within the vdso has no name in its symbol table; then its caller there has one.
my ($named) = grep { ($_->{module} // '') eq '[vdso]' && defined $_->{function} } @{ $t->{frames} };
like($named->{function} // '', qr/vdso|clock_gettime/, 'has the name of that function');
is(chain($t), $whole, 'and all its callers');
SKIP: {
	build('optimised', '-g', '-O2') or skip 'no -O2', 3;
	$t = look_at(["$dir/optimised", 'inlined']);
	my ($small) = grep { ($_->{function} // '') eq 'small' } @{ $t->{frames} };
	my @lines = split /\n/, read_file("$src/blocks.c");
	like($lines[($small->{line} // 1) - 1], qr/line of small/, 'an inlined function has its own line');
	is(join(' ', grep { /^(small|inner)$/ } @{ names($t) }), 'small inner', 'within its caller');
	like($lines[((grep { ($_->{function} // '') eq 'inner' } @{ $t->{frames} })[0]{line} // 1) - 1], qr/small\(n\)/, 'whose line is the call');
}

# ---- where its file is ----
{
	quiet("cp $dir/plain $dir/gone") or die;
	is_whole(look_at(["$dir/gone"], then => sub { unlink "$dir/gone" }), 'a deleted program');
	quiet("cp $dir/plain $dir/renewed") or die;
	is_whole(look_at(["$dir/renewed"], then => sub { quiet("cp /bin/true $dir/new && mv $dir/new $dir/renewed") }), 'a replaced one');
	for my $user ('root', 'nobody') {
		SKIP: {
			my @as = $user eq 'root' ? () : ('setpriv', '--reuid', 65534, '--regid', 65534, '--clear-groups');
			skip 'only root can become another', 2 if @as && ($> != 0 || !have('setpriv'));
			skip 'the programs lie where a plain user may not look', 2 if @as && !quiet("@as test -x @{[spec()]}");
			my $own = "$dir/lib-$user";
			mkdir $own or die;
			chmod 0777, $own;
			quiet("$cc -w -O1 -g -shared -fPIC -o $own/libblocks.so $src/libblocks.c") or die;
			$t = look_at([@as, "$dir/plain", 'library'], dir => $own, as => \@as);
			ok((grep { $_ eq 'library_waits' } @{ names($t) }), "$user: a deleted library's functions") or diag "@{ names($t) } $t->{status} " . ($t->{reason} // '');
			is(chain($t), $whole, "$user: and its callers");
		}
	}
}

# ---- languages ----
SKIP: {
	quiet("c++ -O1 -g -o $dir/cpp $src/blocks.cpp") or skip 'no C++ compiler', 1;
	$t = look_at(["$dir/cpp"]);
	ok((grep { $_ eq 'zoo::Cage<int>::wait(std::vector<int, std::allocator<int> > const&)' } @{ names($t) }), 'C++') or diag "@{ names($t) }";
}
for my $scheme ('legacy', 'v0') {
	SKIP: {
		quiet("rustc -g -C symbol-mangling-version=$scheme -o $dir/rust_$scheme $src/blocks.rs") ||
			quiet("RUSTC_BOOTSTRAP=1 rustc -g -Z unstable-options -C symbol-mangling-version=$scheme -o $dir/rust_$scheme $src/blocks.rs") or skip "no rustc for $scheme", 2;
		$t = look_at(["$dir/rust_$scheme"]);
		my @n = grep { /cage/ } @{ names($t) };
		ok((grep { /^<u32 as .*cage::Waits>::wait$/ } @n), "Rust, $scheme: a method") or diag "@{ names($t) }";
		ok((grep { /cage::hold(::<u32>)?(::h[0-9a-f]+)?::\{/ || /cage::hold.*closure/ } @n), "Rust, $scheme: a closure") or diag "@n";
		ok((!grep { /::h[0-9a-f]{16}$/ || /^_[RZ]/ } @{ names($t) }), "Rust, $scheme: no hash, nothing mangled") or diag "@{ names($t) }";
	}
}
done_testing();
