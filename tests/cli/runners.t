#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# runners.t - a test that hangs within a real test runner: the finding is that of the test's own line, whatever the runner
# and its processes wait for. A runner that is not here is skipped; jest, mocha and vitest are looked for in $DIALECTS_NPM
# (npm install --prefix .artifacts/npm jest mocha vitest). ZOO_ONLY=REGEX looks at some.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Zoo;
use Cwd qw(abs_path);
use Test::More;

my $dir = new_dir();
my $from = abs_path('tests/zoo/runners');
my $npm = $ENV{DIALECTS_NPM} // abs_path('.artifacts') . '/npm/node_modules';
my ($sync, $held) = qw(hang.wait.sync hang.lock.held);
my @missing;

zoo_marks("$from/$_") for qw(go/stock.go go/stock_test.go StockTest.java stock.test.js promise.test.js mocha.js stock_spec.rb test_stock.rb
	StockTest.php stock.t);

# Runs it below `run` in a folder, until the test hangs and a limit ends it.
sub animal {
	my ($name, $does, $finding, $marks, $ms, @argv) = @_;
	my %more = ref $argv[-1] ? %{ pop @argv } : ();
	return { name => $name, does => $does, finding => $finding, marks => $marks, argv => \@argv, limit_ms => $ms, only_run => 1,
		at_once => 4, at_most => 2, %more };
}

my @animals;
sub have { my ($name, $there) = @_; push @missing, $name unless $there; return $there }

if (have('go test', which('go'))) {
	local $ENV{GOCACHE} = "$dir/go-cache";
	local $ENV{GOFLAGS} = '';
	quietly("cd $from/go && go test -run NoTest .") or diag 'go test does not build';
	my $sh = sub { return ('sh', '-c', "cd $from/go && GOCACHE=$dir/go-cache GOFLAGS= exec go test @_") };
	push @animals, animal('go test', 'go test of a package with a lock that is not given back', 'hang.wait.sync.goroutine', 'go_test', 5000,
		$sh->('-run TestTwice .'));
	push @animals, animal('go test -v', 'go test -v of a subtest that receives from a channel', 'hang.wait.sync.channel', 'go_subtest', 5000,
		$sh->('-v -run TestSub ./...'), { test => qr/^TestSub/ });
	push @animals, animal('go test -v, parallel', 'go test -v of two tests at once, of which one locks a mutex twice', 'hang.wait.sync.goroutine',
		'go_parallel', 5000, $sh->('-v -run "TestBeside|TestLocked" .'), { first => qr/^`TestLocked`/ });
}
if (have('JUnit 5', which('javac') && -e '/usr/share/java/junit-platform-console.jar')) {
	my $jars = join ':', map { "/usr/share/java/$_.jar" } qw(junit-jupiter-api junit-jupiter-engine junit-platform-commons
		junit-platform-console junit-platform-engine junit-platform-launcher junit-platform-reporting opentest4j apiguardian-api
		picocli opentest4j-reporting-events opentest4j-reporting-schema);
	if (have('JUnit 5', quietly("javac -cp $jars -d $dir/classes $from/StockTest.java"))) {
		push @animals, animal('JUnit 5', 'the console launcher; the test waits for a monitor', $held, 'junit', 6000, 'java', '-XX:TieredStopAtLevel=1',
			'-cp', "$jars:$dir/classes", 'org.junit.platform.console.ConsoleLauncher', '--disable-banner', '-c', 'StockTest');
	}
}
# Maven and surefire as Debian has them, without the network (apt-get install maven maven-debian-helper libsurefire-java libmaven-resources-plugin-java
# libmaven-compiler-plugin-java junit5).
my $repo = '/usr/share/maven-repo';
if (zoo_all() && have('Maven', which('mvn') && which('javac') && -d "$repo/org/apache/maven/plugins/maven-surefire-plugin/2.22.3" &&
		-e '/etc/maven/settings-debian.xml')) {
	mkdir "$dir/maven";
	quietly("cp $from/maven/pom.xml $dir/maven && mkdir -p $dir/maven/src/test/java && cp $from/StockTest.java $dir/maven/src/test/java");
	push @animals, animal('JUnit 5, Maven', 'mvn test: surefire runs the tests in a virtual machine of its own', $held, 'junit', 20000, 'mvn', '-o', '-B', '-f',
		"$dir/maven/pom.xml", '-s', '/etc/maven/settings-debian.xml', "-Ddebian.dir=$dir", "-Dmaven.repo.local=$repo", 'test', { test => qr/StockTest/ });
}
if (have('node --test', which('node') && `node --version` =~ /^v(\d+)/ && $1 >= 18)) {
	write_file("$dir/node.test.js", "const test = require('node:test');" . read_file("$from/stock.test.js"));
	zoo_marks("$dir/node.test.js");
	push @animals, animal('node --test', 'node --test; the test waits for another thread', $sync, 'js_test', 4000, 'node', '--test',
		"$dir/node.test.js");
	write_file("$dir/promise_node.test.js", "const test = require('node:test');" . read_file("$from/promise.test.js"));
	push @animals, animal('node --test, a promise', 'node --test; the test returns a promise that nobody settles', 'hang.wait.event.loop.await.test',
		'js_promise_node', 4000, 'node', '--test', "$dir/promise_node.test.js", { place => qr/promise_node\.test\.js:.*:4$/,
			first => qr/waits for a promise/ });
	push @animals, animal('node --test, a server', 'node --test; the file leaves a server open', 'hang.wait.event.loop', '', 4000,
		'node', '--test', "$from/server.js", { place => qr/^$/, summary => qr/kept alive by a TCP socket .*listening on 127\.0\.0\.1/ });
}
for (['jest', "$npm/.bin/jest --ci -i"], ['vitest', "$npm/.bin/vitest run --globals"]) {
	my ($name, $command) = @$_;
	next unless have($name, which('node') && -x "$npm/.bin/$name");
	write_file("$dir/package.json", '{"name": "stock", "version": "1.0.0"}');
	write_file("$dir/stock.test.js", read_file("$from/stock.test.js"));
	write_file("$dir/promise.test.js", read_file("$from/promise.test.js"));
	symlink $npm, "$dir/node_modules";
	push @animals, animal($name, "$name; the test waits for another thread", $sync, 'js_test', 9000, 'sh', '-c',
		"cd $dir && exec $command stock.test.js");
	# the heap is read for a second and a half at most, of which a busy machine gives little
	push @animals, animal("$name, a promise", "$name; the test returns a promise that nobody settles", 'hang.wait.event.loop.await', 'js_promise', 9000,
		'sh', '-c', "cd $dir && exec $command promise.test.js", { first => qr/waits for a promise/ }) if slow_factor() < 4;
}
push @animals, animal('mocha', 'mocha; the test waits for another thread', $sync, 'mocha', 4000, "$npm/.bin/mocha", "$from/mocha.js")
	if have('mocha', which('node') && -x "$npm/.bin/mocha");
push @animals, animal('rspec', 'rspec; the test waits for a Mutex whose holder sleeps', $held, 'rspec', 4000, 'rspec', '--options', '/dev/null',
	"$from/stock_spec.rb") if have('rspec', which('rspec'));
push @animals, animal('minitest', 'minitest -v; the test takes from an empty Queue', $sync, 'minitest', 3000, 'ruby', "$from/test_stock.rb", '-v',
	{ test => qr/test_queue/ }) if have('minitest', which('ruby') && quietly("ruby -e 'require \"minitest\"'"));
push @animals, animal('PHPUnit', 'PHPUnit; the test reads from a socket into which nobody writes', 'hang.wait.event|hang.net.recv|hang.deadlock.processes',
	'phpunit', 4000, 'phpunit', '--no-configuration', '--do-not-cache-result', "$from/StockTest.php") if have('PHPUnit', which('phpunit'));
push @animals, animal('prove', 'prove of a subtest that reads a pipe of its own', 'hang.deadlock.processes|hang.wait.event', 'perl_test', 3000,
	'prove', '-v', "$from/stock.t") if have('prove', which('prove'));

note "not here: $_" for @missing;
zoo_look(runners => @animals);
zoo_section('runners', 'Test runners', 'A hanging test in a real runner: the place is the line of the test.') if @animals;
done_testing;
