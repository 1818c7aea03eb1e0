// Takes the lock for writing while it has it for reading.
#include <map>
#include <mutex>
#include <shared_mutex>

static std::shared_mutex m;
static std::map<int, int> known;

static void remember(int n)
{
	std::unique_lock<std::shared_mutex> writing(m);
	known[n] = n;
}

static int look_up(int n)
{
	std::shared_lock<std::shared_mutex> reading(m);
	if (!known.count(n))
		remember(n);
	return known[n];
}

int main()
{
	return look_up(1) - 1;
}
