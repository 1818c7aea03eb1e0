// Asks again and again whether a deferred future is ready: it never is before somebody gets it.
#include <chrono>
#include <future>

static int wait_for(std::future<int> &f)
{
	while (f.wait_for(std::chrono::milliseconds(10)) != std::future_status::ready)
		;
	return f.get();
}

int main()
{
	auto f = std::async(std::launch::deferred, [] { return 0; });
	return wait_for(f);
}
