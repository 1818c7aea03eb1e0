#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# wild_folders.pl - the same hangs, several times, below several folders: is the first finding right, and is it the same each time? Runs
# cases of tests/zoo/wild and compares pattern, place and words of the first findings, without numbers, addresses and the folder itself.
#
#   perl tests/show/wild_folders.pl [--seed N --cases 61] [--also DIR]... [--only REGEX] [--healthy] [--runs 3] [--at-once 2] [--busy 8]
#                                   [--table FILE] [FOLDER]...
#
# Without --seed, 42 cases that are named here. With it that many, of all kinds, chosen by the seed. --also DIR takes all cases of another
# folder besides (of the form of tests/zoo/wild; they are given a stall of 2500 ms). Folders: /tmp, /var/tmp, below the home folder, a path with
# spaces. --busy: as many busy loops beside. --healthy: healthy cases, once at basic with a short stall and once at strict with a fitting one.
# Prints each case as it is done, then a table in Markdown. Exit 1 where a finding is not right, not the same, or something is left over.
use strict;
use warnings;
use lib 'tests/lib';
use Cwd qw(abs_path);
use File::Path qw(make_path);
use File::Temp;
use Getopt::Long;
use JSON::PP;
use Time::HiRes qw(time);
use Wild;

my @default = qw(c_flock_abba c_fork_wait_stopped c_pi_mutex_abba c_sibling_pipe c_stderr_unread c_unix_backlog cpp_cv_predicate ctest_lock
	curl_stalled_body debconf_daemon git_commit_editor git_push_hook_daemon gtest_death_fork go_channel java_file_lock js_exec_child
	make_fifo_sequential meson_test nginx_proxy perl_flock perl_pipe_kept pg_ctl_output pg_idle_transaction php_session_lock prove_socket
	py_asyncio_queue_thread py_pool_deadlock py_pytest_fifo py_sqlite_other py_unittest_socket py_xdist_flock rb_flock_other rs_libtest_channel
	sh_coproc sh_fifo_order sh_flock sh_health_loop sh_subst_daemon sh_wait_procsub socat_middle sqlite_two_shells ssh_agent_stopped);
my ($seed, $cases, $only, $healthy, $runs, $at_once, $busy, $table, @also) = (undef, 61, '.', 0, 3, 2, 0);
GetOptions('seed=i' => \$seed, 'cases=i' => \$cases, 'only=s' => \$only, 'healthy' => \$healthy, 'runs=i' => \$runs, 'at-once=i' => \$at_once,
	'busy=i' => \$busy, 'table=s' => \$table, 'also=s' => \@also) or die "usage: see the head of $0\n";
my $program = abs_path($ENV{SPEC_RUNNER} // 'spec-runner');
$ENV{DIALECTS_NPM} //= abs_path('.artifacts') . '/npm/node_modules';
my @folder = @ARGV ? @ARGV : ('/tmp', '/var/tmp', "$ENV{HOME}/wild-folders", '/var/tmp/a path with spaces');
my @made = grep { !-d } @folder;
make_path(@made);
@folder = map { abs_path($_) } @folder;

# What differs from run to run is no difference.
sub plain {
	my ($t, $w) = @_;
	$t =~ s{'?\Q$w->{dir}\E}{DIR}g;
	$t =~ s{(?:/[^\s/]*)*/wild-\w+-\w+(?=/)}{DIR}g;
	$t =~ s/0x[0-9a-f]+/0x/g;
	$t =~ s/\d+/N/g;
	$t =~ s/'//g; # around a path with blanks
	# how many short sleeps were counted, and how much of this one was left
	$t =~ s/ again and again(?=:)|, about N times since the last progress|,? (?:to go )?for N\.N s//g;
	return $t;
}

sub options {
	my ($w, $given, $level) = @_;
	my $stall = $given ? 2500 : $busy || load() > 5 ? 3000 : 1500;
	return ('--profile-level', 'basic', '--liveness-stall-ms', $stall) if $level eq 'basic';
	return ('--liveness-level', 'strict', '--liveness-stall-ms', 60000) if $w->{healthy};
	return ('--liveness-level', 'strict', '--liveness-stall-ms', $stall, '--liveness-kill-grace-ms', 500);
}

sub load { open my $f, '<', '/proc/loadavg' or return 0; return (split ' ', <$f>)[0] }

# One case below all folders: [{folder, first, bad, said}], of each run.
sub ask {
	my ($case, $given) = @_;
	my @said;
	for my $i (0 .. $#folder) {
		my $w = wild_prepare($case, $folder[$i], 1) // next;
		for my $k (1 .. ($w->{healthy} ? 2 : $runs)) {
			my $r = wild_run($w, $program, options($w, $given, $w->{healthy} && $k == 1 ? 'basic' : 'strict'));
			my $first = $r->{found}[0] // {};
			my @bad = wild_judge($w, $r);
			push @bad, 'left ' . join ' ', @{ $r->{left} } if @{ $r->{left} };
			push @bad, 'verify' if -e $r->{trace} && system("'$program' verify '$r->{trace}' >/dev/null 2>&1");
			push @said, { folder => $i, bad => join(', ', @bad), first => $first->{pattern_id} // 'nothing',
				summary => plain($first->{summary} // '', $w),
				said => join ' | ', map { plain($first->{$_} // '', $w) } qw(pattern_id location summary) };
		}
		wild_release($w);
	}
	return \@said;
}

my @all = grep { /$only/ && ($healthy ? m{/ok_[^/]*$} : !m{/ok_[^/]*$}) } wild_names('tests/zoo/wild');
if (defined $seed) {
	@all = wild_sample($cases, $seed, @all);
} elsif ($only eq '.' && !$healthy) {
	my %default = map { $_ => 1 } @default;
	@all = grep { m{([^/]+)$} && $default{$1} } @all;
}
my @queue = ((map { [$_, 0] } @all), (map { my $dir = $_; map { [$_, 1] } grep { /$only/ } wild_names($dir) } @also));
my @busy = map { my $pid = fork // die; if (!$pid) { 1 while 1 } $pid } 1 .. $busy;
my ($from, %running, %result) = (time);
$| = 1;
printf "%s%d cases, %d folders, %d runs each, load %s\n", defined $seed ? "seed $seed: " : '', scalar @queue, scalar @folder, $runs, load();
print "  $folder[$_]\n" for 0 .. $#folder;

sub show {
	my ($name, $said) = @_;
	my %other = map { $_->{said} => 1 } @$said;
	my $bad = grep { $_->{bad} } @$said;
	printf "%-32s %s\n", $name, !@$said ? 'cannot be built here' : sprintf '%d of %d right%s', @$said - $bad, scalar @$said,
		keys %other > 1 && !$healthy ? ', ' . keys(%other) . ' answers' : '';
	print "    below $folder[$_->{folder}]: $_->{first}: $_->{bad}\n        $_->{summary}\n" for grep { $_->{bad} } @$said;
	print map { "    answer: $_\n" } sort keys %other if keys %other > 1 && !$healthy;
}

while (@queue || %running) {
	while (@queue && keys %running < $at_once) {
		my ($case, $given) = @{ shift @queue };
		my ($name) = $case =~ m{([^/]+)$};
		my ($file, $pid) = (File::Temp->new, fork // die);
		if (!$pid) {
			print $file encode_json(ask($case, $given));
			close $file;
			exit 0;
		}
		$running{$pid} = [$name, $file];
	}
	my $done = delete $running{ waitpid -1, 0 } // next;
	seek $done->[1], 0, 0;
	local $/;
	my $text = readline $done->[1];
	$result{ $done->[0] } = decode_json($text || '[]');
	show($done->[0], $result{ $done->[0] });
}
kill 'KILL', @busy;
waitpid $_, 0 for @busy;
rmdir $_ for reverse @made;

my ($asked, $right, $differ, $built) = (0, 0, 0, 0);
my $report = sprintf "| folder | runs | right | |\n|---|---|---|---|\n";
for my $i (0 .. $#folder) {
	my @here = grep { $_->{folder} == $i } map { @$_ } values %result;
	my $good = grep { !$_->{bad} } @here;
	$report .= sprintf "| %s | %d | %d | %.1f %% |\n", $folder[$i], scalar @here, $good, 100 * $good / (@here || 1);
	$asked += @here;
	$right += $good;
}
for my $name (sort keys %result) {
	my %other = map { $_->{said} => 1 } @{ $result{$name} };
	$built += %other > 0;
	$differ += %other > 1 if !$healthy;
}
$report .= sprintf "\n%d cases (%d could not be built here), %d runs: %d right (%.1f %%); %d cases whose answers differ; %d minutes, load %s.\n",
	$built, keys(%result) - $built, $asked, $right, 100 * $right / ($asked || 1), $differ, (time - $from) / 60, load();
print "\n$report";
if ($table) { open my $f, '>', $table or die "$table: $!\n"; print $f $report }
exit($right < $asked || $differ ? 1 : 0);
