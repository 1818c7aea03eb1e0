#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# optimize against aimock, an emulated OpenAI server of npm, and its error modes, where it is installed
# (contrib/install-deps.sh web). What it cannot do (a body that is cut off, a redirect) is in optimize_gateway.t.
use strict;
use warnings;
use lib 'tests/lib';
use IO::Socket::INET;
use JSON::PP;
use OptimizeLoop;
use SpecRunner;
use Test::More;

my $aimock = ($ENV{WEB_MODULES} // SpecRunner::root() . '/.artifacts/web') . '/node_modules/@copilotkit/aimock/dist/cli.js';
-x '.artifacts/libexec/spec-runner-gateway' && -x '.artifacts/libexec/spec-runner-optimize' or plan skip_all => 'the gateway is not part of this build';
-f $aimock && grep { -x "$_/node" } split /:/, $ENV{PATH} or plan skip_all => 'no aimock here: contrib/install-deps.sh web';
my $json = JSON::PP->new->utf8;
my @servers;
END { if (@servers) { my $was = $?; kill KILL => @servers; waitpid $_, 0 for @servers; $? = $was } }

sub content { my ($v) = @_; return { content => ref $v ? $json->encode($v) : $v } }
sub fixture { my ($agent, $response, $i) = @_; return { match => { systemMessage => "spec-runner agent: $agent", defined $i ? (sequenceIndex => $i) : () }, response => $response } }

# aimock with these answers of the coder, in turn; returns its port.
sub aimock {
	my ($coder, @args) = @_;
	my $dir = new_dir();
	write_file("$dir/all.json", $json->encode({ fixtures => [fixture('conductor', content({ action => 'continue', hotspot => 'inner', strategy => 'cpu.hoist', justification => 'x' })),
		fixture('trace_analyst', content({ classes => ['cpu'] })), map { fixture('coder', $coder->[$_], $_) } 0 .. $#$coder] }));
	my $port = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport;
	my $s = start_cmd(['node', $aimock, '-p', $port, '-f', $dir, '--strict', '--log-level', 'silent', @args]);
	push @servers, $s->{pid};
	wait_until(60, sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) }) or die 'aimock does not listen';
	return $port;
}

sub loop {
	my ($port, $more, @args) = @_;
	my $dir = gateway_project("{api_base: 'http://127.0.0.1:$port/v1', api_key_env: LLM_KEY, models: {coding_fast: A, reasoning_strong: B, general: C}$more}");
	my $r = run_spec([qw(optimize --adapters a.yaml --dry-run --json), @args], dir => $dir, timeout => 60, env => { LLM_KEY => 'the-key-of-aimock-1234' });
	return ($dir, $r, eval { $json->decode($r->{out}) } // {});
}

my $diff = sub { return content({ diff => edit($_[0]), rationale => 'x' }) };
my ($dir, $r, $v) = loop(aimock([map { $diff->($_) } 1 .. 3]), '');
is($r->{code}, 0, 'a loop of three iterations') or diag $r->{err};
is_deeply([map { $_->{verdict} } @{ $v->{results} }], [qw(unchanged improved regressed)], 'its candidates are judged');
is($v->{budget_used}{requests}, 9, '9 requests');
cmp_ok($v->{budget_used}{tokens}, '>', 0, 'with their tokens');

my %errors = (429 => 'http_429 ok', 500 => 'http_500 ok', 503 => 'http_503 ok', 403 => 'http_403', 404 => 'http_404');
for my $status (sort keys %errors) {
	($dir) = loop(aimock([{ error => { message => 'no', type => 'x' }, status => $status }, $diff->(1)]), '', qw(--iterations 1));
	is(join(' ', statuses($dir)), $errors{$status}, "$status: $errors{$status}");
}
my $big = content('x' x 200_000);
($dir) = loop(aimock([$big]), ', max_response_bytes: 100000', qw(--iterations 1));
is(join(' ', statuses($dir)), 'too_large', 'an answer that is too large');

# --- of all requests: the loop goes on without a conductor, and ends where no coder answers in three iterations
my %chaos = (
	malformed => ['malformed', qw(--chaos-malformed 1)],
	'mid-stream disconnect' => ['http_000', qw(--chaos-disconnect 1)],
	drop => ['http_500', qw(--chaos-drop 1)],
	ratelimit => ['http_429', qw(--chaos-ratelimit 1)],
	slow => ['timeout', qw(--chaos-latency 30000)],
);
for my $mode (sort keys %chaos) {
	my ($want, @args) = @{ $chaos{$mode} };
	($dir, $r, $v) = loop(aimock([$diff->(1)], @args), ', attempts: 1, timeout_ms: 300');
	is($r->{code}, 1, "$mode: exit 1");
	is($v->{stop_reason}, 'gateway_failed', 'the gateway failed');
	is(join(' ', statuses($dir)), join(' ', ($want) x 3), "$want, three times");
	is(`grep -rl the-key-of-aimock '$dir' | wc -l` + 0, 0, 'the key is in no file');
}
done_testing();
