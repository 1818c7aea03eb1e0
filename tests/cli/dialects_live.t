#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# dialects_live.t - the test runners themselves, run in front of tests/fixtures/suites: each with a test that passes,
# one that fails, one that is skipped and one that hangs. The hanging one is named, or, where the tool names a
# test only when it has ended, the one before it; the counts are right; JUnit comes out although the run was
# ended. A tool that is not here is skipped; jest, mocha, vitest and tap are looked for in $DIALECTS_NPM
# (npm install --prefix .artifacts/npm jest mocha vitest tap).
#
# LIVE_ALL=1 runs every way to call each tool, not one of each; LIVE_ONLY=jest those whose names match;
# DIALECT_TABLE=docs/DIALECTS.md all, and renews the table there.
use strict;
use warnings;
use lib 'tests/lib';
use Cwd qw(abs_path getcwd);
use Digest::MD5 qw(md5_hex);
use JSON::PP;
use POSIX ();
use SpecRunner;
use Test::More;
use Time::HiRes qw(time);

my $root = getcwd();
my $cache = ($ENV{TEST_BUILD} // "$root/.artifacts/build") . '/suites';
my $npm = $ENV{DIALECTS_NPM} // "$root/.artifacts/npm/node_modules";
my @java = map { "/usr/share/java/$_.jar" } qw(junit-platform-console junit-platform-launcher junit-platform-engine
	junit-platform-commons junit-platform-reporting junit-jupiter-api junit-jupiter-engine junit-jupiter-params
	apiguardian-api opentest4j picocli univocity-parsers);
my $classpath = join ':', grep { -e } @java;
my @launcher = ('java', '-cp', "$classpath:.", 'org.junit.platform.console.ConsoleLauncher', '--scan-classpath', '.',
	'--disable-banner', '--disable-ansi-colors', '--details');
my $surefire = '/usr/share/maven-repo/org/apache/maven/plugins/maven-surefire-plugin';
my $regrtest = '/usr/lib/python3.11/test/regrtest.py';
my $python = '/usr/bin/python3';

# name, suite: folder; needs: programs, files, python modules; build: makes what runs, once; runs: the command;
# hangs: the test that is named while it runs; after: where none is, the one that ended last; counts: tests that
# passed, failed, broke, were skipped; body: stands in the failure's text of JUnit; version: of the tool.
my @rows = (
	{ name => 'bats', suite => 'bats', needs => ['bats'], runs => ['bats', 'calc.bats'],
	  after => 'is skipped', counts => [1, 1, 0, 1], body => qr/calc\.bats, line 6/,
	  version => 'bats --version' },
	{ name => 'perl, TAP', more => 1, suite => 'perl', needs => ['perl'], runs => ['perl', 'calc.t'],
	  after => '3',
	  counts => [1, 1, 0, 1], version => 'perl -MTest::More -e "print qq(Test::More \$Test::More::VERSION)"' },
	{ name => 'prove -v', suite => 'perl', needs => ['prove'], runs => ['prove', '-v', 'calc.t'],
	  options => ['--pty', 'always'],
	  hangs => 'calc.t', counts => [1, 1, 0, 1], pty => 1, version => 'prove --version' },
	{ name => 'node --test', suite => 'node', needs => ['node'],
	  runs => ['node', '--test', '--test-reporter=tap', 'calc.test.js'],
	  after => 'calc', counts => [1, 2, 0, 1], body => qr/2 !== 3/, nested => 1, version => 'node --version' },
	{ name => 'node --test, spec', more => 1, suite => 'node', needs => ['node'],
	  runs => ['node', '--test', '--test-reporter=spec', 'calc.test.js'], after => 'calc', nested => 1,
	  counts => [1, 2, 0, 1], body => qr/2 !== 3/, version => 'node --version' },
	{ name => 'node-tap', suite => 'nodetap', needs => ['node', "$npm/tap"], runs => ['node', 'calc.js'],
	  after => 'is skipped', counts => [2, 2, 0, 1], nested => 1, npm => 'tap' },
	{ name => 'pytest -v', suite => 'pytest', needs => ['python:pytest'],
	  runs => [$python, '-m', 'pytest', '-v', '-p', 'no:cacheprovider'],
	  hangs => 'test_calc.py::test_hangs', counts => [1, 1, 0, 1], version => "$python -m pytest --version" },
	{ name => 'pytest -q', more => 1, suite => 'pytest', needs => ['python:pytest'],
	  runs => [$python, '-m', 'pytest', '-q', '-p', 'no:cacheprovider'],
	  silent => 1, counts => [1, 1, 0, 1], version => "$python -m pytest --version" },
	{ name => 'pytest -v -n 2', suite => 'pytest', needs => ['python:pytest', 'python:xdist'],
	  runs => [$python, '-m', 'pytest', '-v', '-n', '2', '-p', 'no:cacheprovider'],
	  hangs => 'test_calc.py::test_hangs',
	  counts => [1, 1, 0, 1], version => "$python -c 'import xdist; print(\"xdist\", xdist.__version__)'" },
	{ name => 'unittest -v', suite => 'unittest', needs => [$python],
	  runs => [$python, '-m', 'unittest', '-v', 'calc'],
	  hangs => 'calc.Calc::test_zhangs', counts => [1, 1, 0, 1], version => "$python --version" },
	{ name => 'regrtest -v', suite => 'regrtest', needs => [$regrtest],
	  runs => [$python, '-m', 'test', '-v', '--testdir', '.', 'test_before', 'test_calc'],
	  hangs => 'test_calc.Calc::test_zhangs', counts => [2, 1, 0, 1], version => "$python --version" },
	{ name => 'regrtest', more => 1, suite => 'regrtest', needs => [$regrtest],
	  runs => [$python, '-m', 'test', '--testdir', '.', 'test_before', 'test_calc'], hangs => 'test_calc',
	  counts => [1, 0, 0, 0],
	  version => "$python --version" },
	{ name => 'go test -v', suite => 'go', needs => ['go'], build => \&build_go,
	  runs => ['go', 'test', '-v', '.'], hangs => 'TestHangs',
	  counts => [1, 1, 0, 1], body => qr/1 \+ 1 is not 3/, env => \&go_env, version => 'go version' },
	{ name => 'go test -json', more => 1, suite => 'go', needs => ['go'], build => \&build_go,
	  runs => ['go', 'test', '-json', '.'],
	  hangs => 'calc::TestHangs', counts => [1, 1, 0, 1], env => \&go_env, version => 'go version' },
	{ name => 'cargo test', suite => 'cargo', needs => ['cargo'],
	  build => ['cargo', 'test', '-q', '--offline', '--no-run'],
	  runs => ['cargo', 'test', '--offline'], after => qr/(?:src\/lib\.rs::)?tests::\w+/, counts => [1, 1, 0, 1],
	  version => 'cargo --version' },
	{ name => 'cargo test, 1 thread', more => 1, suite => 'cargo', needs => ['cargo'],
	  build => ['cargo', 'test', '-q', '--offline', '--no-run'],
	  runs => ['cargo', 'test', '--offline', '--', '--test-threads=1'],
	  hangs => qr/(?:src\/lib\.rs::)?tests::hangs/,
	  counts => [1, 1, 0, 1], version => 'cargo --version' },
	{ name => 'ctest', suite => 'ctest', needs => ['ctest'], runs => ['ctest'], hangs => 'hangs',
	  counts => [1, 1, 0, 1],
	  version => 'ctest --version' },
	{ name => 'GoogleTest', suite => 'gtest', needs => ['g++', '/usr/include/gtest/gtest.h'],
	  build => ['g++', '-O0', '-o', 'calc', 'calc.cc', '-lgtest_main', '-lgtest', '-lpthread'],
	  runs => ['./calc'],
	  hangs => 'Calc::Hangs', counts => [1, 1, 0, 1], body => qr/calc\.cc:7: Failure/,
	  package => 'libgtest-dev' },
	{ name => 'Catch2 -r xml', suite => 'catch2', needs => ['g++', '/usr/include/catch2/catch.hpp'],
	  build => ['g++', '-O0', '-o', 'calc', 'calc.cc'], runs => ['./calc', '-r', 'xml', '--order', 'decl'],
	  hangs => 'hangs',
	  counts => [2, 1, 0, 1], package => 'catch2' }, # expected failures stand as skipped in JUnit
	{ name => 'Catch2', more => 1, suite => 'catch2', needs => ['g++', '/usr/include/catch2/catch.hpp'],
	  build => ['g++', '-O0', '-o', 'calc', 'calc.cc'], runs => ['./calc', '--order', 'decl'], silent => 1,
	  counts => [0, 0, 0, 0],
	  package => 'catch2' },
	{ name => 'jest', more => 1, suite => 'jest', needs => ['node', "$npm/jest"],
	  runs => ["$npm/.bin/jest", '--ci', '-w', '2'],
	  after => 'calc::fails', counts => [0, 1, 0, 0], body => qr/Expected: 3/, npm => 'jest' },
	{ name => 'jest --verbose', suite => 'jest', needs => ['node', "$npm/jest"],
	  runs => ["$npm/.bin/jest", '--ci', '-w', '2', '--verbose'], after => './a.test.js::is skipped',
	  counts => [1, 1, 0, 1],
	  body => qr/Expected: 3/, npm => 'jest' },
	{ name => 'mocha', suite => 'mocha', needs => ['node', "$npm/mocha"], runs => ["$npm/.bin/mocha", 'calc.js'],
	  after => 'calc::is skipped', counts => [1, 1, 0, 1], npm => 'mocha' },
	{ name => 'vitest', more => 1, suite => 'vitest', needs => ['node', "$npm/vitest"],
	  runs => ["$npm/.bin/vitest", 'run'],
	  after => 'a.test.mjs::is skipped', counts => [1, 1, 0, 1], npm => 'vitest' },
	{ name => 'vitest --reporter=verbose', suite => 'vitest', needs => ['node', "$npm/vitest"],
	  runs => ["$npm/.bin/vitest", 'run', '--reporter=verbose'],
	  after => qr/b\.test\.mjs::is first|a\.test\.mjs > calc::is skipped/,
	  counts => [2, 1, 0, 1], npm => 'vitest' },
	{ name => 'rspec', more => 1, suite => 'rspec', needs => ['rspec'],
	  runs => ['rspec', 'calc_spec.rb'], silent => 1, counts => [2, 1, 0, 1],
	  version => 'rspec --version' },
	{ name => 'rspec -f d', suite => 'rspec', needs => ['rspec'], runs => ['rspec', '-f', 'd', 'calc_spec.rb'],
	  after => 'Calc > deep::works', counts => [1, 1, 0, 1], version => 'rspec --version' },
	{ name => 'minitest -v', suite => 'minitest', needs => ['ruby', 'ruby:minitest'],
	  runs => ['ruby', 'calc_test.rb', '-v'],
	  hangs => 'CalcTest::test_zhangs', counts => [1, 1, 0, 1],
	  version => 'ruby -e "require %(minitest); print Minitest::VERSION"' },
	{ name => 'PHPUnit --debug', suite => 'phpunit', needs => ['phpunit'],
	  runs => ['phpunit', '--debug', 'CalcTest.php'],
	  hangs => 'CalcTest::testHangs', counts => [0, 0, 0, 3],
	  version => 'phpunit --version' }, # it does not say how they end
	{ name => 'PHPUnit --teamcity', more => 1, suite => 'phpunit', needs => ['phpunit'],
	  runs => ['phpunit', '--teamcity', 'CalcTest.php'],
	  hangs => qr/.*CalcTest::testHangs/, counts => [1, 1, 0, 1], version => 'phpunit --version' },
	{ name => 'PHPUnit', more => 1, suite => 'phpunit', needs => ['phpunit'],
	  runs => ['phpunit', 'CalcTest.php'], silent => 1,
	  counts => [1, 1, 0, 1], version => 'phpunit --version' },
	{ name => 'PHPUnit --testdox', more => 1, suite => 'phpunit', needs => ['phpunit'],
	  runs => ['phpunit', '--testdox', 'CalcTest.php'],
	  after => 'Calc::Skipped', counts => [1, 1, 0, 1], version => 'phpunit --version' },
	{ name => 'JUnit 5 --details verbose', suite => 'junit5', needs => ['javac', $java[0]],
	  build => \&build_junit5,
	  runs => [@launcher, 'verbose'], hangs => 'CalcTest::zhangs()', counts => [1, 1, 0, 1],
	  package => 'junit5' },
	{ name => 'Maven Surefire', suite => 'surefire', needs => ['mvn', 'javac', $surefire],
	  build => \&build_surefire,
	  runs => ['mvn', '-o', '-B', '-Dmaven.repo.local=m2', 'surefire:test'], hangs => 'calc.CTest',
	  counts => [3, 1, 1, 1],
	  body => qr/expected:&lt;3&gt; but was:&lt;2&gt;/, package => 'libsurefire-java' },
	{ name => 'meson test', more => 1, suite => 'meson', needs => ['meson', 'ninja'],
	  build => ['meson', 'setup', 'b'],
	  runs => ['meson', 'test', '-C', 'b', '--no-rebuild', '--num-processes', '1'], after => 'skipped',
	  counts => [1, 1, 0, 1], version => 'meson --version' },
	{ name => 'meson test -v', suite => 'meson', needs => ['meson', 'ninja'], build => ['meson', 'setup', 'b'],
	  runs => ['meson', 'test', '-C', 'b', '--no-rebuild', '--num-processes', '1', '-v'],
	  hangs => qr/(?:calc::)?hangs/,
	  counts => [1, 1, 0, 1], version => 'meson --version' },
	{ name => 'ExUnit --trace', suite => 'exunit', needs => ['elixir'], runs => ['elixir', 'calc_test.exs'],
	  hangs => qr/CalcTest::hangs/, counts => [1, 1, 0, 1], body => qr/1 \+ 1 == 3/,
	  version => 'elixir --version | grep Elixir' },
);

sub in_path { return (grep { -x "$_/$_[0]" } split /:/, $ENV{PATH})[0] }

# The first of its needs that is not here.
sub missing {
	my ($row) = @_;
	for my $need (@{ $row->{needs} }) {
		if ($need =~ /^python:(.*)/) {
			return "$1 of $python" if system("$python -c 'import $1' >/dev/null 2>&1");
		} elsif ($need =~ /^ruby:(.*)/) {
			return "$1 of ruby" if system("ruby -e 'require %($1)' >/dev/null 2>&1");
		} elsif ($need =~ m{/} ? !-e $need : !in_path($need)) {
			return $need;
		}
	}
	return;
}

sub quietly {
	my ($dir, @cmd) = @_;
	my $pid = fork() // die "fork: $!";
	if (!$pid) {
		open STDOUT, '>', "$dir/build.log";
		open STDERR, '>&', \*STDOUT;
		{ no warnings; chdir $dir and exec { $cmd[0] } @cmd; }
		POSIX::_exit(127);
	}
	waitpid $pid, 0;
	die join(' ', @cmd) . ": $?\n" . (read_file("$dir/build.log") // '') if $?;
}

sub go_env { return (GOFLAGS => '-mod=mod', GOCACHE => "$cache/gocache", GOPATH => "$cache/gopath", GO111MODULE => 'on') }

sub build_go {
	my ($dir) = @_;
	local %ENV = (%ENV, go_env());
	quietly($dir, 'go', 'test', '-count=1', '-run', 'None', '.');
}

sub build_junit5 { quietly($_[0], 'javac', '-cp', $classpath, 'CalcTest.java') }

# Debian's folder is a repository of Maven's, but read only: links to its files, in a folder of ours.
sub build_surefire {
	my ($dir) = @_;
	my ($version) = sort grep { /^\d/ } map { s{.*/}{}r } glob "$surefire/*";
	quietly($dir, 'cp', '-rs', '/usr/share/maven-repo', 'm2');
	quietly($dir, 'mkdir', '-p', 'target/classes', 'target/test-classes');
	quietly($dir, 'javac', '-cp', '/usr/share/java/junit4.jar', '-d', 'target/test-classes',
		glob "$dir/src/test/java/calc/*.java");
	write_file("$dir/pom.xml", (read_file("$dir/pom.xml") =~ s/SUREFIRE_VERSION/$version/r));
}

# A folder with the suite, built. What takes long is built once for each state of its sources.
sub suite_of {
	my ($row) = @_;
	my $from = "$root/tests/fixtures/suites/$row->{suite}";
	my $state = md5_hex(join "\0", $root, map { read_file("$from/$_") } files_in($from));
	my $made = "$cache/$row->{suite}-$state";
	my $dir = new_dir() . "/$row->{suite}";
	if ($row->{build} && !-d $made) {
		my $new = "$made.$$";
		system('mkdir', '-p', $cache);
		system('cp', '-r', $from, $new) and die "cp: $?";
		ref $row->{build} eq 'CODE' ? $row->{build}->($new) : quietly($new, @{ $row->{build} });
		# where the same was built at the same time, either will do
		rename $new, $made or system 'rm', '-rf', $new;
	}
	system('cp', '-rP', $row->{build} ? $made : $from, $dir) and die "cp: $?";
	symlink $npm, "$dir/node_modules" if $row->{npm};
	if ($row->{npm}) { # vitest keeps its cache beside the modules
		unlink "$dir/node_modules";
		mkdir "$dir/node_modules";
		symlink $_, "$dir/node_modules/" . s{.*/}{}r for glob("$npm/*"), glob("$npm/.bin");
	}
	return $dir;
}

sub version_of {
	my ($row) = @_;
	return JSON::PP->new->decode(read_file("$npm/$row->{npm}/package.json"))->{version} if $row->{npm};
	my $text = $row->{package} ? `dpkg-query -W -f '\${Version}' $row->{package} 2>/dev/null` : `$row->{version} 2>&1`;
	$text = join ' ', grep { /\d\.\d/ } split /\n/, $text;
	return $text =~ /(\d+\.\d+(?:\.\d+)?)/ ? $1 : '';
}

# The tool names its tests only when they end: nothing tells when the hanging one began but itself. A slow machine
# may need longer: then once more.
sub run_row {
	my ($row, $out) = @_;
	my $dir = suite_of($row);
	for my $seconds ($row->{hangs} ? (60) : ($row->{npm} ? 7 : 4, 20, 60)) {
		my $marker = "$dir/hang.marker";
		unlink $marker;
		my @limit = $row->{hangs} ? ('--test-timeout-ms', 1500 * slow_factor(), '--timeout-ms', 60000 * slow_factor())
			: ('--timeout-ms', $seconds * 1000 * slow_factor());
		my $r = run_spec(['run', @limit, '--junit', 'live.xml', @{ $row->{options} // [] }, '--', @{ $row->{runs} }],
			dir => $dir, timeout => 100,
			env => { HANG_FILE => $marker, HOME => $dir, CI => undef, $row->{env} ? $row->{env}->() : (),
				 CARGO_HOME => $ENV{CARGO_HOME} // "$ENV{HOME}/.cargo", RUSTUP_HOME => $ENV{RUSTUP_HOME} // "$ENV{HOME}/.rustup" });
		my $began = (stat $marker)[9];
		$out->{r} = $r;
		$out->{began} = $began;
		last if $row->{hangs} || ($began && $r->{start} + $r->{ms} / 1000 - $began > ($row->{npm} ? 3 : 2));
	}
}

sub junit_counts {
	my ($xml) = @_;
	my %n = (passed => 0, failure => 0, error => 0, skipped => 0);
	while ($xml =~ m{<testcase ([^>]*?)(?:/>|>(.*?)</testcase>)}gs) {
		my ($attrs, $inside) = ($1, $2 // '');
		next if $attrs =~ /classname="command"/ || $inside =~ /did not end|never started/;
		my ($kind) = $inside =~ /^\s*<(failure|error|skipped)\b/;
		$n{ $kind // 'passed' }++;
	}
	return [@n{qw(passed failure error skipped)}];
}

sub matches {
	my ($text, $before, $want, $behind) = @_;
	my $name = ref $want ? $want : qr/\Q$want\E/;
	return $text =~ /^spec-runner: $before$name$behind/m;
}

sub check_row {
	my ($row) = @_;
	my %out;
	run_row($row, \%out);
	my $r = $out{r};
	my $xml = read_file("$r->{dir}/live.xml") // '';
	my $err = $row->{pty} ? $r->{err} . $r->{out} : $r->{err};
	my $named;
	$err =~ s/\r\n/\n/g;
	ok $out{began}, 'the test that hangs has begun';
	is $r->{code}, 124, 'the run was ended';
	if ($row->{hangs}) {
		my $name = ref $row->{hangs} ? $row->{hangs} : qr/\Q$row->{hangs}\E/;
		$named = 'the test';
		$named = 'its class' if $row->{suite} eq 'surefire';
		$named = 'its file' if $row->{name} =~ /^(?:regrtest|prove -v)$/;
		ok matches($err, 'timeout\.case\.harness: ', $row->{hangs}, ' has run for '), 'the hanging test is named';
		my $case = qr/(?:[\w.]*[Hh]angs(?:\(\))?|test_calc|calc\.t|calc\.CTest|tests::hangs)/;
		like $xml, qr/<testcase [^>]*name="$case"[^>]*>\s*<error [^>]*type="timeout\.case\.harness"/,
			'and an error in JUnit, with the token';
	} else {
		$named = $row->{silent} ? 'nothing' : 'the one before';
		ok matches($err, 'running after ', $row->{after}, '$'), 'the one before it is named' unless $row->{silent};
		unlike $err, qr/^spec-runner: running: /m, 'none is said to run that may not';
		like $xml, qr/<testcase classname="command" [^>]*>\s*<error [^>]*type="timeout\.subprocess\.wait"/,
			'the command is an error in JUnit, with the token';
	}
	is_deeply junit_counts($xml), $row->{counts}, 'JUnit counts what passed, failed, broke, was skipped'
		or diag $xml =~ s/^.{3000}\K.*//sr;
	like $xml, $row->{body}, 'and holds what the failing test printed' if $row->{body};
	no_survivors($r, 'nothing is left');
	diag join "\n", "$row->{name}:", grep { /^spec-runner/ } split /\n/, $err unless Test::More->builder->is_passing;
	return { name => $row->{name}, version => version_of($row), named => $named, counts => $row->{counts} };
}

# Each row in a process of its own, some at a time: they wait most of it.
sub start_row {
	my ($row, $at) = @_;
	my $base = new_dir();
	my $pid = fork() // die "fork: $!";
	return { pid => $pid, base => $base, row => $row } if $pid;
	my $tb = Test::More->builder;
	open my $tap, '>', "$base/tap";
	$tb->output($tap);
	$tb->failure_output($tap);
	$tb->todo_output($tap);
	$tb->reset;
	$tb->output($tap);
	$tb->failure_output($tap);
	my $got = eval { check_row($row) };
	print $tap "not ok - $@" =~ s/\n(?=.)/\n# /gr if $@;
	write_file("$base/row.json", encode_json($got)) if $got;
	$tb->no_ending(1);
	close $tap;
	POSIX::_exit($got && $tb->is_passing ? 0 : 1);
}

my $all = $ENV{LIVE_ALL} || $ENV{LIVE_ONLY} || $ENV{DIALECT_TABLE};
my @wanted = grep { ($all || !$_->{more}) && (!$ENV{LIVE_ONLY} || $_->{name} =~ /$ENV{LIVE_ONLY}/) } @rows;
my @todo = grep { !($_->{missing} = missing($_)) } @wanted;
my (@running, %ended, @table);
my $at_once = $ENV{LIVE_JOBS} // 4;
while (@todo || @running) {
	push @running, start_row(shift @todo) while @todo && @running < $at_once;
	my $pid = waitpid -1, 0;
	my ($done) = grep { $_->{pid} == $pid } @running or next;
	$done->{status} = $?;
	$ended{ $done->{row}{name} } = $done;
	@running = grep { $_ != $done } @running;
}
for my $row (@wanted) {
	SKIP: {
		skip "$row->{name}: $row->{missing} is not here", 1 if $row->{missing};
		my $done = $ended{ $row->{name} };
		ok $done->{status} == 0, $row->{name} or diag read_file("$done->{base}/tap") // 'it said nothing';
		push @table, decode_json(read_file("$done->{base}/row.json")) if -e "$done->{base}/row.json";
	}
}

if (my $file = $ENV{DIALECT_TABLE}) {
	my $table = "| tool | version | named when it hangs | passed, failed, broke, skipped before it |\n|---|---|---|---|\n";
	$table .= "| $_->{name} | $_->{version} | $_->{named} | " . join(', ', @{ $_->{counts} }) . " |\n" for @table;
	my $text = read_file($file);
	$text =~ s/(<!-- table -->\n).*(<!-- end of the table -->)/$1$table$2/s or die "$file has no place for the table";
	write_file($file, $text);
}
done_testing();
