#!/usr/bin/perl
use strict;
use warnings;

sub wait_for {
	my ($path) = @_;
	until (-e $path) {
		select undef, undef, undef, 0.2;
	}
}

wait_for('ready');
