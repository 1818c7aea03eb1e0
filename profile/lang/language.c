/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/lang/language.h"

const struct language_ops *const languages[] = {
	&language_python, &language_go, &language_java, &language_javascript, &language_ruby, &language_php,
	&language_perl, &language_shell, NULL
};
_Static_assert(sizeof(languages) / sizeof(*languages) <= LANGUAGES_MAX + 1, "room for the state of each");
