// hang_cpp.cc - hangs in C++.
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <future>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace zoo {
std::mutex a, b;

template <typename T> struct Taker {
	static void take(T &m)
	{
		m.lock(); // AT cpp_abba HELD cpp_abba
	}
};

void abba()
{
	std::thread other([] {
		std::lock_guard<std::mutex> g(b);
		std::this_thread::sleep_for(std::chrono::milliseconds(100));
		Taker<std::mutex>::take(a);
	});
	std::lock_guard<std::mutex> g(a);
	std::this_thread::sleep_for(std::chrono::milliseconds(100));
	Taker<std::mutex>::take(b);
	other.join();
}

void condition()
{
	std::condition_variable cv;
	std::unique_lock<std::mutex> l(a);

	for (;;)
		cv.wait(l); // AT cpp_condition
}

void future()
{
	std::promise<int> p;

	p.get_future().get(); // AT cpp_future
}
}

int main(int argc, char **argv)
{
	alarm(60);
	if (argc > 1 && !strcmp(argv[1], "cpp_abba"))
		zoo::abba();
	if (argc > 1 && !strcmp(argv[1], "cpp_condition"))
		zoo::condition();
	if (argc > 1 && !strcmp(argv[1], "cpp_future"))
		zoo::future();
	return 0;
}
