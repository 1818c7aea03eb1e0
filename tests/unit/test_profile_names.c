/* SPDX-License-Identifier: Apache-2.0 */
/* Names for people: C++, Rust's two schemes, and names that were made to hurt. */
#include "profile/native/elf_file.h"

#include "base/clock.h"
#include "base/mem.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <string.h>

static void known_names(void)
{
	static const struct { const char *mangled, *name; } t[] = {
		{ "_ZN3zoo4takeEi", "zoo::take(int)" },
		{ "_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<int, std::allocator<int> >::push_back(int&&)" },
		{ "_ZN4core3ops8function6FnOnce9call_once17h47931837d12a61adE", "core::ops::function::FnOnce::call_once" },
		{ "_ZN58_$LT$alloc..string..String$u20$as$u20$core..fmt..Debug$GT$3fmt17h51e8de4a24acd2a5E",
		  "<alloc::string::String as core::fmt::Debug>::fmt" },
		{ "_RNvCsL39EUhRVRM_3zoo4take", "zoo::take" },
		{ "_RINvNtC3std3mem8align_ofdE", "std::mem::align_of::<f64>" },
		{ "_RNvXCs1234_7mycrateNtB2_3FooNtB2_3Bar3run", "<mycrate::Foo as mycrate::Bar>::run" },
		{ "_RNCNvCs1234_7mycrate4main0B3_", "mycrate::main::{closure#0}" },
	};
	static const char *const plain[] = { "main", "", "_", "_start", "_Z", "_R", "_RN", "_ZZZZZZ", "_R_", "Z3foo", "_Rfoo bar" };

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		auto_free char *name = demangle(t[i].mangled);

		is_str(name ? name : "none", t[i].name, "%s", t[i].mangled);
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		auto_free char *name = demangle(plain[i]);

		ok(!name, "'%s' is left alone", plain[i]);
	}
}

/* f(A<int, int>, A<that, that>, ...): each doubles the one before. */
static void cpp_explosion(char *out, size_t size, int levels)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t at = (size_t)snprintf(out, size, "_Z1f1AIiiE");

	for (int i = 0; i < levels; i++)
		at += (size_t)snprintf(out + at, size - at, "S_IS%c_S%c_E", digits[i], digits[i]);
}

/* a::f::<(u8, u8), (that, that), ...>; a reference is a place in the name, in digits of base 62. */
static void rust_explosion(char *out, size_t size, int levels)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t at = (size_t)snprintf(out, size, "_RINvC1a1fThhE"), before = at - 6;

	for (int i = 0; i < levels; i++) {
		size_t n = before - 1, place = at - 2;
		char ref[8];

		if (n < 62)
			snprintf(ref, sizeof(ref), "B%c_", digits[n]);
		else
			snprintf(ref, sizeof(ref), "B%c%c_", digits[n / 62], digits[n % 62]);
		at += (size_t)snprintf(out + at, size - at, "T%s%sE", ref, ref);
		before = place;
	}
	snprintf(out + at, size - at, "E");
}

static void names_that_explode(void)
{
	int64_t began = clock_mono_ns();
	char name[4096], *shown;

	cpp_explosion(name, sizeof(name), 2);
	shown = demangle(name);
	is_str(shown, "f(A<int, int>, A<A<int, int>, A<int, int> >, A<A<A<int, int>, A<int, int> >, A<A<int, int>, A<int, int> > >)",
	       "a C++ name whose parts double");
	free(shown);
	cpp_explosion(name, sizeof(name), 36);
	shown = demangle(name);
	ok(shown && strlen(shown) == 1027 && strcmp(shown + 1024, "...") == 0, "36 times: it ends at a limit");
	free(shown);
	rust_explosion(name, sizeof(name), 1);
	shown = demangle(name);
	is_str(shown, "a::f::<(u8, u8), ((u8, u8), (u8, u8))>", "Rust's, too");
	free(shown);
	rust_explosion(name, sizeof(name), 100);
	shown = demangle(name);
	ok(shown && strlen(shown) == 1027, "100 times: it ends at a limit");
	free(shown);
	ok(clock_mono_ns() - began < 10 * NS_PER_S, "and at once");
}

int main(void)
{
	known_names();
	names_that_explode();
	return tap_done();
}
