#!/usr/bin/perl
# Collects results of workers; one of them sleeps for ever.
use strict;
use warnings;
use IO::Select;

sub worker {
	my ($n, $out) = @_;
	sleep 100000 if $n == 2;
	syswrite $out, "result $n\n";
	exit 0;
}

my $all = IO::Select->new;
for my $n (1 .. 3) {
	pipe(my $r, my $w) or die;
	if (!fork) {
		close $r;
		worker($n, $w);
	}
	close $w;
	$all->add($r);
}
while ($all->count) {
	for my $r ($all->can_read) {
		my $line = readline $r;
		$all->remove($r) if !defined $line;
		print $line // '';
	}
}
