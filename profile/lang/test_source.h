/* SPDX-License-Identifier: Apache-2.0 */
/* test_source.h - the test around a line of a file, where a test is a call that has its name beside it:
 * it("adds", () => …), it "adds" do … end. */
#ifndef PROFILE_LANG_TEST_SOURCE_H
#define PROFILE_LANG_TEST_SOURCE_H

/* "cart > total" of the describe, it, test … that hold this line (from 1), outermost first. NULL where none of them is a
 * test, or two beside each other hold it. Caller frees. */
char *test_source_javascript(const char *text, int line);
/* The same of RSpec and Minitest's spec style, by its indentation: "cart total". */
char *test_source_ruby(const char *text, int line);

#endif
