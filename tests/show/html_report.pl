#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Opens report.html in a headless Chromium, with scripts and with scripts blocked, light and dark, small and with ten
# thousand spans; prints what it measured. With --write the pictures go to docs/img.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use RealHangs;
use Chromium;
use File::Copy qw(copy);

$Chromium::program or die "no chromium here (apt-get install chromium)\n";
my $write = grep { $_ eq '--write' } @ARGV;
my $dir = new_dir();

sub page_of {
	my ($where, @trace) = @_;
	return run_spec(['report', '--format', 'html', @trace], dir => $where)->{out};
}

sub picture {
	my ($name, $page, %o) = @_;
	write_file("$dir/$name.html", $page);
	my $seen = Chromium::open_page("file://$dir/$name.html");
	my $shot = Chromium::open_page("file://$dir/$name.html", screenshot => "$dir/$name.png", %o);
	printf "%-14s %8d bytes, %5.0f ms, %d requests out of the page%s\n", $name, length $page, $seen->{ms}, scalar @{ $seen->{requests} },
		-s "$dir/$name.png" ? '' : ', no picture';
	return if !$write || $name eq 'report-plain' || !-s "$dir/$name.png";
	system('pngquant', '--force', '--output', "$dir/$name.png", '64', "$dir/$name.png") if grep { -x "$_/pngquant" } split /:/, $ENV{PATH};
	mkdir 'docs/img';
	copy("$dir/$name.png", "docs/img/$name.png") or die "docs/img/$name.png: $!";
	printf "%-14s %8d bytes of picture\n", '', -s "docs/img/$name.png";
}

my ($hang) = grep { $_->[1] eq 'popen_pipe.py' } @RealHangs::hangs;
my $r = RealHangs::run_hang($hang, 1500);
my $page = page_of($r->{dir});
my $blank = Chromium::open_page('about:blank');
printf "%-14s %8s        %5.0f ms (the browser itself)\n", 'about:blank', '', $blank->{ms};
picture('report-light', $page, height => 1010);
picture('report-dark', $page, height => 1010, dark => 1);
picture('report-narrow', $page, width => 500, height => 1010);
picture('report-plain', Chromium::without_script($page), height => 1010);

# A run of ten thousand tests, one of which hangs.
my $n = 10_000;
my $tests = join '', map { "ok $_ - test number $_\n" } 1 .. $n - 1;
write_file("$dir/tests.tap", "TAP version 13\n1..$n\n$tests");
my $many = run_spec(['--timeout-ms', 2500, '--dialect', 'tap', 'run', '--', 'sh', '-c', 'cat tests.tap; sleep 99'], dir => $dir);
picture('report-many', page_of($dir), height => 1500);

# Three hundred tests, eight of which fail, each with a place and a reason.
my $cart = join '', map { my $body = $_ % 37 == 5 ? "total = {'items': $_}\n    assert total == {'items': $_ + 1}" : 'pass';
	"def test_price_$_():\n    $body\n\n" } 1 .. 300;
mkdir "$dir/cart";
write_file("$dir/cart/test_cart.py", "import sys\n\n$cart");
run_spec(['run', '--', '/usr/bin/python3', '-m', 'pytest', '-v', '-p', 'no:cacheprovider', 'test_cart.py'], dir => "$dir/cart");
my $failed = page_of("$dir/cart");
picture('failures-light', $failed, height => 1010);
picture('failures-dark', $failed, height => 1010, dark => 1);
picture('failures-narrow', $failed, width => 500, height => 1010);
