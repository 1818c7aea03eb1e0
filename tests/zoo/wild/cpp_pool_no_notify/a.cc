// The destructor of a pool sets its flag and forgets to wake the workers.
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

class Pool {
	std::mutex m;
	std::condition_variable cv;
	bool stop = false;
	std::vector<std::thread> threads;

	void work()
	{
		std::unique_lock lock(m);
		cv.wait(lock, [this] { return stop; });
	}

public:
	Pool()
	{
		for (int i = 0; i < 3; i++)
			threads.emplace_back([this] { work(); });
	}
	~Pool()
	{
		{
			std::lock_guard lock(m);
			stop = true;
		}
		for (auto &t : threads)
			t.join();
	}
};

int main()
{
	Pool p;
	std::this_thread::sleep_for(std::chrono::milliseconds(200));
}
