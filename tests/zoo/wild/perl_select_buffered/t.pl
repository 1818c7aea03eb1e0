#!/usr/bin/perl
# Two lines come at once: readline takes both into its buffer, and select waits for the second one.
use strict;
use warnings;
use IO::Select;

pipe(my $r, my $w) or die;
syswrite $w, "one\ntwo\n";
my $set = IO::Select->new($r);

sub next_line {
	my ($fh) = @_;

	# something to read?
	my @ready = $set->can_read;
	return scalar <$fh>;
}

print next_line($r);
print next_line($r);
close $w;
