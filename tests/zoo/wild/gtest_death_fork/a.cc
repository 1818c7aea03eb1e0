// A death test forks while another thread holds the lock that the child needs.
#include <chrono>
#include <gtest/gtest.h>
#include <mutex>
#include <thread>

static std::mutex registry;

static void check(int n)
{
	std::lock_guard lock(registry);
	if (n < 0)
		abort();
}

TEST(Check, AddsDeathTest)
{
	std::thread t([] {
		std::lock_guard lock(registry);
		std::this_thread::sleep_for(std::chrono::seconds(500));
	});
	std::this_thread::sleep_for(std::chrono::milliseconds(200));
	EXPECT_DEATH(check(-1), "");
	t.join();
}
