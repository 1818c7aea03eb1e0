# SPDX-License-Identifier: Apache-2.0
# Row.pm - one row of the benchmark table, and whether all were within their bounds.
package Row;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT = qw(row median finish_rows);

my $beyond = 0;

# row(what, ours, the other, figure, bound, good)
sub row {
	my ($what, $ours, $other, $figure, $bound, $good) = @_;
	$beyond = 1 unless $good;
	print '| ', join(' | ', $what, $ours, $other, $figure, $bound, $good ? 'ok' : '**beyond**'), " |\n";
}

sub median { my @v = sort { $a <=> $b } @_; return $v[$#v / 2] }

sub finish_rows { exit $beyond }

1;
