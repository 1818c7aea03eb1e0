/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - what a sampler leaves below raw/RUN_ID/: profile.json, an artifact a collector, and what each test took. */
#ifndef PROFILE_SAMPLE_OUTPUT_H
#define PROFILE_SAMPLE_OUTPUT_H

#include "profile/sample/artifact.h"
#include "profile/sample/calls.h"
#include "profile/sample/finish.h"
#include "profile/sample/sampler.h"

/* What a finished profile is made into elsewhere (evidence, other formats). Valid during the call. */
struct sample_result {
	const struct profile *p;
	const struct attribution *a;
	const struct raw *raw;
	const struct calls *calls;
};

/* The outcome of a collector that is no sampler: what its artifact says. */
struct sample_extra {
	char collector[32];
	enum artifact_status status;
	char reason[300];
	int intrusion;
	struct str metrics;       /* members, without braces */
	struct strv files;        /* by name within raw */
};

struct sample_session {
	int (*on_result)(struct sample_session *x, const struct sample_result *r, struct err *e); /* NULL none */
	/* Members of the collector gc's metrics; NULL none. */
	void (*gc_members)(const struct profile *p, const struct raw *r, struct json *j);
	const char *run_id, *raw, *root, *journal, *with, *collect, *target_json;
	const char *artifacts; /* of a profile that is made after the run: raw lies below; NULL */
	int64_t pid, start_ns, start_real_ns, hz, bytes, attached, seconds, intrusion, finish_only, given;
	struct sampler sampler;
	char *log;
	struct sample_extra extra[8];
	size_t extra_n;
	bool has_series;
	struct strv also;         /* further raw files of the samplers, by name within raw */
	const char *failed;       /* collecting could not begin, and why; NULL */
	int64_t ended_ns;
	uint64_t samples;         /* out: how many the profile holds */
};

bool sample_collects(const struct sample_session *x, const char *name);
/* The outcome of that collector, made on first use; kept by the session. */
struct sample_extra *sample_extra(struct sample_session *x, const char *collector);
void sample_extras_release(struct sample_session *x);
/* What a later process must know to finish the log in our place. */
void sample_note_session(struct sample_session *x);
/* Writes everything and removes the log. 0 or -1. */
int sample_output(struct sample_session *x, struct redactor *r, struct err *e);

#endif
