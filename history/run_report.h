/* SPDX-License-Identifier: Apache-2.0 */
/* run_report.h - the report of a run out of the store: what it was, against its baseline and the best, failed tests,
 * findings, metrics, hotspots, patches, windows of trouble, risk and the way back. As Markdown or as a page without
 * scripts. */
#ifndef HISTORY_RUN_REPORT_H
#define HISTORY_RUN_REPORT_H

#include "history/store.h"

struct run_report_request {
	struct store *s;
	const char *run_id;
	bool html;
	int64_t now_real_ns; /* the window of flaky tests ends here */
};
/* Appends the report. 1: there is no such run, and e says so. */
int run_report_write(const struct run_report_request *q, struct str *out, struct err *e);

#endif
