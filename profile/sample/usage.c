/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/sample/sampler.h"
void usage_tick(struct sampler *s, int64_t now) { (void)s; (void)now; }
void usage_end(struct sampler *s, struct sproc *p, int64_t now) { (void)s; (void)p; (void)now; }
void usage_finish(struct sampler *s, int64_t now) { (void)s; (void)now; }
