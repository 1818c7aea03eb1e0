use strict;
use warnings;
use Test::More tests => 1;

system('sleep 5000 &');
ok(1, 'restarted');
