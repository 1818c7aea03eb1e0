// main joins the thread under the mutex that the thread's thread_local destructor wants.
#include <mutex>
#include <thread>

static std::mutex registry;

struct Slot {
	int used = 0;
	~Slot()
	{
		std::lock_guard<std::mutex> l(registry);
		used = 0;
	}
};

static thread_local Slot slot;

static void join_all(std::thread &t)
{
	std::lock_guard<std::mutex> l(registry);
	t.join();
}

int main()
{
	std::thread t([] { slot.used = 1; std::this_thread::sleep_for(std::chrono::milliseconds(300)); });
	join_all(t);
}
