use Test::More tests => 2;
ok 1, 'adds';
subtest takes => sub {
	plan tests => 1;
	pipe my $read, my $write or die;
	is take($read), 'x';
};
sub take { sysread $_[0], my $byte, 1; return $byte } # AT perl_test
