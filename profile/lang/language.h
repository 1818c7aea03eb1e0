/* SPDX-License-Identifier: Apache-2.0 */
/* language.h - one way to read the stacks of a language whose frames native unwinding does not name. A new language is a
 * file and a row of languages[] (language.c).
 *
 * A reader works on copies and on reads that stop nobody (struct peek); every address in them was written by another
 * program, and may lead nowhere, in a circle, or to a length of 2^60. What a reader cannot read it says in words. */
#ifndef PROFILE_LANG_LANGUAGE_H
#define PROFILE_LANG_LANGUAGE_H

#include "profile/native/resolve.h"

struct language_ops {
	const char *name; /* a literal: of its collector's row and of its frames' language */
	enum intrusion intrusion; /* that its reading takes, where it reads */
	/* Does this process run it? By the names of its files and a symbol at most. */
	bool (*detect)(struct native *n);
	/* Reads the threads of a process before their native stacks are unwound: one that runs is stopped once for both.
	 * NULL where there is nothing to merge, with the reason in words where there should have been. The state goes to
	 * merge and free. */
	void *(*collect)(struct native *n, enum intrusion allowed, char *reason, size_t size);
	/* Names its frames, puts them among the native ones of the threads that run them, and tells what each waits for
	 * (hints) and what is on no thread (tasks). The number of stacks that it found. */
	size_t (*merge)(struct native *n, void *state);
	void (*free)(void *state);
};

extern const struct language_ops language_python, language_go, language_java, language_javascript, language_ruby,
	language_php, language_perl, language_shell;

/* Every reader of this build, ended by NULL; at most LANGUAGES_MAX. */
extern const struct language_ops *const languages[];

#endif
