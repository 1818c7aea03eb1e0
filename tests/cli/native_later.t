#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# native_later.t - what a run keeps of a stack is build-id and offset: a snapshot of a stripped program gets its names on
# another day, from the same build with its symbols, and the report made again tells them.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Cwd qw(abs_path);
use JSON::PP;
use Test::More;

my $dir = new_dir();
my $src = abs_path('tests/fixtures/native/blocks.c');
my $cc = $ENV{CC} // 'cc';
plan skip_all => "no compiler" if system("$cc -w -g -O1 -o $dir/full $src -ldl >$dir/log 2>&1");
system("strip -s -o $dir/blocks $dir/full") == 0 or die;
mkdir "$dir/root" or die;
write_file("$dir/root/spec-runner.yaml", "version: 1\n");

my $run = "cd $dir/root && ${\ spec() } run --timeout-ms 1500 -- $dir/blocks inlined";
system("$run >$dir/out 2>$dir/err");
is($? >> 8, 124, 'a run of a stripped program that hangs');
my ($raw) = sort glob "$dir/root/.artifacts/raw/*/snapshot-*.json";
ok($raw, 'keeps a snapshot') or BAIL_OUT(read_file("$dir/err"));

sub frames {
	my $json = decode_json(read_file($raw));
	my ($p) = grep { ($_->{argv}[0] // '') =~ m{/blocks$} } @{ $json->{processes} };
	return @{ $p->{threads}[0]{frames} };
}
my @before = frames();
my @own = grep { ($_->{module} // '') =~ m{/blocks$} } @before;
cmp_ok(scalar @own, '>=', 5, 'of every frame');
ok((!grep { $_->{function} || $_->{file} } @own), 'without their names');
ok((!grep { !$_->{build_id} || !$_->{offset} } @own), 'as build-id and offset');
my $whole = read_file($raw);

# The program is gone by now; what is left of it elsewhere is another copy of the same build.
unlink "$dir/blocks" or die;
like(`${\ spec() } symbolize $raw 2>&1`, qr/^\Q$raw\E: \d+ frames looked up$/m, 'without its binary nothing is found');
is_deeply([frames()], \@before, 'and nothing is changed');
system("$cc -w -g -O0 -o $dir/other $src -ldl") == 0 or die;
`${\ spec() } symbolize $raw $dir/other 2>&1`;
is_deeply([frames()], \@before, 'nor by a file of another build');
like(`${\ spec() } symbolize $raw $dir/other $dir/full 2>&1`, qr/^\Q$raw\E: [5-9] frames looked up$/m, 'with the same build');
my @after = frames();
is(join(' ', grep { /^(small|inner|middle|outer|main)$/ } map { $_->{function} // '' } @after), 'small inner middle outer main',
	'every function is named, the inlined one, too');
my @lines = split /\n/, read_file($src);
my ($small) = grep { ($_->{function} // '') eq 'small' } @after;
like($lines[($small->{line} // 1) - 1], qr/line of small/, 'with its line');
my ($was, $now) = map { decode_json($_) } $whole, read_file($raw);
for my $s ($was, $now) { delete $_->{frames} for map { @{ $_->{threads} } } @{ $s->{processes} } }
is_deeply($now, $was, 'everything else is as it was');

my $text = `cd $dir/root && ${\ spec() } report --format markdown 2>&1`;
like($text, qr/blocks\.c/, 'the report made again knows the place');
my ($finding) = @{ decode_json(read_file("$dir/root/.artifacts/findings.json"))->{findings} };
system("cd $dir/root && ${\ spec() } report >/dev/null 2>&1");
($finding) = @{ decode_json(read_file("$dir/root/.artifacts/findings.json"))->{findings} };
like($finding->{location} // '', qr/blocks\.c:small:\d+$/, 'and so does the finding');

write_file("$dir/no.json", "{}");
`${\ spec() } symbolize $dir/no.json 2>$dir/err`;
is($? >> 8, 2, 'what is no snapshot is refused');
like(read_file("$dir/err"), qr/^spec-runner: .*no\.json/, 'by name');
`${\ spec() } symbolize 2>$dir/err`;
is($? >> 8, 2, 'and so are no words at all');
done_testing();
