#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# explain: 200 answers of a server on loopback, each of one sentence: right ones, and such with a wrong number, a promise, no
# citation or a finding that is not there. Usage: tests/show/explain_answers.pl [ANSWERS]. Exit 1 where one was kept wrongly.
use strict;
use warnings;
use lib 'tests/lib';
use JSON::PP;
use ModelServer;
use SpecRunner;

my $answers = shift // 200;
my $json = JSON::PP->new->utf8->canonical;
my $dir = new_dir();
write_file("$dir/spec-runner.yaml", "version: 1\n");
run_spec([qw(run --quiet --timeout-ms 600 -- sleep 20)], dir => $dir);
my $f = $json->decode(read_file("$dir/.artifacts/findings.json"))->{findings}[0] or die 'no finding';
my ($id, $ms) = ($f->{finding_id}, $f->{evidence}{'run.idle_ms'}{value});
my @kinds = (
	[sub { my ($i) = @_; my $s = ($i % 2 ? sprintf('%.1f ms', $ms) : sprintf('%.3f s', $ms / 1000)); return ["It was idle for $s.", [$id]] }, undef],
	[sub { my ($i) = @_; return ['It was idle for ' . int($ms + 10 + $i) . ' ms.', [$id]] }, 'number'],
	[sub { my ($i) = @_; return [('This will fix it.', 'It is guaranteed.', 'It runs 3 times faster then.', 'It certainly passes.')[$i % 4], [$id]] }, 'promise'],
	[sub { return ['It sleeps.', []] }, 'citation'],
	[sub { my ($i) = @_; return ['It sleeps.', [sprintf('f-%016x', $i), $i % 2 ? $id : ()]] }, 'citation'],
);
my $s = server(sub {
	my ($agent, $n) = @_;
	my $x = $kinds[($n - 1) % @kinds][0]->($n);
	return chat({ sentences => [{ text => $x->[0], evidence => $x->[1] }] });
});
my ($kept, $refused, @wrong) = (0, 0);
for my $i (0 .. $answers - 1) {
	my $want = $kinds[$i % @kinds][1];
	my $r = run_spec(['explain', '--json', '--explain-base', "http://127.0.0.1:$s->{port}/v1", '--explain-model', 'M'], dir => $dir);
	my $v = eval { $json->decode($r->{out}) } // {};
	my $got = @{ $v->{sentences} // [] } ? 'kept' : $v->{rejected}[0]{reason} // "exit $r->{code}: $r->{err}";
	$got eq 'kept' ? $kept++ : $refused++;
	push @wrong, ($v->{sentences}[0] // $v->{rejected}[0] // {})->{text} . ": $got" if $got ne ($want // 'kept');
}
print "$answers answers: $kept kept, $refused refused, ", scalar @wrong, " judged wrongly\n", map { "  $_\n" } @wrong;
exit(@wrong ? 1 : 0);
