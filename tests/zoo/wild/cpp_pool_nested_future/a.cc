// A task of a pool with one thread waits for another task of the same pool.
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <iostream>
#include <memory>
#include <mutex>
#include <thread>

class Pool {
	std::mutex m;
	std::condition_variable some;
	std::deque<std::function<void()>> jobs;
	std::thread worker{[this] { work(); }};

	void work()
	{
		for (;;) {
			std::unique_lock<std::mutex> lock(m);
			some.wait(lock, [this] { return !jobs.empty(); });
			auto job = std::move(jobs.front());
			jobs.pop_front();
			lock.unlock();
			if (!job)
				return;
			job();
		}
	}

public:
	template <class F> std::future<int> submit(F f)
	{
		auto task = std::make_shared<std::packaged_task<int()>>(f);
		std::lock_guard<std::mutex> lock(m);
		jobs.push_back([task] { (*task)(); });
		some.notify_one();
		return task->get_future();
	}
	~Pool()
	{
		{ std::lock_guard<std::mutex> lock(m); jobs.emplace_back(); some.notify_one(); }
		worker.join();
	}
};

static int total(Pool &pool)
{
	auto part = pool.submit([] { return 21; });
	return 2 * part.get();
}

int main()
{
	Pool pool;
	auto all = pool.submit([&pool] { return total(pool); });
	std::cout << all.get() << "\n";
}
