#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# names.pl - hostile names of tests in every format, and each format rendered by what people read it with: the page in
# Chromium, TAP in prove, Markdown in cmark-gfm, XML and JSON by a parser, the console on a terminal. One line a format;
# exit 1 where anything was executed, moved, mentioned or forged. What is not installed is said.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);

BEGIN { $ENV{TMPDIR} = tempdir('/tmp/hostile-names.XXXXXX') }
use Chromium;
use HostileNames;
use JSON::PP;
use Screen;
use SpecRunner;

my $dir = new_dir();
my $names = @hostile_names;
my $r = fail_with_names($dir);
my %text = map { $_ => run_spec(['report', '--format', $_], dir => $dir)->{out} } qw(html github console markdown sarif junit tap);
my $failed = 0;

sub row {
	my ($what, $by, @wrong) = @_;
	$failed ||= @wrong;
	printf "%-20s %-14s %s\n", $what, $by, @wrong ? "WRONG: @wrong" : 'nothing acts';
}

sub has { my ($program) = @_; return grep { -x "$_/$program" } split /:/, $ENV{PATH} }

# Every element of the page is ours: those of the names would be counted besides.
if ($Chromium::program) {
	write_file("$dir/hostile.html", $text{html});
	my $page = Chromium::open_page("file://$dir/hostile.html");
	my $dom = $page->{dom} =~ s/="[^"]*"//gr; # what stands in an attribute is text
	my @wrong;
	push @wrong, 'it asks for ' . join ' ', @{ $page->{requests} } if @{ $page->{requests} };
	push @wrong, 'an element of a name' if $dom =~ /<img|<svg[^>]*onload|<x>|<script>alert/;
	push @wrong, 'names are not shown' if $dom !~ /&lt;script&gt;alert\(1\)/;
	push @wrong, 'no page' if !$page->{logged} || length $dom < 1000;
	row('report.html', 'Chromium', @wrong);
} else {
	row('report.html', 'no Chromium');
}

# As many points as names, none skipped, nothing bailed out.
{
	require TAP::Parser;
	my $p = TAP::Parser->new({ tap => $text{tap} });
	$p->run;
	row('tap', 'TAP::Parser', ($p->tests_run == $names ? () : $p->tests_run . ' points'), ($p->parse_errors ? $p->parse_errors : ()),
		(scalar($p->failed) == $names ? () : 'not all failed'), ($p->skipped || $p->todo ? 'skipped' : ()));
}

for ([markdown => $text{markdown}], ['report.md' => read_file("$dir/.artifacts/report.md")],
	['run-trace-summary.md' => read_file("$dir/.artifacts/run-trace-summary.md")], ['step summary' => read_file("$dir/step.md")]) {
	my ($what, $md) = @$_;
	if (!has('cmark-gfm')) { row($what, 'no cmark-gfm'); next }
	write_file("$dir/x.md", $md);
	my $html = `cmark-gfm --unsafe -e table -e strikethrough -e autolink -e tagfilter '$dir/x.md'`;
	my $bare = $html =~ s{<code[^>]*>.*?</code>}{}gsr;
	my @wrong;
	push @wrong, "element $1" if $bare =~ /(<(?:script|img|svg|meta|x|iframe|b)\b[^>]*>)/;
	push @wrong, "link $1" if $bare =~ /(<a [^>]*(?:javascript|127\.0\.0\.1)[^>]*>)/;
	push @wrong, "mention $1" if $bare =~ s/<[^>]*>//gr =~ /(?<!\w)(\@(?!-)\w+)/;
	push @wrong, 'heading' if $html =~ m{<h\d>heading</h\d>};
	push @wrong, 'bold or struck' if $bare =~ m{<em>it</em>|<del>x</del>|<em>bold</em>};
	row($what, 'cmark-gfm', @wrong);
}

# The console: what moves the cursor or is unknown to the terminal would be seen; every line of ours begins as ours.
{
	my $screen = Screen->new(200, 4000);
	my @wrong = eval { $screen->write($text{console} =~ s/\n/\r\n/gr); 1 } ? () : ("the terminal: $@");
	my @lines = grep { length } map { s/\s+$//r } grep { defined } @{ $screen->{line} };
	push @wrong, 'a forged line' if grep { !/^spec-runner: / } @lines;
	push @wrong, 'lines were overwritten' if @lines != grep { length } split /\n/, $text{console};
	row('console', 'terminal', @wrong);
}

{
	my $d = eval { decode_json($text{sarif}) };
	row('sarif', 'JSON', $d ? () : "$@");
	if (has('xmllint')) {
		for (['junit', $text{junit}], ['--junit', read_file("$dir/out.xml")]) {
			write_file("$dir/x.xml", $_->[1]);
			my $n = `xmllint --xpath 'count(//testcase)' '$dir/x.xml' 2>&1`;
			chomp $n;
			row($_->[0], 'xmllint', $n eq $names ? () : "$n test cases");
		}
	}
	my @commands = $text{github} =~ /^(::[^\n]*)/mg;
	my @wrong = grep { !/^::(?:error|warning|notice) (?:[a-z]+=[^:,]*,?)*::/ && !/^::(?:group::|endgroup::)/ } @commands;
	row('github', 'its grammar', @wrong, $text{github} =~ /##\[/ ? '##[' : ());
}
print "$names names\n";
remove_tree($ENV{TMPDIR});
exit($failed ? 1 : 0);
