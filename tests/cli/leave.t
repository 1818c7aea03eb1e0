#!/usr/bin/perl
# leave.t - how a run is left: a cancel is diagnosed first, the second signal says how to leave, the third leaves; a
# caller that dies cancels; --signal.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

sub ready {
	my ($r, $text) = @_;
	return wait_until(20, sub { (read_file($r->{out_path}) // '') =~ $text });
}

sub first_findings {
	my ($r) = @_;
	my $text = read_file("$r->{dir}/.artifacts/findings.json") // return 'none';
	return join ' ', map { $_->{pattern_id} } @{ JSON::PP->new->utf8->decode($text)->{findings} };
}

# A test that hangs, and what a CI system sends at its own limit.
my $hang = new_dir();
write_file("$hang/test_hang.py", <<'PY');
import sys, time
def test_slow():
    print("ready", flush=True)
    time.sleep(97)
test_slow()
PY
for my $sig (qw(INT TERM HUP)) {
	my $r = start_spec(['run', '--', 'python3', "$hang/test_hang.py"], setup => sub { $SIG{INT} = 'DEFAULT' });
	ready($r, qr/ready/) or diag 'never ready';
	sleep 1.1; # nobody cancels what has just moved
	my $at = time;
	kill $sig => $r->{pid};
	finish_spec($r);
	cmp_ok time - $at, '<', 7 * slow_factor(), "$sig: sealed within 7 s";
	like first_findings($r), qr/^hang\.sleep run\.cancelled/, "$sig: what hung comes before the cancel";
	like $r->{err}, qr/test_hang\.py:test_slow:4/, "$sig: with its line" or diag $r->{err};
	no_survivors($r);
}

# Nothing is un-leavable.
my $r = start_spec(['run', '--diagnose-ms', 0, '--', zoo('ignore_term')]);
ready($r, qr/ignoring/);
for my $n (1 .. 3) {
	kill INT => $r->{pid};
	wait_until(10, sub { (read_file($r->{err_path}) // '') =~ (qr/handing it/, qr/once more kills/, qr/the third/)[$n - 1] })
		or diag "signal $n: nothing said";
}
finish_spec($r);
is $r->{code}, 130, 'three times INT: 130';
like $r->{err}, qr/again: ending the command now; once more kills everything at once/, 'the second says how to leave';
no_survivors($r);

# --signal: the first one of an ending.
for (['INT', 2], ['SIGHUP', 1], ['3', 3]) {
	my ($name, $number) = @$_;
	my $s = run_spec(['run', '--signal', $name, '--timeout-ms', 400, '--profile-level', 'basic', '--', zoo('handles'), $number, 0]);
	is $s->{code}, 124, "--signal $name: 124";
	like $s->{out}, qr/summary after signal $number/, "--signal $name: the command got it";
	is_deeply [grep { /^watchdog\.kill/ } tokens(trace_of($s))], [], "--signal $name: no TERM where it sufficed";
	no_survivors($s);
}
$r = run_spec(['run', '--signal', 'INT', '--timeout-ms', 300, '--liveness-kill-grace-ms', 400, '--profile-level', 'basic', '--',
		zoo('ignore_term')]);
is_deeply [grep { /^watchdog\.kill/ } tokens(trace_of($r))], ['watchdog.kill.term', 'watchdog.kill.killed'],
	'--signal INT, ignored: TERM, then KILL';
$r = run_spec(['run', '--', 'true'], env => { SPEC_RUNNER_SIGNAL => 'usr2' });
is $r->{code}, 0, 'from the environment';
for my $bad ('FOO', '0', '65', 'STOP', '', 'INTER', '-2') {
	$r = run_spec(["--signal=$bad", 'run', '--', 'true']);
	is $r->{code}, 2, "--signal '$bad': 2";
	like $r->{err}, qr/^spec-runner: --signal[^\n]*such as TERM, SIGINT or 2[^\n]*\n\z/, "--signal '$bad': one clear line";
}

# CI signals a step's shell only, which waits for us and dies.
sub with_shell {
	my ($shell_sees, %o) = @_;
	my $dir = new_dir();
	my $args = join ' ', @{ $o{args} // [] };
	write_file("$dir/step.sh", ($o{exec} ? 'exec ' : '') . spec() . " run $args -- python3 $hang/test_hang.py\n");
	my $s = start_cmd(['/bin/bash', '-e', "$dir/step.sh"], dir => $dir, env => { CI => $o{ci} },
		setup => sub { $SIG{INT} = 'DEFAULT' });
	ready($s, qr/ready/) or diag 'never ready';
	sleep 1.1;
	kill $shell_sees => $s->{pid};
	finish_spec($s);
	return $s;
}
for (['TERM', ci => 'true'], ['KILL', ci => 'true'], ['KILL', ci => undef, args => ['--follow-parent', 'always']],
	['INT', ci => undef, exec => 1]) {
	my ($sig, %o) = @$_;
	my $how = join ' ', "shell gets $sig", map { "$_=" . (ref $o{$_} ? "@{ $o{$_} }" : $o{$_} // 'unset') } sort keys %o;
	my $s = with_shell($sig, %o);
	ok wait_until(5, sub { my %left = tagged($s->{tag}); !%left && -s "$s->{dir}/.artifacts/findings.json" }), "$how: sealed, nothing left"
		or diag join ' ', %{ { tagged($s->{tag}) } };
	like first_findings($s), qr/^hang\.sleep run\.cancelled/, "$how: what hung, and the cancel";
	like read_file($s->{err_path}), qr/the process that started us \(bash\) has died/, "$how: said" unless $o{exec};
	my $t = trace_of($s);
	is $t->{status}, 'fail', "$how: fail";
	no_survivors($s);
}
for (['never', 'true'], ['auto', undef], ['auto', 'false']) {
	my ($when, $ci) = @$_;
	my $s = with_shell('KILL', ci => $ci, args => ['--follow-parent', $when]);
	sleep 0.7;
	my %left = tagged($s->{tag});
	ok scalar(grep { /python/ } values %left), "--follow-parent $when, CI=" . ($ci // 'unset') . ': it goes on';
	kill_tagged($s->{tag});
}
done_testing;
