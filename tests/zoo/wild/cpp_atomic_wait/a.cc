// store() without notify: the waiter sleeps on.
#include <atomic>
#include <chrono>
#include <thread>

static std::atomic<int> state{0};

static void wait_started()
{
	state.wait(0);
}

int main()
{
	std::jthread t(wait_started);
	std::this_thread::sleep_for(std::chrono::milliseconds(200));
	state.store(1);
}
