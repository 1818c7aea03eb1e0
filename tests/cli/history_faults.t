#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The history where things go wrong: what waited in a spool, of our own store and of one that is merged; a file system on which
# SQLite's shared memory does not work; a full disk; a database of PostgreSQL that may not be written, and a connection that
# is cut at any byte. A run never cares, and no run is lost.
use strict;
use warnings;
use lib 'tests/lib';
use History;
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Postgres;
use POSIX ();
use SpecRunner;
use Test::More;
use Time::HiRes qw(time sleep);

plan skip_all => 'the history was left out: its packages are missing' unless has_history();
my $dir = new_dir();
my $seed = $ENV{TEST_SEED} // time;
srand $seed;
note "TEST_SEED=$seed";

sub at { return { SPEC_RUNNER_HISTORY => "$dir/$_[0]" } }
sub ids { my ($env) = @_; return map { $_->{run_id} } @{ history_json($dir, 'runs', '--limit', 1000, $env)->{runs} // [] } }
my ($made, $child) = (0);
END { local $?; kill 'KILL', $child if $child }

sub waits { my ($where) = @_; my ($text, $id) = make_trace(id => sprintf('%08x', ++$made), at => time - 1000 + $made, tests => [['s', 'a', 'pass', 1]]); write_file("$where/spool/$id.json", $text); return $id }

# --- every writing command takes the spool in first, in order; reading ones leave it
my ($first) = write_trace($dir, id => 'aaaaaaaa', at => time - 5000, tests => [['s', 'a', 'pass', 1]]);
history($dir, 'record', $first, at('h'));
history($dir, 'export', "$dir/empty.jsonl", '--since', '2100-01-01', at('h'));
write_file("$dir/x.folded", "a;b 3\n");
history($dir, 'record', $first, at('other'));
for my $words (['history', 'record', $first], ['history', 'import', "$dir/empty.jsonl"], ['history', 'merge', "$dir/other"], ['history', 'gc'],
	['history', 'migrate'], ['ingest', 'artifacts', '--path', 'x.folded'], ['analyze', '--run-id', 'latest']) {
	my $id = waits("$dir/h");
	history($dir, $_, at('h')) for qw(runs flaky verify);
	is_deeply [files_in("$dir/h/spool")], ["$id.json"], 'reading leaves the spool';
	my $r = run_spec($words, dir => $dir, env => at('h'));
	is_deeply [files_in("$dir/h/spool")], [], join(' ', @$words[0, 1]) . ' takes it in' or diag $r->{err};
	ok scalar(grep { $_ eq $id } ids(at('h'))), 'and the run is there';
}
waits("$dir/h");
history($dir, 'gc', '--dry-run', at('h'));
is scalar @{[files_in("$dir/h/spool")]}, 1, 'gc --dry-run leaves it';

# --- merge: what a job could not record itself waits in its folder, which stays as it is
my $left = waits("$dir/other");
write_file("$dir/other/spool/run-bad.json", '{"run_id": ');
my @before = files_in("$dir/other");
my $r = history($dir, 'merge', "$dir/other", at('into'));
is $r->{out}, "imported 2 runs, 0 known already\n", 'merge takes in runs and spool' or diag $r->{err};
like $r->{err}, qr/^spec-runner: history: 1 file in the spool could not be read: see \S*run-bad\.json$/m, 'what it cannot read is named';
ok scalar(grep { $_ eq $left } ids(at('into'))), 'the waiting run is there';
is_deeply [files_in("$dir/other")], \@before, 'the folder is as it was';
is history($dir, 'merge', "$dir/other", at('into'))->{code}, 0, 'again';
is scalar @{[ids(at('into'))]}, 2, 'nothing is there twice';
mkdir "$dir/$_", 0700 for 'alone', 'alone/spool';
my $alone = waits("$dir/alone");
is history($dir, 'merge', "$dir/alone", at('into'))->{out}, "imported 1 run, 0 known already\n", 'a folder that has a spool alone';
is history($dir, 'merge', "$dir/nowhere", at('into'))->{code}, 1, 'a folder that is not there';
is history($dir, 'migrate', '--dry-run', at('nothing'))->{code}, 1, 'migrate --dry-run without a store: exit 1';
ok !-e "$dir/nothing", 'and none is made';

# --- a part of a matrix that is larger than its cases
write_file("$dir/a.spec.yaml", "version: 1\nsuite: s\ncases:\n  - {id: A, harness: {type: cli.run, argv: ['true']}}\n");
for my $more ([], ['--plan-key', 'K']) {
	$r = run_spec(['test', '--shard', '2/3', @$more, 'a.spec.yaml'], dir => $dir, env => at('h'));
	is "$r->{code} $r->{out}", "0 TAP version 13\n1..0\n", "an empty part passes (@$more)";
	like $r->{err}, qr/^spec-runner: part 2 of 3 is empty: 1 in all$/m, 'with a word';
}
is run_spec(['test', '--shard', '2/3', '--filter', 'nope', 'a.spec.yaml'], dir => $dir, env => at('h'))->{code}, 2, 'nothing selected at all is exit 2';

# --- FUSE: SQLite's shared memory does not work there
SKIP: {
	skip 'no FUSE here (package bindfs, root)', 9 if $> != 0 || system('command -v bindfs >/dev/null') != 0 || !-w '/dev/fuse';
	mkdir "$dir/$_" for qw(behind fuse);
	skip 'bindfs does not work here', 9 if system('bindfs', "$dir/behind", "$dir/fuse") != 0;
	$r = history($dir, 'record', $first, at('fuse/h'));
	is $r->{code}, 125, 'a store on FUSE is refused';
	like $r->{err}, qr/is on FUSE, .*PostgreSQL .*--history-network-ok/, 'with a word about PostgreSQL';
	$r = run_spec(['run', '--', 'true'], dir => $dir, env => at('fuse/h'));
	is $r->{code}, 0, 'a run there passes';
	like $r->{err}, qr/\Aspec-runner: history: [^\n]*FUSE[^\n]*\n\z/, 'with one line';
	is scalar @{[files_in("$dir/fuse/h/spool")]}, 1, 'its trace waits in the spool';
	ok !-e "$dir/fuse/h/history.db", 'no database was begun';
	$r = history($dir, 'record', '--history-network-ok', $first, at('fuse/h'));
	is $r->{code}, 0, '--history-network-ok: one writer' or diag $r->{err};
	is scalar @{[files_in("$dir/fuse/h/spool")]}, 0, 'which takes in the spool';
	ok !-e "$dir/fuse/h/history.db-wal" && read_file("$dir/fuse/h/history.db") =~ /\ASQLite format 3\0..\x01\x01/s, 'by a rollback journal';
	system('fusermount', '-u', "$dir/fuse") == 0 or system('umount', "$dir/fuse");
}

# --- a full disk: a file system of a megabyte
SKIP: {
	mkdir "$dir/small";
	skip 'no mount here', 8 if $> != 0 || system("mount -t tmpfs -o size=1200k,mode=0700 none $dir/small 2>/dev/null") != 0;
	is history($dir, 'record', $first, at('small/h'))->{code}, 0, 'a store on a small disk';
	my ($room) = qx{df -k --output=avail $dir/small} =~ /(\d+)\s*\z/;
	write_file("$dir/small/filler", 'x' x (1024 * ($room - 24)));
	my @t = map { (write_trace($dir, id => sprintf('f%07x', $_), at => time - 300 + $_, tests => [map { ['s', "test $_", 'pass', 1] } 1 .. 400]))[0] } 1 .. 3;
	$r = history($dir, 'record', @t, at('small/h'));
	is $r->{code}, 125, 'a full disk: the store failed';
	unlike $r->{out}, qr/recorded/, 'nothing is acknowledged';
	my $err = run_spec(['run', '--', 'seq', 1, 3], dir => $dir, env => at('small/h'));
	is "$err->{code} $err->{out}", "0 1\n2\n3\n", 'a run on it passes, with its output';
	cmp_ok scalar(() = $err->{err} =~ /\n/g), '<=', 1, 'and one line at most' or diag $err->{err};
	is scalar @{[ids(at('small/h'))]}, 1 + ($err->{err} eq ''), 'the store can be read';
	unlink "$dir/small/filler";
	$r = history($dir, 'record', @t, at('small/h'));
	is $r->{code}, 0, 'room again: recorded' or diag $r->{err};
	is history($dir, 'verify', at('small/h'))->{out}, "ok\n", 'and the store is whole';
	system('umount', "$dir/small");
}

# --- PostgreSQL: a connection that is cut at any byte, in either direction
SKIP: {
	my $port = postgres_start() or skip 'no PostgreSQL server can be started here (package postgresql)', 5;
	my $proxy = IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1', LocalPort => 0, ReuseAddr => 1) or die;
	my $from = $proxy->sockport;
	my $limit = "$dir/limit";
	# passes so many bytes of the client's on, then hangs up
	$child = fork // die;
	if (!$child) {
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		alarm 600;
		while (my $client = $proxy->accept) {
			my $left = read_file($limit);
			my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or next;
			my $select = IO::Select->new($client, $server);
			while ($left > 0) {
				my ($fh) = $select->can_read(10) or last;
				my $n = sysread($fh, my ($bytes), $fh == $client && $left < 8192 ? $left : 8192);
				last unless $n;
				$left -= $n if $fh == $client;
				my $to = $fh == $client ? $server : $client;
				for (my $done = 0; $done < $n;) { my $m = syswrite $to, $bytes, $n - $done, $done; last unless $m; $done += $m }
			}
			write_file("$limit.sent", read_file($limit) - $left);
			close $client;
			close $server;
		}
		POSIX::_exit(0);
	}
	my $direct = { SPEC_RUNNER_HISTORY => "$dir/pg", SPEC_RUNNER_HISTORY_DSN => "host=127.0.0.1 port=$port user=postgres dbname=postgres sslmode=disable gssencmode=disable" };
	my $cut = { %$direct, SPEC_RUNNER_HISTORY_DSN => "host=127.0.0.1 port=$from user=postgres dbname=postgres sslmode=disable gssencmode=disable" };
	is history($dir, 'record', $first, $direct)->{code}, 0, 'a database';
	write_file("$dir/t.tap", join '', "TAP version 13\n1..200\n", map { "ok $_ - test number $_\n" } 1 .. 200);
	my ($runs, $bad, $all, @said) = ($ENV{CUTS} // 12, 0, 0);
	for my $n (1 .. $runs) {
		# the second one tells how much a whole recording sends, once the names of the tests are known
		write_file($limit, $n <= 2 ? 1 << 30 : int(rand 1.2 * $all));
		unlink "$limit.sent" if $n <= 2;
		$r = run_spec(['run', '--', 'cat', 't.tap'], dir => $dir, env => $cut);
		$bad++ if $r->{code} != 0 || $r->{err} =~ /\n./;
		push @said, $r->{err} if length $r->{err};
		wait_until(10, sub { -s "$limit.sent" }) and $all = read_file("$limit.sent") if $n <= 2;
	}
	is $bad, 0, 'runs pass whatever byte the connection is cut at, with one line each at most' or diag @said;
	my $waiting = @{[files_in("$dir/pg/spool")]};
	note "of $all bytes: " . @said . " of $runs were cut, $waiting wait in the spool";
	cmp_ok scalar(@said), '>', 0, 'some were cut';
	history($dir, 'record', $first, $direct);
	my %n = map { $_->{n} => 1 } @{ history_json($dir, 'sql', "SELECT COUNT(*) AS n FROM v_test_results WHERE case_id LIKE '%number%' GROUP BY run_id", $direct)->{rows} };
	is_deeply [scalar(@{[ids($direct)]}), keys %n], [$runs + 1, 200], 'the next writer takes them in: none is lost, none is there in part';
	unlike join("", @said), qr{127\.0\.0\.1|port=|user=}, "no message holds a part of the DSN";
	kill 'KILL', $child;
	waitpid $child, 0;
	undef $child;
	postgres_stop();
}
done_testing();
