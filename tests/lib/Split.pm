# SPDX-License-Identifier: Apache-2.0
# Split.pm - programs of the same name in several languages whose CPU time is 70 : 20 : 10 between alpha, beta and gamma, all of it
# in spin, which they call.
package Split;
use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(write_splits);

sub put { my ($path, $text) = @_; open my $f, '>', $path or die "$path: $!\n"; print $f $text; close $f or die "$path: $!\n"; return }

# Writes split.py, split.js, split.rb, split.go and Split.java into the folder; each ends after so many seconds of CPU time.
sub write_splits {
	my ($dir, $seconds) = @_;
	put("$dir/split.py", <<"PY");
import time
def spin(n):
    s = 0
    for i in range(n): s = (s * 31 + i) & 0xffffff
    return s
def alpha(): return spin(7000)
def beta(): return spin(2000)
def gamma(): return spin(1000)
while time.process_time() < $seconds:
    for i in range(5): alpha(); beta(); gamma()
PY
	put("$dir/split.js", <<"JS");
function spin(n) { let s = 0; for (let i = 0; i < n; i++) s = (s * 31 + i) & 0xffffff; return s }
function alpha() { return spin(700000) }
function beta() { return spin(200000) }
function gamma() { return spin(100000) }
let x = 0;
while (process.cpuUsage().user < $seconds * 1e6) x += alpha() + beta() + gamma();
JS
	put("$dir/split.rb", <<"RB");
def spin(n) s = 0; i = 0; while i < n; s = (s * 31 + i) & 0xffffff; i += 1; end; s end
def alpha; spin(7000) end
def beta; spin(2000) end
def gamma; spin(1000) end
while Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) < $seconds; 5.times { alpha; beta; gamma }; end
RB
	put("$dir/split.go", <<"GO");
package main

import "syscall"

//go:noinline
func spin(n int) int { s := 0; for i := 0; i < n; i++ { s = (s*31 + i) & 0xffffff }; return s }

//go:noinline
func alpha() int { return spin(700000) }

//go:noinline
func beta() int { return spin(200000) }

//go:noinline
func gamma() int { return spin(100000) }

func main() {
	x, r := 0, syscall.Rusage{}
	for float64(r.Utime.Sec)+float64(r.Utime.Usec)/1e6 < $seconds {
		x += alpha() + beta() + gamma()
		syscall.Getrusage(0, &r)
	}
	if x == 42 { println(x) }
}
GO
	put("$dir/Split.java", <<"JAVA");
import java.lang.management.ManagementFactory;
public class Split {
	static int sink;
	static int spin(int n) { int s = 0; for (int i = 0; i < n; i++) s = (s * 31 + i) & 0xffffff; return s; }
	static void alpha() { sink += spin(700000); }
	static void beta() { sink += spin(200000); }
	static void gamma() { sink += spin(100000); }
	public static void main(String[] a) {
		var t = ManagementFactory.getThreadMXBean();
		while (t.getCurrentThreadCpuTime() < ${seconds}e9) { alpha(); beta(); gamma(); }
	}
}
JAVA
	return;
}

1;
