# SPDX-License-Identifier: Apache-2.0
# Chromium.pm - opens a page in a headless Chromium, without any network of its own.
package Chromium;
use strict;
use warnings;

use File::Path qw(remove_tree);
use JSON::PP;
use SpecRunner;
use Time::HiRes qw(time);

our $program = (grep { -x } map { ("$_/chromium", "$_/chromium-browser", "$_/google-chrome") } split /:/, $ENV{PATH} // '')[0];
my $count = 0;

# Opens $url. Options: dark => 1, screenshot => path, width, height, timeout (s).
# Returns { dom, ms, requests => [urls that are not $url], code }.
sub open_page {
	my ($url, %o) = @_;
	my $dir = new_dir();
	my @args = (qw(--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
		--disable-component-update --disable-sync --disable-default-apps --disable-extensions --hide-scrollbars
		--disable-dev-shm-usage --no-default-browser-check --disable-breakpad),
		'--disable-features=OptimizationHints,MediaRouter,Translate,NetworkTimeServiceQuerying', '--host-resolver-rules=MAP * ~NOTFOUND',
		"--user-data-dir=$dir/profile", "--log-net-log=$dir/net.json", '--net-log-capture-mode=Everything',
		'--window-size=' . ($o{width} // 1240) . ',' . ($o{height} // 900));
	push @args, '--blink-settings=preferredColorScheme=0' if $o{dark};
	push @args, $o{screenshot} ? "--screenshot=$o{screenshot}" : '--dump-dom';
	my $start = time;
	my $r = run_plain([$program, @args, $url], dir => $dir, timeout => $o{timeout} // 60,
		env => { HOME => $dir, XDG_CONFIG_HOME => $dir, XDG_CACHE_HOME => $dir, DBUS_SESSION_BUS_ADDRESS => 'disabled:' });
	my %found = (dom => $r->{out}, ms => (time - $start) * 1000, code => $r->{code}, err => $r->{err});
	my $log = read_file("$dir/net.json") // '';
	# Every URL that a request was made for stands in the log, also what the browser asks its maker by itself.
	my %urls = map { $_ => 1 } $log =~ /"url":"([^"]+)"/g;
	$found{requests} = [grep { $_ ne $url && !m{^(?:chrome|chrome-extension|devtools|about|data):|^https?://[a-z0-9.]+\.google(?:apis)?\.com/} } sort keys %urls];
	$found{logged} = exists $urls{$url} || length $log;
	remove_tree($dir);
	return \%found;
}

# The same page under a policy that blocks scripts, as Jenkins and others show archived pages.
sub without_script {
	my ($page) = @_;
	$page =~ s/script-src '[^']*'/script-src 'none'/ or die 'the page has no policy';
	return $page;
}

1;
