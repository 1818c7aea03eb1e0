/* SPDX-License-Identifier: Apache-2.0 */
/* prof.h - profiles in the formats of other tools, and theirs read. Pure functions: the same profile makes the same
 * bytes. */
#ifndef FINDINGS_REPORT_PROF_H
#define FINDINGS_REPORT_PROF_H

#include "profile/sample/profile.h"

enum prof_weight { PROF_CPU, PROF_WALL, PROF_WAIT, PROF_SAMPLES };
extern const char *const prof_weight_text[]; /* cpu wall wait samples */

struct prof_view {
	const struct profile *p;
	enum prof_weight weight;
	/* Only samples of … */
	const bool *span_wanted;  /* by span; NULL: all */
	int64_t pid, tid;         /* 0: all */
	const char *lang;         /* NULL: all */
	const struct profile *baseline; /* NULL none */
	int64_t start_real_ns;    /* pprof; 0 unknown */
	const char *name;
};

/* A sample's weight in nanoseconds (or 1); 0: not wanted. */
int64_t prof_weight_of(const struct prof_view *v, const struct prof_sample *s);
int64_t prof_total(const struct prof_view *v);
/* A frame as one word of a folded stack: no ';', no newline. Returns its length. */
void prof_frame_text(const struct prof_frame *f, struct str *out);

struct prof_format {
	const char *name, *help;
	void (*write)(const struct prof_view *v, struct str *out);
};
extern const struct prof_format prof_formats[]; /* ended by a row without a name */
const struct prof_format *prof_format_find(const char *name);

void prof_folded(const struct prof_view *v, struct str *out);
void prof_flame(const struct prof_view *v, struct str *out);
void prof_speedscope(const struct prof_view *v, struct str *out);
void prof_pprof(const struct prof_view *v, struct str *out);
void prof_chrome(const struct prof_view *v, struct str *out);
void prof_firefox(const struct prof_view *v, struct str *out);
void prof_json(const struct prof_view *v, struct str *out);

/* The tree of merged stacks, outermost at the root. */
struct prof_node {
	const char *text;      /* of the frame; kept by the tree */
	uint32_t frame;        /* UINT32_MAX: a thread's name, a wait */
	int64_t total, self, before; /* before: in the baseline */
	uint32_t first, next;  /* children, by name; 0: none */
	uint32_t parent, depth;
};
struct prof_tree {
	struct prof_node *v;   /* 0: the root */
	uint32_t n, cap, depth;
	struct texts texts;
};
void prof_tree_make(struct prof_tree *t, const struct prof_view *v);
void prof_tree_release(struct prof_tree *t);
/* The picture alone, of so many pixels' width; levels: deepest that is drawn, 0 all. */
void prof_flame_svg(const struct prof_tree *t, const char *title, int width, int levels, bool diff, struct str *out);

/* Reads any known kind, told by its content. 0 or -1; p is initialised here. */
int prof_read(struct profile *p, const char *bytes, size_t n, const char *name, struct err *e);
/* The kinds, for prof_read and its fuzz target. Each: 0, or -1 and *e. */
int prof_read_folded(struct profile *p, const char *s, size_t n, struct err *e);
int prof_read_perf_script(struct profile *p, const char *s, size_t n, struct err *e);
int prof_read_speedscope(struct profile *p, const char *s, size_t n, struct err *e);
int prof_read_cpuprofile(struct profile *p, const char *s, size_t n, struct err *e);
int prof_read_pprof(struct profile *p, const char *s, size_t n, struct err *e);
int prof_read_pstats(struct profile *p, const char *s, size_t n, struct err *e);

/* gzip, the same bytes each time; and back: NULL where it is not, or holds more than 256 MiB. Caller frees. */
void prof_gzip(const char *bytes, size_t n, struct str *out);
char *prof_gunzip(const char *bytes, size_t n, size_t *size);

#endif
