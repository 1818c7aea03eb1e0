# SPDX-License-Identifier: Apache-2.0
# OptimizeLoop.pm - repositories for tests of the optimise loop, and a loop that is killed until it is through.
package OptimizeLoop;
use strict;
use warnings;

use Exporter 'import';
use JSON::PP;
use SpecRunner;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(git diff_of edit fingerprint gateway_project statuses killed_project kill_until_done living_below);

my $json = JSON::PP->new->utf8->canonical;

sub git { my ($dir, @args) = @_; system('git', '-C', $dir, '-c', 'user.name=x', '-c', 'user.email=x@x', @args) == 0 or die "git @args" }

sub diff_of {
	my ($path, @lines) = @_;
	return "--- a/$path\n+++ b/$path\n" . join '', map { "$_\n" } @lines;
}

# Everything of a folder but the artifacts: bytes, modes, targets of links, and what git says.
sub fingerprint {
	my ($dir) = @_;
	my $files = `cd '$dir' && find . -path ./.artifacts -prune -o -type f -print0 | sort -z | xargs -0 sha256sum; find . -path ./.artifacts -prune -o -printf '%p %m %l\n' | sort`;
	return $files . `git -C '$dir' stash list` . `git -C '$dir' branch -a` . `git -C '$dir' worktree list`;
}

# A program whose output says its cost, so that results do not depend on the machine. Its test has no children of its own: a
# kill of one would be the candidate's own failure, and rightly told so.
sub killed_project {
	my ($dir) = @_;
	git($dir, 'init', '-q', '.');
	mkdir "$dir/$_" for qw(src t cand);
	write_file("$dir/src/val.sh", "#!/bin/sh\n# top\nv=100\n# mid\nok=1\n# end\necho cost=\$v ok=\$ok\n");
	write_file("$dir/t/run.sh", <<'SH', 0755);
#!/bin/sh
echo 1..1
. ./prog >"$TMPDIR/out"
read -r line <"$TMPDIR/out"
case $line in *ok=1*) echo ok 1 - a ;; *) echo not ok 1 - a; exit 1 ;; esac
SH
	write_file("$dir/.gitignore", "prog\n");
	git($dir, 'add', '.');
	git($dir, 'commit', '-qm', 'one');
	my $ms = 60000 * slow_factor();
	write_file("$dir/cand/1.diff", diff_of('src/val.sh', '@@ -4,4 +4,4 @@', ' # mid', '-ok=1', '+ok=0', ' # end', ' echo cost=$v ok=$ok'));
	write_file("$dir/cand/2.diff", diff_of('src/val.sh', '@@ -2,3 +2,3 @@', ' # top', '-v=100', '+v=80', ' # mid'));
	write_file("$dir/a.yaml", <<"YAML");
version: 1
adapters:
  build: {kind: command, argv: [cp, src/val.sh, prog], timeout_ms: $ms}
  test: {kind: command, argv: [./t/run.sh], timeout_ms: $ms}
  workload: {kind: command, argv: [sh, ./prog], samples: 5, warmup: 0, timeout_ms: $ms, metrics: [{name: cost, better: lower, primary: true, stdout: 'cost=([0-9]+)'}]}
YAML
}

# A diff of src/a.c; each $n has its own place.
sub edit { my ($n) = @_; my $at = 3 * $n; return diff_of('src/a.c', "\@\@ -$at,2 +$at,2 \@\@", "-line $at", "+LINE $at", ' line ' . ($at + 1)) }

# A repository with canned results, whose second candidate is better; $gateway: the section, as YAML. %files: also in it.
sub gateway_project {
	my ($gateway, %files) = @_;
	my $dir = new_dir();
	git($dir, 'init', '-q', '.');
	mkdir "$dir/src";
	write_file("$dir/src/a.c", join '', map { "line $_\n" } 1 .. 40);
	write_file("$dir/$_", $files{$_}) for keys %files;
	git($dir, 'add', '.');
	git($dir, 'commit', '-qm', 'one');
	mkdir "$dir/dummy";
	my %mean = (0 => 100, 1 => 100, 2 => 80, 3 => 100);
	for my $n (keys %mean) {
		mkdir "$dir/dummy/$n";
		write_file("$dir/dummy/$n/workload.json", $json->encode({ metrics => { wall_ms => [map { $mean{$n} + $_ / 10 } 1 .. 10] } }));
	}
	write_file("$dir/dummy/0/profile.folded", "main;work;inner 70\nmain;other 30\n");
	write_file("$dir/a.yaml", "version: 1\nadapters:\n" . (join '', map { "  $_: {kind: dummy, dir: dummy}\n" } qw(build test workload profiler)) . "optimize: {iterations: 3}\ngateway: $gateway\n");
	return $dir;
}

# What became of the coder's messages, in their order.
sub statuses {
	my ($dir) = @_;
	my $r = run_spec(['history', 'sql', q{SELECT agent_name || ' ' || status AS s FROM agent_messages WHERE agent_name = 'coder' ORDER BY iteration, rowid}, '--history', 'on'], dir => $dir);
	return map { /coder (\w+)/ ? $1 : () } split /\n/, $r->{out};
}

sub descendants {
	my ($pid) = @_;
	my (%kids, @all);
	for my $p (map { m{/(\d+)/} } glob '/proc/[0-9]*/stat') {
		my $stat = read_file("/proc/$p/stat") // next;
		push @{ $kids{$1} }, $p if $stat =~ /^.*\) [^Z] (\d+)/s;
	}
	@all = ($pid);
	for (my $i = 0; $i < @all; $i++) { push @all, @{ $kids{ $all[$i] } // [] } }
	return @all;
}

# Processes whose folder, program or HOME is below $dir: {pid => command line}.
sub living_below {
	my ($dir) = @_;
	my %found;
	for my $p (map { m{/(\d+)$} } glob '/proc/[0-9]*') {
		my $cwd = readlink("/proc/$p/cwd") // '';
		my $env = read_file("/proc/$p/environ") // '';
		my $args = read_file("/proc/$p/cmdline") // '';
		next if $p == $$ || !("$cwd/" =~ m{^\Q$dir\E/} || $env =~ /(?:^|\0)(?:HOME|TMPDIR|PWD)=\Q$dir\E\// || $args =~ m{\Q$dir\E/});
		my $stat = read_file("/proc/$p/stat") // next;
		$found{$p} = $args =~ tr/\0/ /r if $stat !~ /^.*\) Z/s;
	}
	return \%found;
}

# Is it a process, and no zombie?
sub lives { return (read_file("/proc/$_[0]/stat") // '') =~ /^.*\) [^Z]/s }

# Starts the loop in $dir and kills it, or processes of it, at random instants, on average every $every seconds; resumes; until
# $most kills are used up or it came to its end. Returns the last run, with {kills} and {tree}: how many were of its children.
sub kill_until_done {
	my ($dir, $most, $every) = @_;
	my ($kills, $children, $r) = (0, 0);
	while (1) {
		my @begun = glob "$dir/.artifacts/optimize/*/setup.json";
		$r = start_spec(['optimize', '--json', @begun ? qw(--resume latest) : qw(--adapters a.yaml --candidates cand)], dir => $dir);
		my $before = $kills;
		while ($kills < $most && lives($r->{pid})) {
			sleep rand 2 * $every;
			my @tree = descendants($r->{pid});
			my $victim = @tree < 2 || rand() < 0.4 ? $tree[0] : $tree[1 + rand(@tree - 1)];
			next unless lives($victim) && kill KILL => $victim;
			$kills++;
			$children++ if $victim != $r->{pid};
		}
		finish_spec($r, 100);
		last unless $kills > $before && $r->{code} =~ /^(?:137|125)$/;
	}
	return { %$r, kills => $kills, tree => $children };
}

1;
