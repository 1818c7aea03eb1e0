use strict;
print "Would you like to configure as much as possible automatically? [yes]\n";
my $answer = <STDIN>;
