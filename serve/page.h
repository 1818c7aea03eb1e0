/* SPDX-License-Identifier: Apache-2.0 */
/* page.h - pages for people: complete without scripts, every text escaped, nothing from elsewhere. */
#ifndef SERVE_PAGE_H
#define SERVE_PAGE_H

#include "serve/serve.h"

struct call;

/* An error as a page, for browsers. 401 has a link to /login. */
void page_error(struct serve *sv, struct reply *a, int status, const char *text);

int page_login(struct call *c, struct err *e);
int page_login_form(struct call *c, struct err *e); /* POST */
int page_style(struct call *c, struct err *e);

#endif
