#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `report` names the actions that lead to the place of a finding, out of the last audit, and only while that is true.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use SpecRunner;
use Test::More;

plan skip_all => 'audit is not built: no grammars' unless -x '.artifacts/libexec/spec-runner-audit';
my $spec = spec();
my $dir = new_dir();

mkdir "$dir/$_" for '.git', 'src';
write_file("$dir/src/app.py", <<'EOF');
import time, json
class Store:
    def lock(self):
        time.sleep(300)
def checkout(s):
    json.dumps([1, 2])
    s.lock()
def main():
    checkout(Store())
if __name__ == "__main__":
    main()
EOF
my $config = <<'EOF';
version: 1
audit:
  paths: [src]
  actions:
    - {name: buy, entry_points: [src.app.main]}
    - {name: pay, entry_points: [src.app.checkout]}
    - {name: other, entry_points: [src.app.Store.lock], description: it ends there itself}
EOF
write_file("$dir/spec-runner.yaml", $config);
is(system("cd '$dir' && '$spec' audit"), 0, 'an audit');
system("cd '$dir' && '$spec' run --timeout 3 -- python3 src/app.py >run.out 2>&1");
is($? >> 8, 124, 'a command that hangs');

sub hang { return (grep { ($_->{location} // '') =~ /:Store\.lock:4$/ } @{ decode_json(read_file("$dir/.artifacts/findings.json"))->{findings} })[0] }
sub report { my $out = qx(cd '$dir' && '$spec' report @_ 2>&1); return $out }

SKIP: {
	my $x = hang();
	skip 'no Python stack can be read here', 9 unless $x;
	my %value = map { $_ => $x->{evidence}{$_}{value} } grep { /^action/ } keys %{ $x->{evidence} };
	is_deeply(\%value, {
		'action.name' => 'other', 'action.path' => 'src.app.Store.lock', 'action.load' => 0,
		'action.name[2]' => 'pay', 'action.path[2]' => "src.app.checkout \x{2192} src.app.Store.lock", 'action.load[2]' => 300,
		'action.name[3]' => 'buy', 'action.path[3]' => "src.app.main \x{2192} src.app.checkout \x{2192} src.app.Store.lock",
		'action.load[3]' => 300,
	}, 'the actions that lead there, the shortest path first, with their load');
	like(read_file("$dir/run.out"), qr/; on action other \(src\.app\.Store\.lock\)$/m, 'the end of the run says it');
	my ($json, $md) = map { read_file("$dir/.artifacts/$_") } 'findings.json', 'report.md';
	report();
	is(read_file("$dir/.artifacts/findings.json") . read_file("$dir/.artifacts/report.md"), "$json$md", 'report: the same bytes again');

	unlink glob("$dir/.artifacts/raw/*/facts-action.json");
	write_file("$dir/spec-runner.yaml", $config =~ s/    - \{name: other.*\n//r);
	like(report(), qr/; on action pay \(src\.app\.checkout \x{e2}\x{86}\x{92} src\.app\.Store\.lock\)$/m, 'asked later: as declared now');
	is(hang()->{evidence}{'action.name'}{file}, 'audit/call_graph.json', 'out of the graph');
	write_file("$dir/src/other.py", "x = 1\n");
	like(report(), qr/on action pay/, 'a file that was not audited changes nothing');
	write_file("$dir/src/app.py", "# one line more\n" . read_file("$dir/src/app.py"));
	unlike(report(), qr/on action/, 'the source has changed: nothing is said');
	is(system("cd '$dir' && '$spec' audit"), 0, 'audited again');
	like(report(), qr/on action pay/, 'said again: the function counts where the line has moved');
}
done_testing();
