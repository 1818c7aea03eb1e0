#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# bisect finds the commit since which a command hangs, or fails, and never touches the user's tree.
use strict;
use warnings;
use lib 'tests/lib';
use History;
use JSON::PP;
use SpecRunner;
use Test::More;

plan skip_all => 'the history was left out: its packages are missing' unless has_history();
plan skip_all => 'no git here' if system('command -v git >/dev/null') != 0;
my $dir = new_dir();

sub git { my $out = qx{git -C $dir/r @_ 2>&1}; chomp $out; return $out }
mkdir "$dir/r";
mkdir "$dir/tmp";
git('init -q .');
for my $n (1 .. 8) {
	# hangs in every second run from the fifth commit on; fails from the third on
	write_file("$dir/r/t.sh", ($n >= 5 ? "n=\$(cat $dir/count); echo \$((n + 1)) > $dir/count; [ \$((n % 2)) = 1 ] && exec sleep 300\n" : '') . ($n >= 3 ? "exit 3\n" : "exit 0\n"));
	write_file("$dir/r/n", "$n\n");
	git('add -A');
	git("-c user.email=a\@b -c user.name=x commit -qm c$n");
}
write_file("$dir/count", "0\n");
write_file("$dir/r/t.sh", "dirty\n");
write_file("$dir/r/new", "x\n");
my ($status, $head) = (git('status --porcelain'), git('rev-parse HEAD'));
my $env = { TMPDIR => "$dir/tmp", SPEC_RUNNER_HISTORY => undef };
my $stall = 400 * slow_factor();

my $r = run_spec(['bisect', '--good', 'HEAD~7', '--bad', 'HEAD', '--runs', 3, '--liveness-stall-ms', $stall, '--json', '--', 'sh', 't.sh'], dir => "$dir/r", env => $env);
is $r->{code}, 0, 'found' or diag $r->{err};
my $v = eval { decode_json($r->{out}) } // {};
is $v->{subject}, 'c5', 'the commit since which it hangs';
is $v->{first_bad}, git('rev-parse HEAD~3'), 'by its id';
no_survivors($r);
$r = run_spec(['bisect', '--good', 'HEAD~7', '--bad', 'HEAD', '--runs', 1, '--fail', '--timeout-ms', 60000, '--liveness-stall-ms', $stall, '--', 'sh', 't.sh'], dir => "$dir/r", env => $env);
like $r->{out}, qr/\Afirst bad commit: [0-9a-f]{40} c3\n\z/, 'the commit since which it fails';
is git('status --porcelain'), $status, 'the tree and index are as they were';
is git('rev-parse HEAD'), $head, 'HEAD, too';
is git('bisect log'), git('bisect log'), 'no bisect is left open';
unlike git('for-each-ref'), qr/bisect/, 'no ref of it';
is_deeply [files_in("$dir/tmp")], [], 'and no file';
is run_spec(['bisect', '--good', 'nope', '--bad', 'HEAD', '--', 'true'], dir => "$dir/r", env => $env)->{code}, 2, 'no such commit: exit 2';
is run_spec(['bisect', '--good', 'HEAD', '--', 'true'], dir => "$dir/r", env => $env)->{code}, 2, 'without --bad: exit 2';
is run_spec(['bisect', '--good', 'HEAD', '--bad', 'HEAD', '--runs', 'x', '--', 'true'], dir => "$dir/r", env => $env)->{code}, 2, 'a bad number: exit 2';
done_testing();
