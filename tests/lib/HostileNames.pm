# SPDX-License-Identifier: Apache-2.0
# HostileNames.pm - names of tests that would act if somebody took them for more than text: markup, escape sequences,
# commands of CI systems, mentions, what turns the direction of writing.
package HostileNames;
use strict;
use warnings;

use Exporter 'import';
use SpecRunner;

our @EXPORT = qw(@hostile_names fail_with_names);

our @hostile_names = (
	'<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '"><svg/onload=alert(1)>', '</title><meta http-equiv=refresh content=0>', "a\x{1}b",
	"\e[2J\e[1;1Hforged", "\e]0;title\a", "c1 \xc2\x9b2J csi", "del \x7f x", "bidi \xe2\x80\xae evil \xe2\x81\xa6 x", "zero\xe2\x80\x8bwidth",
	"bad utf8 \xff\xfe \xc3(", '##[error]forged', "#\e[0m#\e[0m[error]forged anew", '###[group]x', '::error::forged', '::stop-commands::x', '@octocat please', '(@team/all)',
	'`code` and ``more``', '| cell | cell |', '[link](javascript:alert(1))', '![img](http://127.0.0.1/x)', '*bold* _it_ ~~x~~', '# heading', '- item', '> quote',
	'&lt;b&gt; &amp;', "]]> <x/>", '<!-- comment -->', '--> out', '{{7*7}} ${7*7} #{7*7}', "'; drop table x; --", '%0A%0D::error::x', '$(touch /tmp/x) `id`',
	'../../etc/passwd', 'CON NUL', "\xf0\x9f\x92\xa5 boom", 'x' x 3000, "\xf3\xa0\x81\x81tag", "line sep \xe2\x80\xa8 x", "=1+1", "\\", '"quoted" \'single\'',
);

# A run of as many failing tests with these names, on GitHub Actions, in a new folder.
sub fail_with_names {
	my ($dir) = @_;
	mkdir "$dir/.git";
	write_file("$dir/print.pl", 'open F, "<:raw", "names"; print "TAP version 13\n"; my $n; while (<F>) { chomp; $n++; print "not ok $n - $_\n" } print "1..$n\n"; exit 1');
	write_file("$dir/names", join '', map { "$_\n" } @hostile_names);
	return run_spec(['--profile-level', 'detailed', '--junit', 'out.xml', 'run', '--', $^X, 'print.pl'], dir => $dir,
		env => { GITHUB_ACTIONS => 'true', GITHUB_STEP_SUMMARY => "$dir/step.md" });
}

1;
