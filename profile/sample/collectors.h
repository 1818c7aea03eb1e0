/* SPDX-License-Identifier: Apache-2.0 */
/* collectors.h - what can be collected of a run beside its trace: one table, from which --collect, `help collectors` and
 * the artifacts are made. */
#ifndef PROFILE_SAMPLE_COLLECTORS_H
#define PROFILE_SAMPLE_COLLECTORS_H

/* One row a collector: `help collectors`, --collect and the artifacts are made from it. */
struct collector_row {
	const char *name, *shown; /* shown: ProfileArtifact.collector */
	const char *category, *needs, *help;
	int intrusion;
};
extern const struct collector_row collector_rows[];
/* By its name or the seed's; NULL. */
const struct collector_row *collector_row_find(const char *name);

#endif
