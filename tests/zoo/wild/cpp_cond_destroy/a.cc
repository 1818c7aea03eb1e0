// A condition variable is destroyed while a thread still waits on it.
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

struct Timer {
	std::mutex m;
	std::unique_ptr<std::condition_variable> cv = std::make_unique<std::condition_variable>();
	std::condition_variable *p = cv.get();
	void run()
	{
		std::unique_lock lock(m);
		p->wait(lock);
	}
	void stop()
	{
		cv.reset();
	}
};

int main()
{
	static Timer timer;
	std::thread t([] { timer.run(); });
	std::this_thread::sleep_for(std::chrono::milliseconds(200));
	timer.stop();
	t.join();
}
