// Waits for a flag that is set without the notification.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

static std::mutex m;
static std::condition_variable cv;
static bool done;

static void wait_done()
{
	std::unique_lock<std::mutex> l(m);
	cv.wait(l, [] { return done; });
}

int main()
{
	std::thread t([] { std::this_thread::sleep_for(std::chrono::milliseconds(300)); std::lock_guard<std::mutex> l(m); done = true; });
	wait_done();
	t.join();
}
