# hang.pl - hangs in Perl.
use strict; use warnings;
alarm 60;
my %animal = (
	pl_sleep => sub { sleep 60 },
	pl_wait => sub { my $pid = fork; if (!$pid) { sleep 60; exit } waitpid $pid, 0 },
	pl_pipe => sub { open my $f, '-|', 'sleep 60' or die; <$f> },
	pl_select => sub { select undef, undef, undef, 60 },
	pl_stdin => sub { <STDIN> },
);
$animal{$ARGV[0]}->();
