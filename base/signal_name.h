/* SPDX-License-Identifier: Apache-2.0 */
/* signal_name.h - names of signals from a table of our own: sigabbrev_np() came with glibc 2.32 and
 * musl has none; strsignal() speaks the language of the locale, and reports are the same bytes everywhere. */
#ifndef BASE_SIGNAL_NAME_H
#define BASE_SIGNAL_NAME_H

/* "TERM" for SIGTERM, NULL if the number has no name (real-time signals have none). Static. */
const char *signal_abbrev(int sig);

/* "Terminated" for SIGTERM, as a shell says it; "Unknown signal" if the number has no name. Static. */
const char *signal_text(int sig);

#endif
