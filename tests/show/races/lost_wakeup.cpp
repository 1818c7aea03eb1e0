// SPDX-License-Identifier: Apache-2.0
// A consumer looks whether there is work and then waits, but not under one lock: a notification in between is lost.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

static std::mutex lock;
static std::condition_variable arrived;
static std::atomic<bool> work{false};

static void consumer()
{
	if (!work.load()) {
		std::unique_lock<std::mutex> held(lock);
		arrived.wait(held);
	}
	std::puts("consumed");
}

int main()
{
	std::thread t(consumer);
	std::this_thread::sleep_for(std::chrono::milliseconds(5)); // "by then it waits"
	work.store(true);
	arrived.notify_one();
	t.join();
	return 0;
}
