# waitpid comes before the reading of what the child writes.
use strict;
use warnings;

sub build {
	pipe my $r, my $w or die;
	my $pid = fork // die;
	if (!$pid) {
		close $r;
		print $w 'x' x 300000;
		exit;
	}
	close $w;
	waitpid $pid, 0;
	local $/;
	return <$r>;
}

print length build();
