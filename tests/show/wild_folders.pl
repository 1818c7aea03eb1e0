#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# wild_folders.pl - the same hangs below several folders: is the first finding the same, whatever the path? Runs cases of tests/zoo/wild once
# below each folder and compares pattern, place and words of the first findings, without numbers, addresses and the folder itself.
#
#   perl tests/show/wild_folders.pl [REGEX] [FOLDER]...    (42 cases; /tmp, /var/tmp/a path with spaces, the home folder)
#
# Prints a line for each difference, and a count. Exit 1 where there is one.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use JSON::PP;

my @default = qw(c_flock_abba c_fork_wait_stopped c_pi_mutex_abba c_sibling_pipe c_stderr_unread c_unix_backlog cpp_cv_predicate ctest_lock
	curl_stalled_body debconf_daemon git_commit_editor git_push_hook_daemon gtest_death_fork go_channel java_file_lock js_exec_child
	make_fifo_sequential meson_test nginx_proxy perl_flock perl_pipe_kept pg_ctl_output pg_idle_transaction php_session_lock prove_socket
	py_asyncio_queue_thread py_pool_deadlock py_pytest_fifo py_sqlite_other py_unittest_socket py_xdist_flock rb_flock_other rs_libtest_channel
	sh_coproc sh_fifo_order sh_flock sh_health_loop sh_subst_daemon sh_wait_procsub socat_middle sqlite_two_shells ssh_agent_stopped);
my $only = @ARGV ? shift : '^(' . join('|', @default) . ')$';
my @folder = @ARGV ? @ARGV : ('/tmp', '/var/tmp/a path with spaces', $ENV{HOME});
my $keep = tempdir('wild-folders-XXXXXX', TMPDIR => 1, CLEANUP => 1);

sub text { open my $f, '<', $_[0] or return ''; local $/; return scalar <$f> }

# What differs from run to run is no difference.
sub plain {
	my ($t, $folder) = @_;
	$t =~ s{\Q$folder\E/wild-\w+-[\w-]+}{DIR}g;
	$t =~ s{(?:/\S*)?/wild-\w+-\w+(?=/)}{DIR}g;
	$t =~ s/0x[0-9a-f]+/0x/g;
	$t =~ s/\d+/N/g;
	$t =~ s/'//g; # around a path with blanks
	return $t;
}

my (%said, $bad);
for my $i (0 .. $#folder) {
	my $there = -d $folder[$i];
	make_path($folder[$i], "$keep/$i");
	local @ENV{qw(WILD_ALL WILD_ONCE WILD_ONLY WILD_TMP WILD_KEEP)} = (1, 1, $only, abs_path($folder[$i]), "$keep/$i");
	my @out = qx(perl tests/cli/wild.t 2>&1);
	print "$folder[$i]: ", scalar(grep { /^ok/ && !/# skip/ } @out), ' right, ', scalar(grep { /^not ok/ } @out), " not\n";
	print map { "   $_" } grep { /^not ok|^# hang|^# fail/ } @out;
	for my $file (glob "$keep/$i/*.json") {
		my ($name) = $file =~ m{([^/]+)\.json$};
		my $first = (decode_json(text($file) || '{}')->{findings} // [])->[0] // {};
		$said{$name}[$i] = join ' | ', map { plain($first->{$_} // '', abs_path($folder[$i])) } qw(pattern_id location summary);
	}
	rmdir $folder[$i] if !$there;
}
for my $name (sort keys %said) {
	for my $i (1 .. $#folder) {
		my ($a, $b) = map { $said{$name}[$_] } 0, $i;
		# what cannot be built there, such as a database below a home folder that only its owner may enter
		next if !defined $a || !defined $b || $a eq $b;
		$bad++;
		print "$name differs below $folder[$i]:\n   $a\n   $b\n";
	}
}
printf "%d hangs below %d folders: %d differences\n", scalar keys %said, scalar @folder, $bad // 0;
exit($bad ? 1 : 0);
