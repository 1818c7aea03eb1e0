#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# shrink.pl - `repro --shrink` on suites of 60 tests in which test 41 hangs only after tests 7 and 23, for pytest, go test,
# GoogleTest and jest: it must name exactly these two, in at most 40 runs. jest is installed from npm into .artifacts/shrink.
#
#   tests/show/shrink.pl [pytest|go|gtest|jest]...
use strict;
use warnings;
use Cwd qw(abs_path getcwd);
use File::Path qw(make_path remove_tree);
use JSON::PP;
use Time::HiRes qw(time);

my $root = getcwd();
my $spec = abs_path($ENV{SPEC_RUNNER} // './spec-runner');
my $work = "$root/.artifacts/shrink";
my $limit_ms = $ENV{LIMIT_MS} // 20000; # of the recorded run: starting a tool may take long on a busy machine

sub put { my ($path, $text) = @_; open my $out, '>', $path or die "$path: $!\n"; print $out $text; close $out }
sub sh { system('sh', '-c', $_[0]) == 0 or die "$_[0]: $?\n" }

# What test N does, from what it does in 7 and 23, in 41, and otherwise.
sub each_test { my ($head, $tail, $mark, $hang, $one) = @_; return $head . join('', map { $one->($_, $_ == 7 || $_ == 23 ? $mark->($_) : $_ == 41 ? $hang : '') } 1 .. 60) . $tail }

my %suites = (
	pytest => {
		make => sub {
			put('test_many.py', each_test("import threading\n\nseen = set()\n", '', sub { "    seen.add($_[0])\n" },
				"    if {7, 23} <= seen:\n        threading.Event().wait()\n",
				sub { sprintf "\n\ndef test_%02d():\n%s", $_[0], $_[1] || "    assert True\n" }));
		},
		runs => ['/usr/bin/python3', '-m', 'pytest', '-v', '-p', 'no:cacheprovider', 'test_many.py'], tests => [qr/test_07$/, qr/test_23$/],
	},
	go => {
		make => sub {
			put('go.mod', "module many\n\ngo 1.19\n");
			put('many_test.go', each_test("package many\n\nimport \"testing\"\n\nvar seen = map[int]bool{}\n", '', sub { "\tseen[$_[0]] = true\n" },
				"\tif seen[7] && seen[23] {\n\t\tselect {}\n\t}\n", sub { sprintf "\nfunc TestMany%02d(t *testing.T) {\n%s}\n", @_ }));
			sh('go vet . && go test -count=1 -run=None . >/dev/null');
		},
		runs => ['go', 'test', '-v', '.'], tests => [qr/TestMany07$/, qr/TestMany23$/],
	},
	gtest => {
		make => sub {
			put('many.cc', each_test("#include <gtest/gtest.h>\n#include <set>\n#include <unistd.h>\n\nstatic std::set<int> seen;\n",
				"\nint main(int argc, char **argv)\n{\n\ttesting::InitGoogleTest(&argc, argv);\n\treturn RUN_ALL_TESTS();\n}\n",
				sub { "\tseen.insert($_[0]);\n" }, "\tif (seen.count(7) && seen.count(23))\n\t\tfor (;;)\n\t\t\tpause();\n",
				sub { sprintf "\nTEST(Many, T%02d)\n{\n%s}\n", @_ }));
			sh('g++ -g -o many many.cc -lgtest -lpthread');
		},
		runs => ['./many'], tests => [qr/T07$/, qr/T23$/],
	},
	jest => { # names a test when its file has ended: six files in one process, in the order of their names
		make => sub {
			for my $f (0 .. 5) {
				my ($from, $to) = ($f * 10 + 1, $f * 10 + 10);
				put("part$f.test.js", "const http = require('node:http'); // the same one for all files\nconst seen = http.globalAgent.seen ??= new Set();\n\n"
					. join '', map { sprintf "test('test %02d', () => {%s});\n", $_, $_ == 7 || $_ == 23 ? "\n  seen.add($_);\n"
						: $_ == 41 ? "\n  if (seen.has(7) && seen.has(23)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);\n" : '' } $from .. $to);
			}
			put('order.js', "const Sequencer = require('\@jest/test-sequencer').default;\nmodule.exports = class extends Sequencer {\n"
				. "  sort(tests) { return [...tests].sort((a, b) => (a.path < b.path ? -1 : 1)); }\n};\n");
			put('package.json', qq({"name": "many", "private": true, "jest": {"testSequencer": "./order.js"}}\n));
			make_path("$work/npm");
			sh("cd '$work/npm' && { [ -e node_modules/\@jest/test-sequencer ] || npm install --silent --no-audit --no-fund jest \@jest/test-sequencer; }");
			symlink "$work/npm/node_modules", 'node_modules';
		},
		runs => ['node_modules/.bin/jest', '--runInBand', '--verbose'], tests => [qr/test 07$/, qr/test 23$/],
	},
);

my $bad = 0;
print "| tool | earlier tests that it needs | runs | seconds | command of repro.sh |\n|---|---|---|---|---|\n";
for my $name (@ARGV ? @ARGV : sort keys %suites) {
	my $suite = $suites{$name} // die "no suite '$name' (", join(', ', sort keys %suites), ")\n";
	my $dir = "$work/$name";
	remove_tree($dir);
	make_path("$dir/.git");
	chdir $dir or die "$dir: $!\n";
	if (!eval { $suite->{make}->(); 1 }) {
		print "| $name | not measured: ", $@ =~ s/\n.*//sr, " | | | |\n";
		next;
	}
	my $command = join ' ', map { "'$_'" } @{ $suite->{runs} };
	system("'$spec' run --quiet --timeout-ms $limit_ms -- $command >run.log 2>&1 </dev/null") >> 8 == 124 or warn "$name: the recorded run did not hang (run.log)\n";
	my $before = time;
	system("'$spec' repro --shrink --perturb none >repro.log 2>&1 </dev/null");
	my ($file) = glob "$dir/.artifacts/repro/*/repro.json";
	my $r = {};
	if ($file && open my $in, '<:raw', $file) {
		$r = JSON::PP->new->utf8->decode(do { local $/; <$in> });
	}
	my @tests = @{ $r->{shrunk} && $r->{shrunk}{tests} || [] };
	my $spent = @{ $r->{runs} || [] } + ($r->{shrunk} ? $r->{shrunk}{runs_spent} : 0);
	my $right = @tests == @{ $suite->{tests} } && !grep { $tests[$_] !~ $suite->{tests}[$_] } 0 .. $#tests;
	$bad = 1 unless $right && $spent <= 40;
	my $exec = '';
	if ($file && open my $script, '<', $file =~ s/repro\.json$/repro.sh/r) {
		($exec) = map { /^exec(.*)/ ? $1 : () } <$script>;
	}
	printf "| %s | %s%s | %d | %.0f | `%s` |\n", $name, join(', ', @tests) || 'none found', $right ? '' : ' (**wrong**)', $spent, time - $before,
		($exec // '') =~ s/^ //r =~ s/'([\w.\/:=-]+)'/$1/gr;
}
exit $bad;
