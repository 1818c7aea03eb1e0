# Waits for a signal that the child sends to the wrong process.
use strict;
$SIG{USR1} = sub { };
if (!fork) { kill 'USR1', $$; exit }
sub wait_go { select undef, undef, undef, undef }
wait_go();
