#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# howto.pl [FOLDER] - does what docs/HOWTO-* say, on a branch to throw away: an option, a checkpoint, a report format, a
# sampling engine and a language, each in a commit of its own. Builds all of it, tries each, prints the diffstat of each.
# Exit 1 where one does not work. From the project's folder; the clone (in FOLDER, else in TMPDIR) is removed afterwards.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);

my $clone = tempdir('howto.XXXXXX', DIR => shift // $ENV{TMPDIR} // '/tmp') . '/tree';
my $failed = 0;

sub text {
	my ($file, $text) = @_;
	if (defined $text) {
		open my $out, '>', "$clone/$file" or die "$file: $!";
		print $out $text;
		return close $out;
	}
	open my $in, '<', "$clone/$file" or die "$file: $!";
	local $/;
	return scalar <$in>;
}

# Puts new text behind (or, with a third argument, in the place of) the first match, which must be there.
sub put {
	my ($file, $match, $new, $replace) = @_;
	my $text = text($file);
	my $there = $replace ? $text =~ s/$match/$new/ : $text =~ s/($match)/$1$new/;
	$there or die "$file: no /$match/: the recipe is no longer true\n";
	text($file, $text);
}

sub commit {
	my ($name) = @_;
	system("cd $clone && git add -A && git -c user.name=howto -c user.email=howto\@localhost commit -qm 'howto: add $name'") == 0 or die;
	print "$name:\n", `cd $clone && git show --stat --format= HEAD`;
}

sub try {
	my ($name, $want, $command) = @_;
	my $got = `cd $clone && { $command; } 2>&1`;
	my $good = $got =~ $want;
	$failed ||= !$good;
	print $good ? "works: $name\n" : "DOES NOT WORK: $name: $command\n$got\n";
}

system('git', 'clone', '-q', '--shared', getcwd(), $clone) == 0 or die;

put('runner/config/options.def', qr/OPT\(drain_ms, MS, "drain-ms".*?"\)\n/s,
	'OPT(greeting, STRING, "greeting", "SPEC_RUNNER_GREETING", "run.greeting", "TEXT", NULL, 0, 0, NULL, SUPERVISE, RUN,
    "line that is printed before the command starts")
');
put('runner/config/options.h', qr/\tint64_t timeout_ms, .*\n/, "\tchar *greeting;\n");
put('runner/proc/run.c', qr/\tif \(c->parent_why\.msg\[0\]\)\n.*\n/, qq(\tif (c->o->greeting)\n\t\tsay_always(c, "%s", c->o->greeting);\n));
commit('option');

put('trace/contract.def', qr/CHECKPOINT\(MACHINE_OOM.*\n/, qq(CHECKPOINT(MACHINE_LOAD, "machine.load") /* processes that want a processor (load_percent) */\n));
put('runner/proc/machine.c', qr/\tstruct attrs a = \{ 0 \};\n\n(?=\tif \(kills)/, "\tdouble load;

	if (getloadavg(&load, 1) == 1) {
		attrs_init(&a, t);
		attrs_int(&a, \"load_percent\", (int64_t)(load * 100));
		trace_checkpoint(t, span, CP_MACHINE_LOAD, now_ns, &a);
		attrs_release(&a);
	}
");
commit('checkpoint');

text('findings/report/csv.c', <<'C');
/* SPDX-License-Identifier: Apache-2.0 */
/* csv.c - one line for each finding: pattern, confidence, place, summary (RFC 4180). */
#include "findings/report.h"

#include "findings/pattern.h"

static void add_field(struct str *out, const char *s)
{
	str_add(out, "\"");
	for (; s && *s; s++)
		str_addf(out, *s == '"' ? "\"\"" : "%c", *s);
	str_add(out, "\"");
}

void report_csv(const struct report *r, struct str *out)
{
	str_add(out, "pattern,confidence,place,summary\r\n");
	for (size_t i = 0; i < r->findings->n; i++) {
		const struct finding *x = r->findings->v[i];

		add_field(out, x->pattern->id);
		str_addf(out, ",%.2f,", x->confidence);
		add_field(out, x->location);
		str_add(out, ",");
		add_field(out, x->summary);
		str_add(out, "\r\n");
	}
}
C
put('findings/report.h', qr/void report_html\(.*\n/, "void report_csv(const struct report *r, struct str *out);      /* one line a finding */\n");
put('findings/report/formats.c', qr/\t\{ "console".*\n/, qq(\t{ "csv", "one line a finding", report_csv },\n));
commit('report format');

text('profile/sample/idle.c', <<'C');
/* SPDX-License-Identifier: Apache-2.0 */
/* idle.c - takes no sample at all: what the rest costs. */
#include "profile/sample/sampler.h"

static int idle_start(struct sampler *s, struct err *e)
{
	(void)s;
	(void)e;
	return 0;
}

static int idle_fds(struct sampler *s, struct pollfd *out, int max)
{
	(void)s;
	(void)out;
	(void)max;
	return 0;
}

static void idle_readable(struct sampler *s, int64_t now)
{
	(void)s;
	(void)now;
}

static void idle_member(struct sampler *s, struct sproc *p)
{
	(void)s;
	(void)p;
}

static void idle_stop(struct sampler *s)
{
	(void)s;
}

const struct sampler_ops sampler_idle = { .name = "idle", .start = idle_start, .fds = idle_fds, .readable = idle_readable,
					  .member = idle_member, .stop = idle_stop };
C
put('profile/sample/sampler.h', qr/sampler_stop, sampler_read;/, 'sampler_stop, sampler_read, sampler_idle;', 1);
put('profile/sample/sampler.c', qr/&sampler_read \}/, '&sampler_read, &sampler_idle }', 1);
put('runner/config/options.c', qr/"stop", "read", NULL/, '"stop", "read", "idle", NULL', 1);
commit('sampling engine');

text('profile/lang/tcl.c', <<'C');
/* SPDX-License-Identifier: Apache-2.0 */
/* tcl.c - says of a Tcl interpreter that its stacks cannot be read. */
#include "profile/lang/language.h"

#include <stdio.h>
#include <string.h>

static bool tcl_detect(struct native *n)
{
	for (size_t i = 0; i < n->module_count; i++)
		if (n->modules[i].image && strstr(n->modules[i].image->path, "/libtcl"))
			return true;
	return false;
}

static void *tcl_collect(struct native *n, enum intrusion allowed, char *reason, size_t size)
{
	(void)n;
	(void)allowed;
	snprintf(reason, size, "stacks of Tcl cannot be read");
	return NULL;
}

static size_t tcl_merge(struct native *n, void *state)
{
	(void)n;
	(void)state;
	return 0;
}

static void tcl_free(void *state)
{
	(void)state;
}

const struct language_ops language_tcl = { .name = "tcl", .detect = tcl_detect, .collect = tcl_collect, .merge = tcl_merge,
					   .free = tcl_free };
C
put('profile/lang/language.h', qr/language_perl, language_shell;/, 'language_perl, language_shell, language_tcl;', 1);
put('profile/lang/language.c', qr/&language_shell, NULL/, '&language_shell, &language_tcl, NULL', 1);
commit('language');

my $jobs = $ENV{JOBS} // 2;
my $cc = $ENV{CC} // 'gcc';
system("cd $clone && make -j$jobs WERROR=1 CC='$cc' spec-runner .artifacts/libexec/spec-runner-report .artifacts/libexec/spec-runner-inspect .artifacts/libexec/spec-runner-sampler >build.log 2>&1") == 0
	or die "does not build:\n" . `grep -E 'error|undefined|Error' $clone/build.log | head`;
try('option', qr/^spec-runner: good morning$/m, "./spec-runner run --greeting 'good morning' -- true");
try('option: in help', qr/--greeting/, './spec-runner help run');
try('checkpoint', qr/"machine\.load"/, './spec-runner run --profile-level basic -- sh -c "kill -9 \$\$"; cat .artifacts/run-trace.json');
try('report format', qr/^"fail\.[^\n]*\r$/m, './spec-runner run -- nosuchprogram; ./spec-runner report --format csv');
try('sampling engine', qr/"with":"idle"/, './spec-runner run --collect cpu --sample-with idle -- sleep 2; cat .artifacts/raw/*/artifact-cpu.json');
if (grep { -x "$_/tclsh" } split /:/, $ENV{PATH}) {
	try('language', qr/stacks of Tcl cannot be read/, q(echo 'after 20000' >a.tcl; tclsh a.tcl & sleep 1; ./spec-runner inspect --json $!; kill $!));
} else {
	print "not tried: language (no tclsh here); it builds\n";
}
remove_tree($clone =~ s{/tree$}{}r);
exit $failed;
