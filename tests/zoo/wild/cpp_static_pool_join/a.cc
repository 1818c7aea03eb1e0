// A pool in a static object: its destructor joins a worker that nobody tells to stop.
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

struct Pool {
	std::mutex m;
	std::condition_variable cv;
	bool stop = false;
	std::thread t{[this] { run(); }};

	void run()
	{
		std::unique_lock<std::mutex> l(m);
		while (!stop)
			cv.wait(l);
	}

	~Pool() { t.join(); }
};

static Pool pool;

int main()
{
	puts("all done");
}
