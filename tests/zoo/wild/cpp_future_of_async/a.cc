// What std::async returns is thrown away at once: its destructor waits for the task, which waits for what comes in the next line.
#include <condition_variable>
#include <future>
#include <iostream>
#include <mutex>

static std::mutex m;
static std::condition_variable ready;
static bool go;

static void worker()
{
	std::unique_lock<std::mutex> lock(m);
	ready.wait(lock, [] { return go; });
}

static void start()
{
	std::async(std::launch::async, worker);
	std::lock_guard<std::mutex> lock(m);
	go = true;
	ready.notify_all();
}

int main()
{
	start();
	std::cout << "done\n";
}
