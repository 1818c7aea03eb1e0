/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/sampled/own_profiles.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "base/path.h"
#include "findings/report/prof.h"
#include "profile/lang/java.h"
#include "profile/proc/slow_read.h"
#include "trace/redact.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define JVM_AGE_NS (250 * NS_PER_MS)
#define ASK_NS (5 * NS_PER_S)
#define CPUPROFILE_BYTES_MAX ((size_t)256 << 20)
#define SETTINGS "spec-runner.jfc"

/* What a recording holds by default tells the whole environment: only events that hold none of it are on. */
static const char settings[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<configuration version=\"2.0\">\n"
	"<event name=\"jdk.ExecutionSample\"><setting name=\"enabled\">true</setting>"
	"<setting name=\"period\">10 ms</setting></event>\n"
	"<event name=\"jdk.NativeMethodSample\"><setting name=\"enabled\">true</setting>"
	"<setting name=\"period\">20 ms</setting></event>\n"
	"<event name=\"jdk.GarbageCollection\"><setting name=\"enabled\">true</setting></event>\n"
	"<event name=\"jdk.GCPhasePause\"><setting name=\"enabled\">true</setting></event>\n"
	"<event name=\"jdk.JavaMonitorEnter\"><setting name=\"enabled\">true</setting>"
	"<setting name=\"stackTrace\">true</setting><setting name=\"threshold\">10 ms</setting></event>\n"
	"<event name=\"jdk.InitialEnvironmentVariable\"><setting name=\"enabled\">false</setting></event>\n"
	"<event name=\"jdk.InitialSystemProperty\"><setting name=\"enabled\">false</setting></event>\n"
	"<event name=\"jdk.InitialSecurityProperty\"><setting name=\"enabled\">false</setting></event>\n"
	"<event name=\"jdk.SystemProcess\"><setting name=\"enabled\">false</setting></event>\n"
	"<event name=\"jdk.JVMInformation\"><setting name=\"enabled\">false</setting></event>\n"
	"<event name=\"jdk.StringFlag\"><setting name=\"enabled\">false</setting></event>\n"
	"</configuration>\n";

/* ---- JVMs ---- */

static int settings_write(const char *raw)
{
	auto_free char *path = path_join(raw, SETTINGS);
	struct err e;

	return access(path, F_OK) == 0 ? 0 : file_write(path, settings, sizeof(settings) - 1, &e);
}

/* In a process of its own, for a JVM may take its time: what came of it goes to a file. */
static void ask(const char *raw, pid_t pid)
{
	struct snap_process p = { .pid = pid, .ns_pid = pid };
	auto_free char *name = xasprintf("%d.jfr", (int)pid), *out = path_join(raw, name), *with = path_join(raw, SETTINGS);
	auto_free char *result = xasprintf("%s/jfr-%d.result", raw, (int)pid), *command = NULL, *answer = NULL;
	struct proc_status st;
	char reason[300] = "";
	size_t n = 0;
	struct err e;

	if (proc_stat_read(pid, &p.stat) < 0 || proc_status_read(pid, 0, &st) < 0)
		return;
	p.uid = st.euid;
	p.ns_pid = st.ns_pid > 0 ? st.ns_pid : pid;
	proc_argv_read(pid, &p.argv);
	command = xasprintf("JFR.start name=spec-runner settings=\"%s\" filename=\"%s\" dumponexit=true", with, out);
	answer = java_attach(&p, "jcmd", command, clock_mono_ns() + ASK_NS, &n, reason, sizeof(reason));
	if (answer && !strstr(answer, "Started recording"))
		snprintf(reason, sizeof(reason), "it answered: %.200s", answer);
	file_write(result, reason, strlen(reason), &e);
}

void jfr_turn(const struct sample_session *x, struct sampler *s, int64_t now)
{
	for (struct sproc *p = s->first; p; p = p->after) {
		auto_free char *raw = NULL;
		pid_t child;

		if (p->asked || !p->exe || !str_ends(p->exe, "/java") || now - p->start_ns < JVM_AGE_NS)
			continue;
		p->asked = true;
		raw = realpath(x->raw, NULL);
		if (!raw || settings_write(raw) < 0)
			continue;
		child = fork();
		if (child == 0) {
			fd_close_from(3);
			if (fork() == 0)
				ask(raw, p->pid);
			_exit(0);
		}
		if (child > 0)
			waitpid(child, NULL, 0);
	}
}

struct jfr_sums {
	size_t jvms, recordings;
	int64_t bytes;
	char reason[300];
};

static void jfr_one(struct sample_session *x, struct sample_extra *out, struct jfr_sums *sums, int pid, const char *result)
{
	auto_free char *name = xasprintf("%d.jfr", pid), *path = path_join(x->raw, name), *at = path_join(x->raw, result);
	char reason[300] = "";
	struct stat st;

	sums->jvms++;
	if (fd_read_file(AT_FDCWD, at, reason, sizeof(reason)) < 0)
		reason[0] = '\0';
	unlink(at);
	if (stat(path, &st) == 0 && st.st_size > 0) {
		sums->recordings++;
		sums->bytes += st.st_size;
		strv_add(&out->files, name);
	} else {
		snprintf(sums->reason, sizeof(sums->reason), "JVM %d left no recording: %.200s", pid,
			 reason[0] ? reason : "it did not end by itself");
	}
}

int jfr_take(struct sample_session *x, struct err *e)
{
	struct sample_extra *out = sample_extra(x, "jfr");
	auto_free char *with = path_join(x->raw, SETTINGS);
	struct jfr_sums sums = { 0 };
	struct dirent *d;
	struct json j;
	DIR *dir = opendir(x->raw);

	(void)e;
	while (dir && (d = readdir(dir))) {
		int pid;

		if (sscanf(d->d_name, "jfr-%d.result", &pid) == 1)
			jfr_one(x, out, &sums, pid, d->d_name);
	}
	if (dir)
		closedir(dir);
	unlink(with);
	out->intrusion = sums.jvms ? 2 : 0;
	out->status = sums.reason[0] ? (sums.recordings ? ARTIFACT_PARTIAL : ARTIFACT_DENIED) :
		      sums.recordings ? ARTIFACT_OK : ARTIFACT_PARTIAL;
	snprintf(out->reason, sizeof(out->reason), "%s", sums.reason[0] ? sums.reason :
		 "no JVM ran for long enough to be asked (a quarter of a second)");
	json_init(&j, &out->metrics);
	json_uint(&j, "processes_count", sums.jvms);
	json_uint(&j, "recordings_count", sums.recordings);
	json_int(&j, "recorded_bytes", sums.bytes);
	return 0;
}

/* ---- node ---- */

struct node_sums {
	size_t processes;
	int64_t samples, cpu_ns;
};

/* Names of functions and files, redacted as names are. */
static int cpuprofile_take(struct sample_session *x, const char *name, struct redactor *r, struct node_sums *sums,
			   struct err *e)
{
	auto_free char *path = path_join(x->raw, name), *bytes = NULL;
	auto_str clean = STR_INIT;
	struct profile p;
	struct err bad;
	size_t n = 0;

	if (file_read(path, CPUPROFILE_BYTES_MAX, &bytes, &n, e) < 0)
		return -1;
	redact_name(r, bytes, n, &clean);
	if (!json_scan_value(str_cstr(&clean), clean.len)) {
		unlink(path);
		return 0;
	}
	if (file_write(path, str_cstr(&clean), clean.len, e) < 0)
		return -1;
	sums->processes++;
	if (prof_read(&p, str_cstr(&clean), clean.len, name, &bad) < 0)
		return 0;
	for (size_t i = 0; i < p.sample_count; i++)
		sums->cpu_ns += p.samples[i].cpu_ns;
	sums->samples += (int64_t)p.sample_count;
	profile_release(&p);
	return 0;
}

int nodeprof_take(struct sample_session *x, struct redactor *r, struct err *e)
{
	struct sample_extra *out = sample_extra(x, "nodeprof");
	struct node_sums sums = { 0 };
	struct dirent *d;
	struct json j;
	DIR *dir = opendir(x->raw);
	int rc = 0;

	while (dir && rc == 0 && (d = readdir(dir))) {
		if (!str_ends(d->d_name, ".cpuprofile"))
			continue;
		rc = cpuprofile_take(x, d->d_name, r, &sums, e);
		strv_add(&out->files, d->d_name);
	}
	if (dir)
		closedir(dir);
	out->intrusion = 3;
	out->status = sums.processes ? ARTIFACT_OK : ARTIFACT_PARTIAL;
	snprintf(out->reason, sizeof(out->reason), "no Node program that reads NODE_OPTIONS ended by itself");
	json_init(&j, &out->metrics);
	json_uint(&j, "processes_count", sums.processes);
	json_int(&j, "samples_count", sums.samples);
	json_fixed(&j, "profiled_ms", (double)sums.cpu_ns / 1e6, 3);
	return rc;
}
