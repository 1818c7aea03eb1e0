// A spin lock is not given back where the guarded call throws.
#include <atomic>
#include <stdexcept>

static std::atomic_flag busy = ATOMIC_FLAG_INIT;

static void update(int n)
{
	while (busy.test_and_set())
		;
	if (!n)
		throw std::runtime_error("nothing to do");
	busy.clear();
}

int main()
{
	try {
		update(0);
	} catch (const std::exception &) {
	}
	update(1);
}
