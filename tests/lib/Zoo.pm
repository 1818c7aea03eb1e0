# SPDX-License-Identifier: Apache-2.0
# Zoo.pm - looks at animals (programs that hang) and keeps docs/ZOO.md. Every animal is looked at twice: by
# `inspect` (the waiting thread, what it waits for, who holds that, the lines of both) and by `run`, which ends it at a
# limit (the finding that comes first). With ZOO_TABLE=FILE each section writes what was found into FILE, between
# `<!-- section NAME -->` and `<!-- end -->`, and the score of all sections above them.
#
# An animal is { name, does, finding, waits } and, where the kind of wait has them, more:
#   does      in a few words what it does
#   finding   pattern_id that must come first; one below it (with a further dot) is right too; more than one with |
#   waits     kind of the wait that is looked for; 'none': a thread that does not wait
#   who       'main' (the default: the first thread of the command), 'thread' (another thread of it), 'child' (any
#             thread of a process below it), 'task' (a goroutine or task of the command that is on no thread), 'any'
#   resource  a regular expression for the resource of that wait
#   holder    who holds it: 'self' (the same thread), 'thread' (another one of the process), 'child', 'parent',
#             'sibling', 'outside' (not in the tree), 'none' (nobody may be named; the default); more than one with |
#   place     a regular expression for the place where no source line is marked
#   marks     the lines: those of the waiting thread ("AT name" in the source) and of the holder ("HELD name")
#   argv      what is run; limit_ms, options: for `run`
#   inspects  what `inspect` takes it for, where only a run can tell more
#   asks      looked at with intrusion 2
#   only_run  it is not looked at by `inspect`
#   test      a regular expression for the name of the test that the trace has as running
#   first     a regular expression for the test that the report calls running first
#   summary   a regular expression for the summary of the first finding
#   at_most   the factor for a busy machine, where the time is long already
#   at_once   how many are started together (6)
#   rare      it is looked at only with ZOO_ALL=1 and where the document is written
package Zoo;
use strict;
use warnings;

use Exporter 'import';
use Fcntl qw(:flock);
use JSON::PP;
use POSIX qw(setsid);
use SpecRunner;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(zoo_marks zoo_animals zoo_all zoo_look zoo_row zoo_section begin end inspect found_by_run first_of which quietly);

my (%lines, @table);

sub which { my ($name) = @_; for (split /:/, $ENV{PATH}) { return "$_/$name" if -x "$_/$name" } return undef }

sub quietly { return system("@_ >/dev/null 2>&1") == 0 }

# Reads the marks of a source: "AT name" on the line that waits, "HELD name" on that of who holds what it waits for, "LEAF name"
# on another one that may be told, the end of a longer chain.
sub zoo_marks {
	my ($path) = @_;
	my $n = 0;
	(my $base = $path) =~ s{.*/}{};
	for (split /\n/, read_file($path)) {
		$n++;
		while (/\b(AT|HELD|LEAF) (\w+)/g) { push @{ $lines{$2}{$1} }, "$base:$n" }
	}
}

# Animals of a program that takes the name of one, by rows of name, does, finding, waits, who, resource, holder and more; `rest`
# holds for each, but for the list of names that are `rare`.
sub zoo_animals {
	my ($label, $argv, $rest, @rows) = @_;
	my %rare = map { $_ => 1 } @{ delete $rest->{rare} // [] };
	return map {
		my ($name, $does, $finding, $waits, $who, $resource, $holder, %more) = @$_;
		{ name => $name, label => "$name$label", does => $does, finding => $finding, waits => $waits, who => $who, resource => $resource,
			holder => $holder, marks => $name, argv => [@$argv, $name], rare => $rare{$name}, %$rest, %more }
	} @rows;
}

sub zoo_all { return $ENV{ZOO_ALL} || $ENV{ZOO_TABLE} }

# Starts a program in a session of its own; its standard input is a pipe that we hold.
sub begin {
	my (@argv) = @_;
	pipe my $hold_read, my $hold_write or die;
	my $pid = fork // die;
	if (!$pid) {
		setsid();
		close $hold_write;
		open STDIN, '<&', $hold_read;
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		close $hold_read;
		exec @argv or POSIX::_exit(127);
	}
	close $hold_read;
	return { pid => $pid, keep => $hold_write };
}

sub end {
	my ($r) = @_;
	my $below = join ' ', below($r->{pid});
	kill KILL => -$r->{pid}, split / /, $below;
	waitpid $r->{pid}, 0;
}

# Processes below one, those of other sessions too.
sub below {
	my ($top) = @_;
	my (%child, @found);
	for my $stat (glob '/proc/[0-9]*/stat') {
		push @{ $child{$2} }, $1 if (read_file($stat) // '') =~ /^(\d+) \(.*\) . (\d+) /s;
	}
	my @todo = $top;
	while (defined(my $pid = shift @todo)) {
		push @found, @{ $child{$pid} // [] };
		push @todo, @{ $child{$pid} // [] };
	}
	return @found;
}

sub inspect {
	my (@words) = @_;
	open my $out, '-|', spec(), 'inspect', @words or die;
	local $/;
	my $text = <$out>;
	close $out;
	return $text;
}

sub place_of {
	my ($at) = @_;
	return '' unless $at->{file} && $at->{line};
	(my $base = $at->{file}) =~ s{.*/}{};
	return "$base:$at->{line}";
}

sub among { my ($place, $wanted) = @_; return scalar grep { $_ eq $place } @{ $wanted // [] } }

sub role_of {
	my ($d, $waiter, $t, $holder) = @_;
	my %parent = map { $_->{pid} => $_->{ppid} } @{ $d->{processes} };
	return 'task' if $holder->{task};
	if ($holder->{pid} == $waiter) {
		# Of a process with one thread any holder in it is the thread itself.
		my ($p) = grep { $_->{pid} == $waiter } @{ $d->{processes} };
		return 'self' if defined $holder->{tid} ? $holder->{tid} == $t->{tid} : @{ $p->{threads} } == 1;
		return 'thread';
	}
	return 'outside' unless exists $parent{ $holder->{pid} };
	for (my $p = $parent{ $holder->{pid} }; $p; $p = $parent{$p}) { return 'child' if $p == $waiter }
	for (my $p = $parent{$waiter}; $p; $p = $parent{$p}) { return 'parent' if $p == $holder->{pid} }
	return 'sibling';
}

sub is_who {
	my ($d, $who, $pid, $t) = @_;
	my $command = $d->{pid};
	return 1 if $who eq 'any';
	return $pid == $command && exists $t->{awaits} if $who eq 'task';
	return 0 if exists $t->{awaits};
	return $pid == $command && $t->{tid} == $pid if $who eq 'main';
	return $pid == $command && $t->{tid} != $pid if $who eq 'thread';
	return $pid != $command if $who eq 'child';
	die "who is '$who'?";
}

# The four facts in a diagnosis. Returns what is wrong ('' where nothing is), the resource and the holder.
sub facts_wrong {
	my ($d, $a) = @_;
	my $first = $d->{roots}[0]{pattern_id} // 'nothing';
	return "inspect takes it for $first" if first_of({ finding => $a->{inspects} // $a->{finding} }, $first);
	my (@seen, $wrong, $resource, $holders);
	my ($at, $held) = @{ $lines{ $a->{marks} // '' } // {} }{qw(AT HELD)};
	for my $p (@{ $d->{processes} }) {
		for my $t (@{ $p->{threads} }, @{ $p->{tasks} // [] }) {
			my $w = $t->{waits_on};
			push @seen, $w->{kind} // 'none';
			next if ($w->{kind} // 'none') ne $a->{waits} || !is_who($d, $a->{who} // 'main', $p->{pid}, $t);
			# of a thread that waits in an event loop, what is suspended there
			my @suspended = map { @{ $_->{frames} } } grep { ($_->{tid} // 0) == ($t->{tid} // -1) } @{ $p->{tasks} // [] };
			if ($at && ($a->{who} // '') ne 'child' && !grep { among(place_of($_), $at) } @{ $t->{frames} }, @suspended) {
				$wrong //= "it does not wait at @$at";
				next;
			}
			return ('', '', '') unless $w;
			if ($a->{resource} && ($w->{resource} // '') !~ $a->{resource}) {
				$wrong = 'it waits for ' . ($w->{resource} // 'nothing');
				next;
			}
			my @roles = map { role_of($d, $p->{pid}, $t, $_) } @{ $w->{holders} };
			my %roles = map { $_ => 1 } @roles ? @roles : 'none';
			my $role = join ' ', sort keys %roles;
			if (!grep { $_ eq $role } split /\|/, $a->{holder} // 'none') {
				$wrong = "held by $role: " . join ' ', map { "$_->{comm} ($_->{pid})" } @{ $w->{holders} };
				next;
			}
			if ($held && !grep { among(place_of($_), $held) } @{ $w->{holders} }) {
				$wrong = "the holder is not at @$held";
				next;
			}
			my ($h) = grep { !$held || among(place_of($_), $held) } @{ $w->{holders} };
			return ('', $w->{resource}, $h && place_of($h) ? "$role at " . place_of($h) : $role);
		}
	}
	return $wrong // "nobody waits so, only: @seen";
}

# '' where the pattern is the one that must come first, else what it is.
sub first_of {
	my ($a, $id) = @_;
	return (grep { $id eq $_ || index($id, "$_.") == 0 } split /\|/, $a->{finding}) ? '' : $id;
}

# Starts the animal under `run`; found_by_run waits for its end.
sub start_run {
	my ($a, @argv) = @_;
	pipe my $hold_read, my $hold_write or die;
	my $slow = slow_factor();
	my $ms = ($a->{limit_ms} // 900) * ($a->{at_most} && $slow > $a->{at_most} ? $a->{at_most} : $slow);
	my $r = start_spec([@{ $a->{options} // [] }, '--timeout-ms', $ms, '--liveness-kill-grace-ms', 300, 'run', '--pty', 'never',
			'--', @argv], stdin => '/proc/self/fd/' . fileno($hold_read), setup => sub { close $hold_write });
	close $hold_read;
	$r->{keep} = $hold_write;
	return $r;
}

# The findings of a run that start_run began.
sub found_by_run {
	my ($r) = @_;
	finish_spec($r, 40);
	my $found = eval { decode_json(read_file("$r->{dir}/.artifacts/findings.json")) };
	return $found ? @{ $found->{findings} } : ();
}

# What is wrong with the first finding, and its place. A wrong culprit is one that says what is not so.
sub finding_wrong {
	my ($a, @found) = @_;
	my $first = $found[0] // { pattern_id => 'nothing' };
	(my $place = $first->{location} // '') =~ s{^[^:]*/}{};
	my $marks = $lines{ $a->{marks} // '' };
	my $other = first_of($a, $first->{pattern_id});
	if ($other) {
		my $silent = $other =~ /^(nothing|hang\.unexplained|run\.|machine\.)/;
		return ($silent ? "not found: $other" : "WRONG: $other", $place);
	}
	my $line = $place =~ /^([^:]+):.*:(\d+)$/ ? "$1:$2" : $place;
	my $good = $a->{place} ? $place =~ $a->{place} : !$marks || grep { among($line, $marks->{$_}) } qw(AT HELD LEAF);
	return ("WRONG place: $place", $place) if !$good;
	return ("WRONG summary: $first->{summary}", $place) if $a->{summary} && $first->{summary} !~ $a->{summary};
	return ('right', $place);
}

# Is the test that hangs among those that the trace has as running?
sub test_wrong {
	my ($a, $r) = @_;
	if ($a->{first}) {
		my ($running) = (read_file("$r->{dir}/.artifacts/report.md") // '') =~ /^- still running: (.*)/m;
		return 'the report says first: ' . ($running // 'nothing') if ($running // '') !~ $a->{first};
	}
	return 'right' unless $a->{test};
	my $trace = trace_of($r) or return 'no trace';
	my @running = map { $_->{attrs}{case_id} } grep { $_->{name} eq 'case.run' && $_->{status} ne 'ok' } @{ $trace->{spans} };
	return (grep { /$a->{test}/ } @running) ? 'right' : "running tests: @running";
}

sub label_of { my ($a) = @_; return $a->{label} // $a->{name} }

# Looks at animals, some at a time; two tests for each.
sub zoo_look {
	my ($section, @animals) = @_;
	my $only = $ENV{ZOO_ONLY} // '.';
	@animals = grep { label_of($_) =~ /$only/ && (!$_->{rare} || zoo_all()) } @animals;
	while (@animals) {
		my @some = splice @animals, 0, $animals[0]{at_once} // 6;
		my @live = map { $_->{only_run} ? undef : begin(@{ $_->{argv} }) } @some;
		my $until = time + 8 * slow_factor();
		my @facts = map { ['nothing looked at'] } @some;
		my @runs = map { start_run($_, @{ $_->{argv} }) } @some;
		for (my $left = 1; $left && time < $until;) {
			sleep 0.15;
			$left = 0;
			for my $i (grep { $live[$_] && $facts[$_][0] } 0 .. $#some) {
				my $d = eval { decode_json(inspect($some[$i]{asks} ? '--intrusion=2' : (), '--json', $live[$i]{pid})) };
				$facts[$i] = [$d ? facts_wrong($d, $some[$i]) : 'no JSON'];
				$left ||= $facts[$i][0];
			}
		}
		for my $i (grep { $live[$_] } 0 .. $#some) {
			is $facts[$i][0], '', label_of($some[$i]) . ": the $some[$i]{waits} wait, what for, who holds it, and where"
				or diag inspect($some[$i]{asks} ? '--intrusion=2' : (), $live[$i]{pid});
			end($live[$i]);
		}
		for my $i (0 .. $#some) {
			my @found = found_by_run($runs[$i]);
			my ($result, $place) = finding_wrong($some[$i], @found);
			$result = test_wrong($some[$i], $runs[$i]) if $result eq 'right';
			if ($result ne 'right') {
				# On a busy machine a loop gets no processor, and a slow start no second: alone, and for longer.
				note label_of($some[$i]) . ": $result; looked at again alone";
				kill_tagged($runs[$i]{tag});
				$runs[$i] = start_run({ %{ $some[$i] }, limit_ms => 3 * ($some[$i]{limit_ms} // 900) }, @{ $some[$i]{argv} });
				@found = found_by_run($runs[$i]);
				($result, $place) = finding_wrong($some[$i], @found);
			}
			is $result, 'right', label_of($some[$i]) . ": $some[$i]{finding} comes first"
				or diag join ' ', map { "$_->{pattern_id} at " . ($_->{location} // '?') } @found;
			no_survivors($runs[$i], label_of($some[$i]) . ': nothing is left alive') if %{ { tagged($runs[$i]{tag}) } };
			kill_tagged($runs[$i]{tag});
			my ($wrong, $resource, $holder) = @{ $facts[$i] };
			$result = "facts: $wrong" if $wrong && $live[$i] && $result eq 'right';
			zoo_row($section, $some[$i], $live[$i] ? $resource // '' : '', $live[$i] ? $holder // '' : '', $place, $result);
		}
	}
}

# A row for the table of a section. `result` is 'right', or begins 'WRONG' for a wrong culprit.
sub zoo_row {
	my ($section, $a, $resource, $holder, $place, $result) = @_;
	# what changes from run to run would change the table
	for ($resource, $holder) {
		s/0x[0-9a-f]+/0x…/g;
		s/\[\d+\]/[…]/g;
		s/(?<=127\.0\.0\.1:)\d+|(?<=127\.0\.0\.1\]:)\d+|@[0-9a-f]{5,}|\b(?<=child |hread |set )\d+|(?<=-)\w{6}\b(?= \(deleted\))/…/g;
		s/ for [\d.]+ s//g;
		s{/\S*/(?=[^/\s]+)}{}g;
		s/\|/\\|/g;
	}
	(my $finding = $a->{finding}) =~ s/\|/ or /g;
	push @table, [$section, label_of($a), $a->{does}, $finding, $resource ? "$a->{waits}: $resource" : $a->{waits} // '',
		$holder, $place, $result];
}

sub score {
	my (@results) = @_;
	my $right = grep { $_ eq 'right' } @results;
	my $wrong = grep { /^WRONG/ } @results;
	return (scalar @results, $right, @results ? 100 * $right / @results : 100, $wrong);
}

sub score_line {
	my ($n, $right, $share, $wrong) = score(@_);
	return sprintf 'zoo: %d animals, %d right first (%.1f %%), %d wrong culprits', $n, $right, $share, $wrong;
}

my $intro = <<'END_OF_INTRO';
# The zoo of hanging programs

Each animal hangs in one way. Tests look at it with `inspect PID` (the waiting thread, what it waits for, who holds that, and the
lines of both must be right) and end it with `run` (the finding in the table must come first). They write this file:
`ZOO_TABLE=docs/ZOO.md make check T='tests/cli/*zoo*.t tests/cli/runners.t'`, with every tool and language installed that is named here.
An animal whose first finding is not the right one is run once more, alone and for longer: on a busy machine a loop gets no processor.
A wrong culprit is a first finding, or its place, that says what is not so.
END_OF_INTRO

sub write_section {
	my ($file, $name, $text) = @_;
	open my $lock, '<', 'Makefile' or die;
	flock $lock, LOCK_EX;
	my $old = read_file($file) // '';
	my %section;
	$section{$1} = $2 while $old =~ /^<!-- section (\S+) -->\n(.*?)^<!-- end -->$/msg;
	$section{$name} = $text;
	my @results = map { (my $rows = $_) =~ s/^.*?^\|---[^\n]*\n//ms; $rows =~ /\| ([^|]*) \|$/mg } values %section;
	my %first = (native => 0, scripts => 1, python => 2, go => 3, goker => 3, java => 3, node => 3, ruby => 3, runners => 3, prompts => 4, patterns => 5, healthy => 9);
	my @order = sort { ($first{$a} // 3) <=> ($first{$b} // 3) || $a cmp $b } keys %section;
	write_file($file, "$intro\n**" . score_line(@results) . "**\n" .
		join '', map { "\n<!-- section $_ -->\n$section{$_}<!-- end -->\n" } @order);
	return @results;
}

# Ends a section: its score, one test for it, and with ZOO_TABLE its place in the document.
sub zoo_section {
	my ($name, $title, $text) = @_;
	my @rows = grep { $_->[0] eq $name } @table;
	my ($n, $right, $share, $wrong) = score(map { $_->[-1] } @rows);
	ok($share >= 95 && $wrong == 0, score_line(map { $_->[-1] } @rows));
	return if !$ENV{ZOO_TABLE} || $ENV{ZOO_ONLY};
	my $out = "## $title\n\n" . ($text ? "$text\n\n" : '') .
		"| animal | what it does | finding that must come first | what it waits for | held by | place found | result |\n" .
		"|---|---|---|---|---|---|---|\n";
	for my $row (@rows) {
		my (undef, @cells) = @$row;
		$out .= '| ' . join(' | ', map { $_ // '' } @cells) . " |\n";
	}
	my @all = write_section($ENV{ZOO_TABLE}, $name, $out);
	($n, $right, $share, $wrong) = score(@all);
	ok($share >= 95 && $wrong == 0, 'all sections: ' . score_line(@all));
}

1;
