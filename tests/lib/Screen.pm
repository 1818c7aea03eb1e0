# SPDX-License-Identifier: Apache-2.0
# Screen.pm - what stands on a terminal after the bytes that were written to it: lines, cursor, alternate
# screen. Enough of xterm for what the tests write; dies of what it does not know.
package Screen;
use strict;
use warnings;
use Encode qw(decode);

sub new {
	my ($class, $rows, $cols, %o) = @_;
	return bless { rows => $rows, cols => $cols, line => [''], row => 0, col => 0, top => 0, wrap => 0, cr => $o{cr} // 0 }, $class;
}

sub width { return $_[0] =~ /[\p{EA=W}\p{EA=F}]/ ? 2 : $_[0] =~ /[\p{Mn}\p{Me}\p{Cf}]/ ? 0 : 1 }

# Cells are characters; the right half of a wide one is \0. row counts from the first line ever.
sub put {
	my ($s, $c) = @_;
	my $w = width($c) or return;
	if ($s->{wrap} || $s->{col} + $w > $s->{cols}) { $s->{col} = 0; $s->index }
	my $line = \$s->{line}[ $s->{row} ];
	$$line //= '';
	$$line .= ' ' x ($s->{col} + $w - length $$line) if length $$line < $s->{col} + $w;
	substr $$line, $s->{col}, $w, $w == 2 ? "$c\0" : $c;
	$s->{col} += $w;
	$s->{wrap} = 0;
	if ($s->{col} == $s->{cols}) { $s->{col}--; $s->{wrap} = 1 }
}

sub index {
	my ($s) = @_;
	$s->{wrap} = 0;
	$s->{row}++;
	$s->{top} = $s->{row} - $s->{rows} + 1 if $s->{row} >= $s->{top} + $s->{rows};
	$s->{line}[ $s->{row} ] //= '';
}

sub go {
	my ($s, $row, $col) = @_;
	$row = $s->{top} if $row < $s->{top};
	$row = $s->{top} + $s->{rows} - 1 if $row >= $s->{top} + $s->{rows};
	@$s{qw(row col wrap)} = ($row, $col < 0 ? 0 : $col >= $s->{cols} ? $s->{cols} - 1 : $col, 0);
}

sub cut { my ($s) = @_; $s->{wrap} = 0; my $l = \$s->{line}[ $s->{row} ]; $$l = substr $$l // '', 0, $s->{col} }

sub erase {
	my ($s, $how) = @_;
	my $last = $s->{top} + $s->{rows} - 1;
	if ($how == 0) { $s->cut; $s->{line}[$_] = '' for $s->{row} + 1 .. $last }
	if ($how == 2) { $s->{line}[$_] = '' for $s->{top} .. $last }
}

sub private {
	my ($s, $mode, $set) = @_;
	$s->{cursor_hidden} = !$set if $mode == 25;
	return if $mode != 1049 || $set == !!$s->{main};
	if ($set) {
		my %main = %$s;
		@$s{qw(main line row col top wrap)} = (\%main, [''], 0, 0, 0, 0);
	} else {
		my $main = $s->{main};
		@$s{qw(line row col top wrap main)} = (@$main{qw(line row col top wrap)}, undef);
	}
}

sub csi {
	my ($s, $args, $final) = @_;
	if ($args =~ /^\?/) {
		$s->private($_, $final eq 'h') for $final =~ /[hl]/ ? $args =~ /(\d+)/g : ();
		return;
	}
	return if $args =~ /^[<=>!]/ || $args =~ /[ \$]$/;
	my @n = split /;/, $args;
	my $n = $n[0] || 1;
	if ($final eq 'A') { $s->go($s->{row} - $n, $s->{col}) }
	elsif ($final eq 'B') { $s->go($s->{row} + $n, $s->{col}) }
	elsif ($final eq 'C') { $s->go($s->{row}, $s->{col} + $n) }
	elsif ($final eq 'D') { $s->go($s->{row}, $s->{col} - $n) }
	elsif ($final eq 'G') { $s->go($s->{row}, $n - 1) }
	elsif ($final eq 'H' || $final eq 'f') { $s->go($s->{top} + $n - 1, ($n[1] || 1) - 1) }
	elsif ($final eq 'd') { $s->go($s->{top} + $n - 1, $s->{col}) }
	elsif ($final eq 'J') { $s->erase($n[0] // 0) }
	elsif ($final eq 'K') {
		if (($n[0] // 0) == 2) { $s->{line}[ $s->{row} ] = '' } elsif (!$n[0]) { $s->cut }
	} elsif ($final !~ /[mrhltnc]/) { die "CSI $args$final is not known" }
}

sub write {
	my ($s, $bytes) = @_;
	my $text = decode('UTF-8', $bytes);
	while ($text =~ /\G(?:\e\[([0-9;?<=>! \$]*)([\x40-\x7e])|\e\][^\a\e]*(?:\a|\e\\)|\e([\x28-\x2f].)|\e(.)|(.))/gs) {
		if (defined $2) { $s->csi($1, $2) }
		elsif (defined $4) {
			if ($4 eq 'D') { $s->index }
			elsif ($4 eq 'M') { $s->go($s->{row} - 1, $s->{col}) }
			elsif ($4 eq '7') { $s->{saved} = [ $s->{row} - $s->{top}, $s->{col}, $s->{wrap} ] }
			elsif ($4 eq '8') { @$s{qw(row col wrap)} = ($s->{saved}[0] + $s->{top}, @{ $s->{saved} }[1, 2]) }
			elsif ($4 !~ /[=>]/) { die "ESC $4 is not known" }
		} elsif (defined $5) {
			my $c = $5;
			if ($c eq "\n") { $s->index; $s->{col} = 0 if $s->{cr} }
			elsif ($c eq "\r") { @$s{qw(col wrap)} = (0, 0) }
			elsif ($c eq "\b") { $s->go($s->{row}, $s->{col} - 1) }
			elsif ($c eq "\t") { my $to = ($s->{col} | 7) + 1; $s->go($s->{row}, $to) }
			elsif (ord $c >= 32) { $s->put($c) }
		}
	}
	return $s;
}

# All that was ever shown, without blanks at the ends of lines and blank lines at the end.
sub text {
	my ($s) = @_;
	my $all = join "\n", map { my $l = $_ // ''; $l =~ s/\0//g; $l =~ s/ +$//r } @{ $s->{line} };
	return $all =~ s/\n+\z//r;
}

sub cursor { my ($s) = @_; return "$s->{row},$s->{col}" }

1;
