// A task waits for another one, and there are threads for both.
#include <chrono>
#include <future>
#include <iostream>
#include <thread>

static int part()
{
	std::this_thread::sleep_for(std::chrono::seconds(4));
	return 21;
}

static int total()
{
	auto one = std::async(std::launch::async, part);
	return 2 * one.get();
}

int main()
{
	auto all = std::async(std::launch::async, total);
	std::cout << all.get() << "\n";
}
