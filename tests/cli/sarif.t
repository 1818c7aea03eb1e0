#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `report --format sarif`: valid by our own statement of the part of SARIF 2.1.0 that it uses, and by the official
# schema where one is at hand: SARIF_SCHEMA names it (tests/show/sarif.sh fetches one); Debian's python3-jsonschema checks.
use strict;
use warnings;
use lib 'tests/lib';
use SpecRunner;
use RealHangs;
use Cwd qw(getcwd);
use JSON::PP;
use Test::More;

my $json = JSON::PP->new->utf8->canonical;
my $root = getcwd();
my $official = $ENV{SARIF_SCHEMA} // "$root/.artifacts/sarif/sarif-2.1.0.json";
my $python = '/usr/bin/python3';
my $validator = -r $official && -x $python && system("$python -c 'import jsonschema' >/dev/null 2>&1") == 0;
my $check = <<'PY';
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
kind = jsonschema.validators.validator_for(schema)
kind.check_schema(schema)
errors = list(kind(schema, format_checker=jsonschema.FormatChecker()).iter_errors(json.load(open(sys.argv[2]))))
for e in errors[:5]:
    print("/".join(map(str, e.absolute_path)), e.message[:200])
sys.exit(1 if errors else 0)
PY

my $dir = new_dir();
write_file("$dir/check.py", $check);
write_file("$dir/schema.yaml", read_file('tests/fixtures/sarif/sarif_used.yaml'));
write_file("$dir/spec-runner.yaml", "version: 1\n");
write_file("$dir/sarif.spec.yaml", <<'YAML');
version: 1
suite: sarif
cases:
  - id: SARIF-001
    title: is what we say that we write
    harness: {type: data.validate, paths: ['out.sarif'], schema: schema.yaml}
YAML

sub holds {
	my ($text, $name) = @_;
	write_file("$dir/out.sarif", $text);
	my $r = run_spec(['test', 'sarif.spec.yaml'], dir => $dir);
	is($r->{code}, 0, "$name: valid by our own schema") or diag $r->{out} . $r->{err};
	SKIP: {
		skip 'no official schema here (tests/show/sarif.sh)', 1 if !$validator;
		my $v = run_plain([$python, "$dir/check.py", $official, "$dir/out.sarif"]);
		is($v->{code}, 0, "$name: valid by the official schema") or diag $v->{out} . $v->{err};
	}
}

for my $h (grep { $_->[1] =~ /popen_pipe|job_pipe/ } @RealHangs::hangs) {
	SKIP: {
		skip 'no python3', 3 if $h->[2][0] eq 'python3' && !$RealHangs::python;
		my $r = RealHangs::run_hang($h, 1500 * slow_factor());
		my $text = run_spec(['report', '--format', 'sarif'], dir => $r->{dir})->{out};
		holds($text, $h->[0]);
		my $run = eval { $json->decode($text)->{runs}[0] } // {};
		ok(!(grep { !@{ $_->{locations} } } @{ $run->{results} }) && @{ $run->{results} }, "$h->[0]: every result has a place");
	}
}

# a place with letters that a URI may not hold, and a run without findings
my $id = 'run-20261121T010203Z-0a1b2c3d';
my %trace = (version => 1, run_id => $id, exit_code => 124, command => 'run', args => ['x'], environment => { arch => 'x86_64', cpus => 2 },
	spans => [ { span_id => '00000000000000a1', name => 'run.total', start_ns => 0, end_ns => 9e9, status => 'timeout', attrs => {} },
		{ span_id => '00000000000000a2', name => 'subprocess.wait', start_ns => 0, end_ns => 9e9, status => 'timeout', attrs => { pid => 10 } } ],
	events => [], summary => { last_progress_event => undef, output => {} });
mkdir "$dir/raw";
mkdir "$dir/raw/$id";
write_file("$dir/raw/$id/snapshot-1.json", $json->encode({ version => 1, pid => 10, processes => [ { pid => 10, ppid => 9, comm => 'python3',
	argv => ['python3'], state => 'S', cpu_ms => 1, rss_bytes => 4096, threads => [ { tid => 10, name => 'm', state => 'S', cpu_ms => 1, status => 'ok',
	reason => undef, frames => [ { language => 'python', function => 'wait "it"', file => "/srv/a b/\x{fc}[1]%.py", line => 7, module => undef } ],
	waits_on => { kind => 'sleep', resource => 'clock_nanosleep', proved => JSON::PP::true, since_ms => 5, holders => [] } } ] } ],
	cycles => [], roots => [ { pid => 10, tid => 10, pattern_id => 'hang.sleep', location => undef } ], collectors => [] }));
write_file("$dir/run-trace.json", $json->encode({ %trace, status => 'fail' }));
my $odd = run_spec(['report', '--format', 'sarif', 'run-trace.json'], dir => $dir)->{out};
holds($odd, 'an odd file name');
my $place = eval { $json->decode($odd)->{runs}[0]{results}[0]{locations}[0]{physicalLocation} } // {};
is($place->{artifactLocation}{uri}, 'file:///srv/a%20b/%C3%BC%5B1%5D%25.py', 'is a URI');
is($place->{region}{startLine}, 7, 'with its line');
write_file("$dir/pass.json", $json->encode({ %trace, run_id => 'run-20261121T010203Z-00000000', status => 'pass', exit_code => 0,
	spans => [ map { { %$_, status => 'ok' } } @{ $trace{spans} } ] }));
holds(run_spec(['report', '--format', 'sarif', 'pass.json'], dir => $dir)->{out}, 'no finding');

# the check itself can say no
write_file("$dir/out.sarif", $odd =~ s/"ruleId":"[^"]*",//r);
is(run_spec(['test', 'sarif.spec.yaml'], dir => $dir)->{code}, 1, 'a result without its rule is refused');
done_testing();
