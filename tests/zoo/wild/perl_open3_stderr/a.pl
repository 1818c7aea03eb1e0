# stdout is read to its end first, while the child is stuck with a full stderr.
use strict;
use warnings;
use IPC::Open3;
use Symbol 'gensym';

sub run {
	my $err = gensym;
	my $pid = open3(my $in, my $out, $err, $^X, '-e', 'print STDERR "w" x 300000; print "done\n"');
	my @out = <$out>;
	my @err = <$err>;
	waitpid $pid, 0;
	return @out;
}

run();
