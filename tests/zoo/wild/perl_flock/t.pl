# Locks a file through two handles.
use Fcntl ':flock';
open(my $a, '>', 'state') or die;
open(my $b, '>', 'state') or die;
flock($a, LOCK_EX) or die;
flock($b, LOCK_EX) or die;
