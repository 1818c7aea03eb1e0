#include "profile/lang/language.h"

const struct language_ops *const languages[] = { &language_python, NULL };
_Static_assert(sizeof(languages) / sizeof(*languages) <= LANGUAGES_MAX + 1, "room for the state of each");
