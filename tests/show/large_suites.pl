#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# large_suites.pl - the tests of large projects under `run`, and their tools' own closing lines beside what we read:
# CPython's (libpython3.11-testsuite), an npm package's (qs, by tape), a Debian package's (Type::Tiny, by prove).
# Fetches what is not there into .artifacts/large (npm, apt-get source); takes some minutes. Not part of `make check`.
#
#   tests/show/large_suites.pl [cpython|qs|type-tiny]...
use strict;
use warnings;
use Cwd qw(abs_path getcwd);
use JSON::PP;

my $root = getcwd();
my $spec = abs_path($ENV{SPEC_RUNNER} // './spec-runner');
my $work = "$root/.artifacts/large";
my @modules = qw(test_json test_re test_email test_collections test_datetime test_typing test_unittest test_decimal test_itertools
	test_functools test_argparse test_enum test_dataclasses test_pathlib test_zipfile test_struct test_string test_set
	test_dict test_list test_bytes test_unicode test_int test_float test_statistics test_random test_heapq);

sub sh { system('sh', '-c', $_[0]) == 0 or die "$_[0]: $?\n" }

# Sum of a number that every file's closing line has.
sub sum { my ($text, $re) = @_; my $n = 0; $n += $1 while $text =~ /$re/g; return $n }

my %suites = (
	cpython => {
		ready => sub { -e '/usr/lib/python3.11/test/test_json' or die "apt-get install libpython3.11-testsuite\n" },
		dir => $work, runs => ['/usr/bin/python3', '-m', 'test', '-v', @modules],
		closing => sub {
			my ($text) = @_;
			return { total => sum($text, qr/^Ran (\d+) tests? in /m), fail => sum($text, qr/^FAILED \(.*?failures=(\d+)/m),
				skip => sum($text, qr/^(?:OK|FAILED) \(.*?skipped=(\d+)/m) };
		},
	},
	qs => {
		ready => sub {
			return if -x "$work/package/node_modules/.bin/tape";
			# of what its package.json wants, what its tests want, in any version
			sh(qq{cd '$work' && npm pack --silent qs && tar xzf qs-*.tgz && cd package && node -e '
				const fs = require("fs"), p = JSON.parse(fs.readFileSync("package.json"));
				for (const k of Object.keys(p.devDependencies)) p.devDependencies[k] = "*";
				p.scripts = {}; fs.writeFileSync("package.json", JSON.stringify(p))' &&
				npm install --no-audit --no-fund --ignore-scripts});
		},
		dir => "$work/package", runs => ['node_modules/.bin/tape', 'test/**/*.js'],
		closing => sub {
			my ($text) = @_;
			return { total => sum($text, qr/^# tests\s+(\d+)/m), fail => sum($text, qr/^# fail\s+(\d+)/m) };
		},
	},
	'type-tiny' => {
		ready => sub {
			return if -d "$work/Type-Tiny/t";
			sh(qq{cd '$work' && apt-get source --download-only libtype-tiny-perl && mkdir -p Type-Tiny &&
				tar xzf libtype-tiny-perl_*.orig.tar.gz -C Type-Tiny --strip-components=1});
		},
		dir => "$work/Type-Tiny", runs => ['prove', '-v', '-l', '-Iinc', '-r', 't'],
		closing => sub { return { total => sum($_[0], qr/^Files=\d+, Tests=(\d+),/m) } },
	},
);

mkdir $_ for "$root/.artifacts", $work;
my $bad = 0;
my @wanted = @ARGV ? @ARGV : sort keys %suites;
print "| suite | the tool's closing line | read by us | |\n|---|---|---|---|\n";
for my $name (@wanted) {
	my $suite = $suites{$name} // die "no suite '$name' (", join(', ', sort keys %suites), ")\n";
	if (!eval { $suite->{ready}->(); 1 }) {
		print "| $name | | | not here: ", $@ =~ s/\n.*//sr, " |\n";
		next;
	}
	chdir $suite->{dir} or die "$suite->{dir}: $!\n";
	system('rm', '-rf', "$work/trace-$name");
	system("'$spec' run --profile-level detailed --artifacts-dir '$work/trace-$name' -- "
		. join(' ', map { "'$_'" } @{ $suite->{runs} }) . " >'$work/$name.out' 2>&1 </dev/null");
	open my $out, '<:raw', "$work/$name.out" or die;
	my $theirs = $suite->{closing}->(do { local $/; <$out> });
	my $json = `'$spec' report --format tests-json '$work/trace-$name/run-trace.json'`;
	my @tests = grep { $_->{kind} eq 'test' && !$_->{nested} } @{ JSON::PP->new->utf8->decode($json)->{tests} };
	my %ours = (total => scalar @tests);
	$ours{ $_->{result} }++ for @tests;
	my $same = 1;
	for my $what (keys %$theirs) { $same &&= $theirs->{$what} == ($ours{$what} // 0) }
	$bad = 1 unless $same && $theirs->{total};
	print "| $name | ", join(', ', map { "$_ $theirs->{$_}" } reverse sort keys %$theirs), ' | ',
		join(', ', map { "$_ " . ($ours{$_} // 0) } reverse sort keys %ours), ' | ', $same ? 'the same' : '**other**', " |\n";
}
exit $bad;
