# SPDX-License-Identifier: Apache-2.0
# Pty.pm - a terminal for a test: starts a command as the session leader of a pseudo-terminal,
# types on it, reads its screen, changes its size. Linux only, by ioctl numbers that
# x86-64 and arm64 share.
package Pty;
use strict;
use warnings;
use POSIX qw(:sys_wait_h setsid);
use Time::HiRes qw(time);

use constant {
	TIOCSPTLCK => 0x40045431, TIOCGPTN => 0x80045430, TIOCSCTTY => 0x540E, TIOCSWINSZ => 0x5414,
};

# new(argv, dir => …, env => {}, rows, cols, out => path, err => path): which streams are not the terminal.
sub new {
	my ($class, $argv, %o) = @_;
	open my $master, '+<', '/dev/ptmx' or die "/dev/ptmx: $!";
	my ($locked, $n) = (pack('i', 0), pack('i', 0));
	ioctl($master, TIOCSPTLCK, $locked) or die "unlockpt: $!";
	ioctl($master, TIOCGPTN, $n) or die "ptsname: $!";
	my $self = bless { master => $master, slave => '/dev/pts/' . unpack('i', $n), screen => '' }, $class;
	$self->resize($o{rows} // 24, $o{cols} // 80);
	# Held open, so that the screen can still be read and set up when nobody else has it.
	open $self->{keep}, '+<', $self->{slave} or die "slave: $!";
	$self->{before} = $self->settings;
	$self->{pid} = fork() // die "fork: $!";
	if (!$self->{pid}) {
		setsid();
		open my $tty, '+<', $self->{slave} or die "slave: $!";
		ioctl($tty, TIOCSCTTY, 0) or die "controlling terminal: $!";
		close $master;
		close $self->{keep};
		chdir $o{dir} if $o{dir};
		$ENV{$_} = $o{env}{$_} for keys %{ $o{env} // {} };
		open STDIN, '<&', $tty;
		if ($o{out}) { open STDOUT, '>', $o{out} } else { open STDOUT, '>&', $tty }
		if ($o{err}) { open STDERR, '>', $o{err} } else { open STDERR, '>&', $tty }
		close $tty;
		{ no warnings; exec { $argv->[0] } @$argv; }
		POSIX::_exit(127);
	}
	return $self;
}

sub resize {
	my ($self, $rows, $cols) = @_;
	my $size = pack 'S4', $rows, $cols, 0, 0;
	ioctl($self->{master}, TIOCSWINSZ, $size) or die "window size: $!";
}

sub type { my ($self, $text) = @_; syswrite $self->{master}, $text }

# Reads until the pattern is on the screen behind what was matched before; false after `seconds`.
sub expect {
	my ($self, $pattern, $seconds) = @_;
	my $until = time + ($seconds // 10);
	while (1) {
		return 1 if $self->{screen} =~ s/\A.*?$pattern//s;
		return 0 if time > $until;
		$self->slurp(0.05);
	}
}

sub slurp {
	my ($self, $seconds) = @_;
	my $bits = '';
	vec($bits, fileno $self->{master}, 1) = 1;
	return 0 unless select $bits, undef, undef, $seconds // 0;
	my $n = sysread $self->{master}, my $buf, 65536;
	return 0 unless $n;
	$self->{screen} .= $buf;
	$self->{all} .= $buf;
	return $n;
}

# The exit code (128+N by signal), or undef where it does not end.
sub finish {
	my ($self, $seconds) = @_;
	my $until = time + ($seconds // 10);
	while (waitpid($self->{pid}, WNOHANG) == 0) {
		return undef if time > $until;
		$self->slurp(0.02);
	}
	my $status = $?;
	1 while $self->slurp(0.02);
	return $status & 127 ? 128 + ($status & 127) : $status >> 8;
}

# The terminal's settings as stty prints them; {before} has those from before the start.
sub settings {
	my ($self) = @_;
	my $got = `stty -g < $self->{slave}`;
	chomp $got;
	return $got;
}

sub close_all { my ($self) = @_; close $self->{keep}; close $self->{master} }

1;
