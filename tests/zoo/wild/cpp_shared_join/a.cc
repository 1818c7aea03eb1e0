// Keeps a lock for reading while it waits for a thread that wants to write.
#include <mutex>
#include <shared_mutex>
#include <thread>

static std::shared_mutex table;

static void compact()
{
	std::unique_lock lock(table);
}

static void scan()
{
	std::shared_lock lock(table);
	std::thread t(compact);
	t.join();
}

int main()
{
	scan();
}
