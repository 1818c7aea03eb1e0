// A consumer takes from a bounded queue of TBB, into which the producer has put one too few.
#include <tbb/concurrent_queue.h>
#include <thread>

static tbb::concurrent_bounded_queue<int> parts;

static int assemble(int n)
{
	int sum = 0, part;

	for (int i = 0; i < n; i++) {
		parts.pop(part);
		sum += part;
	}
	return sum;
}

int main()
{
	std::thread t([] { parts.push(1); parts.push(2); });
	t.join();
	return assemble(3) != 6;
}
