// std::jthread asks its thread to stop, which waits without the stop token.
#include <condition_variable>
#include <mutex>
#include <thread>

static std::mutex m;
static std::condition_variable_any cv;
static bool work;

static void serve(std::stop_token token)
{
	std::unique_lock<std::mutex> l(m);
	while (!token.stop_requested())
		cv.wait(l, [] { return work; });
}

int main()
{
	std::jthread t(serve);
	std::this_thread::sleep_for(std::chrono::milliseconds(300));
}
