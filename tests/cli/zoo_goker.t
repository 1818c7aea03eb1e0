#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# zoo_goker.t - blocking bugs of Go programs, after the 68 of GoBench's GoKer list (re-created from their descriptions), each as a test of `go test`.
# The truth stands in the sources (tests/zoo/goker/help_test.go says how): every goroutine that stays blocked, its line and kind of wait, and who holds
# locks. Asked are `inspect` (exactly these goroutines, no holder that is none) and `run` (what comes first, where, and the test's name).
# A few are part of `make check`; ZOO_ALL=1 or ZOO_TABLE=FILE looks at all of them, ZOO_ONLY=REGEX at some.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use Zoo;
use Cwd qw(abs_path);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

my $zoo = abs_path('tests/zoo/goker');
my $dir = new_dir();
my @quick = map { "$_->[0]#$_->[1]" } ([cockroach => 1055], [cockroach => 7504], [etcd => 7902], [grpc => 862], [kubernetes => 58107], [moby => 25384],
	[moby => 17176], [serving => 2137]);
my @as_go = ('-test.timeout', '10m0s'); # as `go test` passes it: with a timer the runtime itself calls nothing a deadlock
my %pattern = ((map { $_ => 'hang.wait.sync.channel' } qw(chan_recv chan_send select)),
	(map { $_ => 'hang.wait.sync.goroutine' } qw(mutex rwlock semaphore condition)));

# The bugs with their truth: {at}{"file:line"} = kind of those that may come first, {beside} of the others, {holds}{"file:line"}.
sub bugs {
	my @bugs;
	for my $path (sort glob "$zoo/*_test.go") {
		(my $file = $path) =~ s{.*/}{};
		my $n = 0;
		for (split /\n/, read_file($path)) {
			$n++;
			push @bugs, { name => $1, type => $2, does => $3, at => {}, beside => {}, holds => {} } if m{^// (\w+#\d+) \(([^)]*)\): (.*)};
			my $bug = $bugs[-1] or next;
			$bug->{test} //= $1 if /^func (Test\w+)/;
			$bug->{lc $1}{"$file:$n"} = $2 if m{// (AT|BESIDE) (\w+)};
			$bug->{holds}{"$file:$n"} = 1 if m{// .* HOLDS\b};
		}
	}
	return @bugs;
}

# The innermost line of the user's, without what the bugs share.
sub line_of {
	my ($t) = @_;
	for my $f (@{ $t->{frames} }) {
		next unless ($f->{file} // '') =~ m{goker/(\w+_test\.go)$} && $1 ne 'help_test.go';
		return "$1:$f->{line}";
	}
	return undef;
}

sub place { my ($h) = @_; return $h->{file} && $h->{file} =~ m{goker/(\w+_test\.go)$} ? "$1:$h->{line}" : '?' }

# What is wrong in a diagnosis, and how many locks have a holder that can be named, and how many of them have it.
sub facts_wrong {
	my ($bug, $d) = @_;
	my (%seen, @wrong, $named);
	my %truth = (%{ $bug->{beside} }, %{ $bug->{at} });
	for my $t (map { @{ $_->{threads} }, @{ $_->{tasks} // [] } } @{ $d->{processes} }) {
		my $line = line_of($t) // next;
		my $kind = $t->{waits_on}{kind} // 'none';
		push @wrong, "$line: $kind" if ($truth{$line} // '') ne $kind;
		$seen{$line} = 1;
		next if $kind !~ /^(mutex|rwlock)$/;
		my @holders = map { place($_) } @{ $t->{waits_on}{holders} };
		push @wrong, map { "$line held by $_" } grep { !$bug->{holds}{$_} } @holders;
		$named ||= @holders;
	}
	push @wrong, map { "not seen: $_ $truth{$_}" } grep { !$seen{$_} } sort keys %truth;
	return (join(', ', @wrong), $named);
}

my ($locks, $named_locks) = (0, 0);

sub look {
	my (@some) = @_;
	my @live = map { begin("$dir/goker.test", @as_go, '-test.run', "^$_->{test}\$") } @some;
	my @runs = map { start_bug($_, 1) } @some;
	my @wrong = map { 'nothing looked at' } @some;
	my @named;
	for (my $until = time + 8 * slow_factor(); time < $until && grep { $_ } @wrong; ) {
		sleep 0.2;
		for my $i (grep { $wrong[$_] } 0 .. $#some) {
			my $d = eval { decode_json(inspect('--json', $live[$i]{pid})) };
			($wrong[$i], $named[$i]) = $d ? facts_wrong($some[$i], $d) : ('no JSON', 0);
		}
	}
	for my $i (0 .. $#some) {
		is $wrong[$i], '', "$some[$i]{name}: every blocked goroutine, its line, its wait, and no wrong holder" or diag inspect($live[$i]{pid});
		end($live[$i]);
		if (%{ $some[$i]{holds} }) {
			$locks++;
			$named_locks++ if $named[$i];
		}
		my ($result, $place, $first) = judge($some[$i], $runs[$i]);
		if ($result ne 'right') {
			kill_tagged($runs[$i]{tag});
			$runs[$i] = start_bug($some[$i], 3);
			($result, $place, $first) = judge($some[$i], $runs[$i]);
		}
		is $result, 'right', "$some[$i]{name}: the first finding" or diag read_file("$runs[$i]{dir}/.artifacts/findings.json");
		kill_tagged($runs[$i]{tag});
		$result = "facts: $wrong[$i]" if $wrong[$i] && $result eq 'right';
		zoo_row('goker', { name => $some[$i]{name}, does => "$some[$i]{type}: $some[$i]{does}", finding => $first,
			waits => join ', ', sort values %{ $some[$i]{at} } }, '', join(', ', sort keys %{ $some[$i]{holds} }), $place, $result);
	}
}

sub start_bug {
	my ($bug, $times) = @_;
	return start_spec(['--timeout-ms', $times * 900 * slow_factor(), '--liveness-kill-grace-ms', 300, 'run', '--pty', 'never', '--',
			"$dir/goker.test", @as_go, '-test.v', '-test.run', "^$bug->{test}\$"]);
}

sub judge {
	my ($bug, $r) = @_;
	my @found = found_by_run($r);
	my $first = $found[0] // { pattern_id => 'nothing' };
	my ($place) = map { m{([^/:]+):(?:.*:)?(\d+)$} ? "$1:$2" : $_ } $first->{location} // '';
	my $kind = $bug->{at}{$place};
	my $id = $first->{pattern_id};
	return ("WRONG: $id at $place", $place, $id) if !defined $kind && $id =~ /^hang\.(?!unexplained)/;
	return ("not found: $id", $place, $id) if !defined $kind;
	return ("WRONG: $id for $kind", $place, $id) if $id ne $pattern{$kind};
	my $trace = trace_of($r) or return ('no trace', $place, $id);
	my @running = map { $_->{attrs}{case_id} } grep { $_->{name} eq 'case.run' && $_->{status} ne 'ok' } @{ $trace->{spans} };
	return ("WRONG test: @running", $place, $id) if !grep { /\b$bug->{test}\b/ } @running;
	return ('right', $place, $id);
}

SKIP: {
	local $ENV{GOCACHE} = "$dir/go-cache";
	local $ENV{GOFLAGS} = '';
	skip 'no Go compiler', 1 unless which('go') && quietly("cd '$zoo' && go test -c -o '$dir/goker.test' .");
	my @bugs = bugs();
	my %quick = map { $_ => 1 } @quick;
	is scalar(@bugs), 68, 'the list has 68 bugs';
	@bugs = $ENV{ZOO_ONLY} ? grep { "$_->{name} $_->{test}" =~ /$ENV{ZOO_ONLY}/ } @bugs : zoo_all() ? @bugs : grep { $quick{ $_->{name} } } @bugs;
	look(splice @bugs, 0, 6) while @bugs;
	note "locks whose holder is alive: $locks, of which one is named in $named_locks";
}
zoo_section('goker', 'Blocking bugs of Go programs',
	"After the 68 blocking bugs of GoBench's GoKer, re-created from their descriptions in tests/zoo/goker, each as a test of `go test`. Right is a first finding\n" .
	'at a line of the deadlock itself, not at one that only waits for it to end, with exactly the blocked goroutines seen by `inspect`, and the test named.');
done_testing;
