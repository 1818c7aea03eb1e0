#!/usr/bin/perl
# The signal comes before the wait, and the condition is not looked at.
use strict;
use warnings;
use threads;
use threads::shared;

my $ready :shared;

sub announce { lock $ready; $ready = 1; cond_signal($ready) }

threads->create(\&announce)->join;
{
	lock $ready;
	cond_wait($ready);
}
print "go\n";
