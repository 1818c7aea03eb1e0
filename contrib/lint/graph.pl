#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# graph.pl FILE... - who includes whom: by wing, by room of runner/, and circles of files within one folder (a .c, its .h
# and its private X_internal.h are one). What may include whom is checked by style.pl; this prints it, and fails where
# there is a circle in one of the folders that have none.
use strict;
use warnings;

my $without = qr{^(?:profile|runner/proc)/};
my (%wing, %room, %edge);
for my $file (grep { m{^(?!tests/|contrib/)\w+/} } @ARGV) {
	open my $in, '<', $file or die "$file: $!\n";
	while (<$in>) {
		my ($to) = m{^\s*#\s*include\s+"([\w/]+)\.\w+"} or next;
		my ($module) = $file =~ m{^(.*)\.\w+$};
		s{_int(?:ernal)?$}{} for $module, $to;
		my ($a, $b) = map { m{^(\w+)/} } $module, $to;
		$wing{$a}{$b}++ if $b && $a ne $b;
		my ($r, $q) = map { m{^runner/(\w+)/} ? $1 : undef } $module, $to;
		$room{$r}{$q}++ if $r && $q && $r ne $q;
		$edge{$module}{$to} = 1 if $module ne $to && ($module =~ s{[^/]*$}{}r) eq ($to =~ s{[^/]*$}{}r);
	}
}
for (['wings', \%wing], ['rooms of runner/', \%room]) {
	my ($title, $g) = @$_;
	print "$title:\n";
	for my $from (sort keys %$g) {
		printf "  %-10s -> %s\n", $from, join ', ', map { "$_ ($g->{$from}{$_})" } sort keys %{ $g->{$from} };
	}
}

# Strongly connected components, by Tarjan.
my ($count, @stack, %index, %low, %on, @circles) = (0);
sub visit {
	my ($v) = @_;
	$index{$v} = $low{$v} = $count++;
	push @stack, $v;
	$on{$v} = 1;
	for my $w (sort keys %{ $edge{$v} // {} }) {
		if (!defined $index{$w}) {
			visit($w);
			$low{$v} = $low{$w} if $low{$w} < $low{$v};
		} elsif ($on{$w} && $index{$w} < $low{$v}) {
			$low{$v} = $index{$w};
		}
	}
	return if $low{$v} != $index{$v};
	my @component;
	do { push @component, pop @stack; delete $on{ $component[-1] } } until $component[-1] eq $v;
	push @circles, [sort @component] if @component > 1;
}
no warnings 'recursion';
defined $index{$_} or visit($_) for sort keys %edge;
print "circles of files:\n", map { '  ' . join(' ', @$_) . "\n" } @circles;
print "  none\n" unless @circles;
my @new = grep { $_->[0] =~ $without } @circles;
die 'a new circle of files: ', join(' ', @$_), "\n" for @new;
