# hang.pl - hangs in Perl.
use strict; use warnings;
alarm 60;
package Stock {
	sub new { return bless { n => $_[1] }, $_[0] }
	sub take {
		my ($self) = @_;
		for my $i (1 .. $self->{n}) {
			if ($i == 2) {
				sleep 60; # AT pl_method
			}
		}
	}
}
package main;
my %animal = (
	pl_sleep => sub { sleep 60 }, # AT pl_sleep
	pl_wait => sub {
		my $pid = fork;
		if (!$pid) { exec 'sleep', 60 }
		waitpid $pid, 0; # AT pl_wait
	},
	pl_pipe => sub { open my $f, '-|', 'sleep 60' or die; <$f> }, # AT pl_pipe
	pl_select => sub { select undef, undef, undef, 60 }, # AT pl_select
	pl_stdin => sub { <STDIN> }, # AT pl_stdin
	pl_method => sub { Stock->new(3)->take },
	pl_sort => sub { my @x = sort { sleep 60; 0 } 2, 1 }, # AT pl_sort
	pl_eval => sub {
		eval { eval 'sleep 60'; 1 } # AT pl_eval
	},
	pl_flock => sub {
		my $pid = fork;
		open my $f, '<', $0 or die;
		if (!$pid) { flock $f, 2; sleep 60; exit } # HELD pl_flock
		select undef, undef, undef, 0.3;
		flock $f, 2; # AT pl_flock
	},
	pl_system => sub { system 'sh', '-c', 'read answer' }, # AT pl_system
	pl_accept => sub {
		require IO::Socket::INET;
		my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die;
		$s->accept; # AT pl_accept
	},
	pl_threads => sub { # two threads, two shared variables in opposite order
		require threads; require threads::shared;
		my ($stock, $orders) = (0, 0);
		&threads::shared::share($_) for \$stock, \$orders;
		my $other = threads->create(sub {
			lock($orders);
			select undef, undef, undef, 0.3;
			lock($stock); # AT pl_threads
		});
		lock($stock);
		select undef, undef, undef, 0.3;
		lock($orders); # AT pl_threads
	},
	pl_spin => sub { my $n = 0; while (1) { $n++ } }, # AT pl_spin
);
$animal{$ARGV[0]}->();
