#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# own_dumps.pl - what `inspect` reads of a program that goes through its calls at random, against what its own runtime says of it: Go's traces,
# Java's getAllStackTraces, Ruby's Thread#backtrace, and of Node the frames at a pause by its inspector. The runtime is asked before our look and after
# it (Node is paused for it): a thread that has the same stack both times, and has counted no step of its own meanwhile, stood still, and then ours must be
# equal or marked as partial. ./spec-runner must be built; exit 1 where one differs.
#
#   tests/show/own_dumps.pl [--moments 500] [--show] [go|java|ruby|node]...
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Getopt::Long;
use IPC::Open2;
use JSON::PP;

my ($moments, $show) = (500, 0);
GetOptions('moments=i' => \$moments, 'show' => \$show) or die "usage: see the head of $0\n";
my $spec = abs_path($ENV{SPEC_RUNNER} // './spec-runner');
my $from = abs_path('tests/show/own_dumps');
my $dir = tempdir(CLEANUP => 1);

sub sh { system('sh', '-c', $_[0]) == 0 or die "$_[0]: $?\n" }

# name => [how it is built, how it runs, its dump into {thread} = [frames], our threads into the same, level of intrusion]
my %languages = (
	go => ["GOCACHE=$dir/go go build -o $dir/moves $from/moves.go", ["$dir/moves"], \&go_dump, \&go_ours, 1],
	java => ["javac -d $dir $from/Moves.java", ['java', '-cp', $dir, 'Moves'], \&java_dump, \&java_ours, 2],
	ruby => ['true', ['ruby', "$from/moves.rb"], \&ruby_dump, \&ruby_ours, 1],
	node => ['true', ['sh', '-c', "MOVES_FD=3 exec node $from/moves.js 3<&0 0</dev/null"], \&node_dump, \&node_ours, 0],
);

# Frames of the runtime's own are left out by Go's traces.
sub go_dump {
	my ($text) = @_;
	my %threads;
	for my $block (split /\n\n/, $text) {
		my ($id, @lines) = $block =~ /^goroutine (\d+) / ? ($1, split /\n/, $block) : next;
		shift @lines;
		while (@lines) {
			my ($function, $place) = (shift @lines, shift @lines);
			next if $function =~ /^created by/;
			$function =~ s/\([^()]*\)$//;
			my ($line) = $place =~ /:(\d+)(?: \+0x|$)/;
			push @{ $threads{$id} }, "$function:$line" if $function !~ /^runtime\./;
		}
	}
	delete @threads{ grep { $threads{$_}[-1] !~ /forever/ } keys %threads };
	return \%threads;
}

sub go_frames { return [map { $_->{function} =~ s/\[.*?\]/[...]/r . ":$_->{line}" } grep { ($_->{language} eq 'go') && $_->{function} !~ /^runtime\./ } @_] }

sub go_ours {
	my ($p) = @_;
	my %threads;
	for my $t (@{ $p->{tasks} // [] }) { $threads{ $t->{id} } = { frames => go_frames(@{ $t->{frames} }), partial => $t->{status} } }
	for my $t (@{ $p->{threads} }) {
		next unless ($t->{label} // '') =~ /^goroutine (\d+)/;
		$threads{$1} = { frames => go_frames(@{ $t->{frames} }), partial => $t->{status} ne 'ok' };
	}
	return \%threads;
}

sub java_dump {
	my ($text) = @_;
	my (%threads, $name);
	for (split /\n/, $text) {
		if (!/^\t/) { $name = $_; next }
		next unless $name =~ /^walker/ && m{^\tat (?:[\w.@]*/)*([\w.\$<>]+)(?:/0x[0-9a-f]+)?([\w.<>]*)\((?:.*:(\d+)|.*)\)};
		my ($class, $rest, $line) = ($1, $2, $3);
		push @{ $threads{$name} }, java_name("$class$rest") . ":" . ($line // 0);
	}
	return \%threads;
}

# Classes that are made for lambdas have numbers.
sub java_name { return $_[0] =~ s{\$\$Lambda[\$/\w]*}{\$\$Lambda}r }

sub java_ours {
	my ($p) = @_;
	my %threads;
	for my $t (@{ $p->{threads} }) {
		next unless ($t->{label} // $t->{name}) =~ /^(walker\d+)/;
		my $name = $1;
		$threads{$name} = { frames => [map { java_name($_->{function}) . ":" . ($_->{line} // 0) } grep { $_->{language} eq "java" } @{ $t->{frames} }],
			partial => $t->{status} ne 'ok' };
	}
	return \%threads;
}

sub ruby_dump {
	my ($text) = @_;
	my (%threads, $name);
	for (split /\n/, $text) {
		if (/^walker\d+$/) { $name = $_; next }
		push @{ $threads{$name} }, "$2:$1" if /:(\d+):in `(.*)'$/;
	}
	return \%threads;
}

# A function in C has no line of its own: Ruby gives it that of its caller.
sub ruby_ours {
	my ($p) = @_;
	my %threads;
	for my $t (@{ $p->{threads} }) {
		next unless ($t->{label} // $t->{name}) =~ /^(walker\d+)/;
		my ($name, @frames, $line) = ($1);
		for my $f (reverse grep { $_->{language} eq 'ruby' } @{ $t->{frames} }) {
			$line = $f->{line} // $line;
			unshift @frames, "$f->{function}:$line";
		}
		$threads{$name} = { frames => \@frames, partial => $t->{status} ne 'ok' };
	}
	return \%threads;
}

# V8's inspector shows no builtins such as Array.map.
sub node_dump {
	my ($text) = @_;
	my @frames = map { my ($function, undef, $line) = split /\t/; ($function || '(anonymous)') . ":$line" } grep { m{\t\S*moves\.js\t} } split /\n/, $text;
	return { main => \@frames };
}

sub node_ours {
	my ($p) = @_;
	my $t = $p->{threads}[0];
	my @frames = map { my $f = $_->{function} =~ s/.*\.//r; "$f:$_->{line}" } grep { $_->{language} eq 'javascript' && ($_->{file} // '') =~ /moves\.js$/ } @{ $t->{frames} };
	return { main => { frames => \@frames, partial => $t->{status} ne 'ok' } };
}

sub ask {
	my ($r) = @_;
	print { $r->{in} } "\n";
	my $text = '';
	my $out = $r->{out};
	while (my $line = <$out>) {
		return $text if $line eq "END\n";
		$text .= $line;
	}
	die "it has ended\n";
}

sub same { return join("\n", @{ $_[0] }) eq join("\n", @{ $_[1] }) }

sub compare {
	my ($name) = @_;
	my ($build, $argv, $dump, $ours, $level) = @{ $languages{$name} };
	sh($build);
	my $pid = open2(my $out, my $in, @$argv);
	$in->autoflush(1);
	my $r = { in => $in, out => $out };
	my %n = map { $_ => 0 } qw(moments compared equal partial differ moving absent);
	my @different;
	sleep 1;
	if ($name eq 'node') { until ((<$out> // die "it has ended\n") eq "END\n") { } }
	while ($n{moments} < $moments) {
		my $before_text = ask($r);
		my $before = $dump->($before_text);
		my $d = decode_json(scalar qx{$spec inspect --intrusion $level --json $pid 2>/dev/null} || '{}');
		my $text = ask($r);
		my $after = $name eq 'node' ? $before : $dump->($text);
		my ($p) = grep { $_->{pid} == $pid } @{ $d->{processes} // [] };
		next unless $p;
		my $mine = $ours->($p);
		my (%moved, %steps);
		my $both = $before_text . $text;
		push @{ $steps{$1} }, $2 while $both =~ /^steps (\S+) (\d+)$/mg;
		$moved{$_} = 1 for grep { $steps{$_}[0] != $steps{$_}[-1] } keys %steps;
		$n{moments}++;
		for my $id (keys %$after) {
			next unless $before->{$id} && @{ $after->{$id} };
			my $have = $mine->{$id};
			if ($moved{$id} || !same($before->{$id}, $after->{$id})) {
				$n{moving}++;
				next;
			}
			$n{compared}++;
			if (!$have) { $n{absent}++ }
			elsif (same($have->{frames}, $after->{$id})) { $n{equal}++ }
			elsif ($have->{partial}) { $n{partial}++ }
			else {
				$n{differ}++;
				push @different, "$name $id\n  theirs\n    " . join("\n    ", @{ $after->{$id} }) . "\n  ours\n    " . join("\n    ", @{ $have->{frames} }) . "\n";
			}
		}
	}
	kill KILL => $pid;
	waitpid $pid, 0;
	printf "%s: %d moments, %d stacks that stood still: %d equal, %d marked as partial, %d not shown, %d differ; %d more moved meanwhile\n", $name,
		@n{qw(moments compared equal partial absent differ moving)};
	print @different[0 .. ($#different < 3 ? $#different : 3)] if $show && @different;
	return $n{differ} + $n{absent};
}

my $bad = 0;
$bad += compare($_) for @ARGV ? @ARGV : sort keys %languages;
exit $bad ? 1 : 0;
