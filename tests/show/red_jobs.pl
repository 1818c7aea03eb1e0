#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# red_jobs.pl - ordinary failures of real tools, the truth of each written down first (red_jobs/*.jobs): which test, which
# line, which reason. Each is run once below spec-runner; what the console says is held against the truth.
#
#     tests/show/red_jobs.pl [--only REGEX] [--node DIR] [--show] [FILE.jobs…]
#
# --node DIR: a folder whose node_modules has mocha, jest and vitest. A job whose tool is missing is left out, with a word.
# A job: "@ NAME", then "needs COMMAND", "must WHAT REGEX", "not REGEX", "prepare COMMAND", "run COMMAND", and its files, each
# "= PATH" and its lines up to the next "=" or "@". `must first` holds the pattern_id of the first finding. Exit 1: one is not so.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use Getopt::Long;
use JSON::PP;

my ($only, $node, $show, $keep) = ('', '', 0, 0);
GetOptions('only=s' => \$only, 'node=s' => \$node, 'show' => \$show, 'keep' => \$keep) or die "usage: red_jobs.pl [--only REGEX] [--node DIR] [FILE…]\n";
my $here = abs_path(dirname($0));
my $program = abs_path("$here/../../spec-runner");

sub read_jobs {
	my ($path) = @_;
	my (@jobs, $file);
	open my $in, '<', $path or die "$path: $!\n";
	while (my $line = <$in>) {
		if ($line =~ /^@ (\S+)/) {
			push @jobs, { name => $1, files => {}, must => [], not => [], needs => [], prepare => [] };
			undef $file;
		} elsif ($line =~ /^= (\S+)/) {
			$jobs[-1]{files}{ $file = $1 } = '';
		} elsif (defined $file) {
			$jobs[-1]{files}{$file} .= $line =~ s/^\\(?=[@=])//r;
		} elsif ($line =~ /^must (\S+) (.*)/) {
			push @{ $jobs[-1]{must} }, [$1, qr/$2/m];
		} elsif ($line =~ /^not (.*)/) {
			push @{ $jobs[-1]{not} }, qr/$1/m;
		} elsif ($line =~ /^(needs|prepare) (.*)/) {
			push @{ $jobs[-1]{$1} }, $2;
		} elsif ($line =~ /^run (.*)/) {
			$jobs[-1]{run} = $1;
		} elsif ($line =~ /\S/ && $line !~ /^#/) {
			die "$path:$.: what is this: $line";
		}
	}
	return @jobs;
}

sub put_files {
	my ($dir, $job) = @_;
	for my $path (keys %{ $job->{files} }) {
		make_path(dirname("$dir/$path"));
		open my $out, '>', "$dir/$path" or die "$path: $!\n";
		print $out $job->{files}{$path};
		close $out;
		chmod 0755, "$dir/$path" if $job->{files}{$path} =~ /^#!/;
	}
	mkdir "$dir/.git";
	symlink "$node/node_modules", "$dir/node_modules" if $node;
}

sub slurp { open my $f, '<', $_[0] or return ''; local $/; return scalar <$f> // '' }

sub run_job {
	my ($job) = @_;
	my $dir = tempdir('red-XXXXXX', TMPDIR => 1);
	put_files($dir, $job);
	local %ENV = map { $_ => $ENV{$_} } grep { !/^(?:SPEC_RUNNER_|CI$|GITHUB_)/ } keys %ENV;
	for (@{ $job->{prepare} }) {
		system("cd $dir && ($_) >.prepared 2>&1") == 0 or do { print "# $job->{name}: prepare: " . slurp("$dir/.prepared"); return };
	}
	open my $sh, '>', "$dir/.run.sh" or die;
	print $sh "cd '$dir' && exec '$program' run -- $job->{run}\n";
	close $sh;
	my $code = system("sh $dir/.run.sh >$dir/.out 2>$dir/.err </dev/null") >> 8;
	my $found = slurp("$dir/.artifacts/findings.json");
	my $text = join '', map { s/\Q$dir\E/\/src/gr } grep { /^spec-runner: / } split /^/, slurp("$dir/.err");
	my %r = (code => $code, text => $text, first => $found ? decode_json($found)->{findings}[0]{pattern_id} // '' : '');
	$r{told} = [map { $_->[0] } grep { ($_->[0] eq 'first' ? $r{first} : $text) !~ $_->[1] } @{ $job->{must} }];
	push @{ $r{told} }, "wrong: $_" for grep { $text =~ $_ } @{ $job->{not} };
	$r{raw} = slurp("$dir/.out") . "--- stderr\n" . join '', grep { !/^spec-runner: / } split /^/, slurp("$dir/.err");
	print "# kept: $dir\n" if $keep;
	remove_tree($dir) if !$keep;
	return \%r;
}

my ($right, $all, @wrong) = (0, 0);
for my $job (map { read_jobs($_) } @ARGV ? @ARGV : sort glob "$here/red_jobs/*.jobs") {
	next if $job->{name} !~ /$only/;
	if (grep { system("($_) >/dev/null 2>&1") != 0 } map { s{NODE}{$node/node_modules/.bin}gr } @{ $job->{needs} }) {
		print "# $job->{name}: its tool is not here: left out\n";
		next;
	}
	my $r = run_job($job) or next;
	$all++;
	$right++ if !@{ $r->{told} };
	push @wrong, $job->{name} if @{ $r->{told} };
	printf "%s %s%s\n", @{ $r->{told} } ? 'not ok' : 'ok', $job->{name}, @{ $r->{told} } ? ' - ' . join(', ', @{ $r->{told} }) : '';
	print $r->{raw} =~ s/^/    | /gmr if $show;
	print $r->{text} =~ s/^/    /gmr if $show || @{ $r->{told} };
}
print "# $right of $all right\n";
exit(@wrong ? 1 : 0);
