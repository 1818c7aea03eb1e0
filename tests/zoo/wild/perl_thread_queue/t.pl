#!/usr/bin/perl
# Three workers, two end marks: the last one waits for ever.
use strict;
use warnings;
use threads;
use Thread::Queue;

my $queue = Thread::Queue->new;

sub work {
	while (defined(my $item = $queue->dequeue)) {
		print "did $item\n";
	}
}

my @workers = map { threads->create(\&work) } 1 .. 3;
$queue->enqueue(1 .. 5);
$queue->enqueue(undef) for 1 .. 2;
$_->join for @workers;
