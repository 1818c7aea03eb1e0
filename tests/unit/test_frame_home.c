/* SPDX-License-Identifier: Apache-2.0 */
/* test_frame_home.c - whose code is a frame, and which frame is the place to show. */
#include "base/frame_home.h"
#include "tests/tap.h"

#include <string.h>

static const struct {
	struct frame_words f;
	enum frame_home home;
} frames[] = {
	{ { "python", "take", "/home/me/t.py", NULL, 8, false }, FRAME_PROGRAM },
	{ { "python", "wait", "/usr/lib/python3.11/threading.py", NULL, 8, false }, FRAME_RUNTIME },
	{ { "python", "select", "/root/.pyenv/versions/3.11.7/lib/python3.11/selectors.py", NULL, 8, false }, FRAME_RUNTIME },
	{ { "python", "get", "/proj/.venv/lib/python3.11/site-packages/requests/api.py", NULL, 8, false }, FRAME_LIBRARY },
	{ { "python", "call", "/usr/lib/python3/dist-packages/_pytest/runner.py", NULL, 8, false }, FRAME_RUNNER },
	{ { "python", "run", "/usr/lib/python3.11/unittest/case.py", NULL, 8, false }, FRAME_RUNNER },
	{ { "python", "<module>", "<string>", NULL, 1, false }, FRAME_UNPLACED },
	{ { "python", "_find", "<frozen importlib._bootstrap>", NULL, 1, false }, FRAME_RUNTIME },
	{ { "javascript", "f", "/home/me/a.js", NULL, 3, false }, FRAME_PROGRAM },
	{ { "javascript", "f", "node:net", NULL, 3, false }, FRAME_RUNTIME },
	{ { "javascript", "f", "/home/me/node_modules/pg/index.js", NULL, 3, false }, FRAME_LIBRARY },
	{ { "javascript", "f", "/home/me/node_modules/jest-circus/run.js", NULL, 3, false }, FRAME_RUNNER },
	{ { "java", "Bank.move", "Bank.java", NULL, 15, false }, FRAME_PROGRAM },
	{ { "java", "java.lang.Object.wait", "Object.java", NULL, 15, false }, FRAME_RUNTIME },
	{ { "java", "org.junit.jupiter.engine.X.run", "X.java", NULL, 15, false }, FRAME_RUNNER },
	{ { "ruby", "compile", "/home/me/run.rb", NULL, 5, false }, FRAME_PROGRAM },
	{ { "ruby", "popen_run", "/usr/lib/ruby/3.1.0/open3.rb", NULL, 5, false }, FRAME_RUNTIME },
	{ { "ruby", "run", "/usr/share/rubygems-integration/all/gems/minitest-5.15.0/lib/minitest.rb", NULL, 5, false }, FRAME_RUNNER },
	{ { "go", "main.fetch", "/home/me/main.go", NULL, 13, false }, FRAME_PROGRAM },
	{ { "native", "net/http.(*Client).do", "/usr/lib/go-1.19/src/net/http/client.go", "/home/me/fetch", 13, false }, FRAME_RUNTIME },
	{ { "native", "main::collect", "/home/me/main.rs", "/home/me/collect", 12, false }, FRAME_PROGRAM },
	{ { "native", "recv", "/rustc/abc/library/std/src/sync/mpsc/mod.rs", "/home/me/collect", 12, false }, FRAME_RUNTIME },
	{ { "native", "futex_wait", NULL, "/usr/lib/x86_64-linux-gnu/libc.so.6", 0, false }, FRAME_RUNTIME },
	{ { "native", "curl_multi_poll", NULL, "/usr/lib/x86_64-linux-gnu/libcurl.so.4.8.0", 0, false }, FRAME_LIBRARY },
	{ { "native", "main", NULL, "/usr/lib/git-core/git", 0, false }, FRAME_LIBRARY },
	{ { "native", "clone_repository", "/home/me/a.c", "/home/me/a", 7, false }, FRAME_PROGRAM },
	{ { "native", "os::PlatformEvent::park", NULL, "/usr/lib/jvm/java-17/lib/server/libjvm.so", 0, false }, FRAME_INTERPRETER },
	{ { "native", "vm_run", "/home/me/src/runtime/vm.c", "/home/me/a", 7, false }, FRAME_PROGRAM },
	{ { "native", "works_Test::TestBody", "/home/me/tests/gtest/works.cc", "/home/me/a", 7, false }, FRAME_PROGRAM },
	{ { "native", "testing::Test::Run", "/usr/src/googletest/googletest/src/gtest.cc", "/home/me/a", 7, false }, FRAME_RUNNER },
	{ { "python", "test_a", "/home/me/unittest/test_a.py", NULL, 8, false }, FRAME_PROGRAM },
	{ { "ruby", "test_a", "/home/me/minitest/test_a.rb", NULL, 8, false }, FRAME_PROGRAM },
	{ { "php", "StockTest::take", "/home/me/phpunit/StockTest.php", NULL, 8, false }, FRAME_PROGRAM },
	{ { "php", "TestCase::run", "/home/me/vendor/phpunit/phpunit/src/Framework/TestCase.php", NULL, 8, false }, FRAME_RUNNER },
	{ { "php", "get", "/home/me/vendor/guzzlehttp/guzzle/src/Client.php", NULL, 8, false }, FRAME_LIBRARY },
	{ { "perl", "main::ok", "/usr/share/perl/5.36/Test/More.pm", NULL, 8, false }, FRAME_RUNNER },
	{ { "perl", "LWP::get", "/usr/share/perl5/LWP.pm", NULL, 8, false }, FRAME_LIBRARY },
	{ { "perl", "IO::Select::can_read", "/usr/lib/x86_64-linux-gnu/perl-base/IO/Select.pm", NULL, 8, false }, FRAME_RUNTIME },
	{ { "perl", "Shop::take", "lib/Shop.pm", NULL, 8, false }, FRAME_PROGRAM },
	{ { NULL, "work", "/home/me/a.c", "/home/me/a", 7, false }, FRAME_PROGRAM },
};

static void each_frame(void)
{
	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
		const struct frame_words *f = &frames[i].f;
		enum frame_home home = frame_home(f);

		is_int(home, frames[i].home, "%s %s", f->function, f->file ? f->file : f->module);
	}
}

static void places(void)
{
	struct frame_words own = { "python", "take", "/home/me/t.py", NULL, 8, false };
	struct frame_words named = { "native", "work", NULL, "/home/me/a", 0, false };
	struct frame_words engine = { "native", "v8::internal::Execution", NULL, "/usr/bin/node", 0, false };
	struct frame_words text = { "python", "<module>", "<string>", NULL, 1, false };
	struct frame_words libc = { "native", "poll", NULL, "/lib/x86_64-linux-gnu/libc.so.6", 0, false };

	ok(frame_place(&own, true) == PLACE_OWN_LINE, "a line of the program is the best place");
	ok(frame_place(&named, false) == PLACE_OWN_NAME, "then a function without its line");
	ok(frame_place(&named, true) == PLACE_NONE, "but native frames of an interpreted stack are the interpreter");
	ok(frame_place(&engine, false) == PLACE_RUNTIME, "an engine's function alone");
	ok(frame_place(&text, true) == PLACE_UNPLACED, "text of -c has no file");
	ok(frame_place(&libc, false) == PLACE_NONE, "libc is no place");
	ok(frame_module_is_runtime("/usr/bin/python3.11") && !frame_module_is_runtime("/home/me/a"), "binaries");
}

int main(void)
{
	each_frame();
	places();
	return tap_done();
}
