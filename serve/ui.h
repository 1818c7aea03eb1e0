/* SPDX-License-Identifier: Apache-2.0 */
/* ui.h - pages for people: complete without scripts, every text escaped, nothing from elsewhere. */
#ifndef SERVE_UI_H
#define SERVE_UI_H

#include "serve/serve.h"

struct call;

/* An error as a page, for browsers. 401 has a link to /login. */
void ui_error(struct serve *sv, struct reply *a, int status, const char *text);

int ui_login(struct call *c, struct err *e);
int ui_login_form(struct call *c, struct err *e); /* POST */
int ui_style(struct call *c, struct err *e);
int ui_home(struct call *c, struct err *e);
int ui_run(struct call *c, struct err *e);
int ui_tests(struct call *c, struct err *e);
int ui_test(struct call *c, struct err *e);
int ui_hangs(struct call *c, struct err *e);
int ui_hang(struct call *c, struct err *e);
int ui_compare(struct call *c, struct err *e);

#endif
