# Reads the answer of a filter whose input it has not closed.
use strict;
use IPC::Open2;
my $pid = open2(my $out, my $in, 'sort');
print $in "b\na\n";
$in->flush;
my @sorted = <$out>;
close $in;
