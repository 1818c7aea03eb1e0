// A slot is not given back on the way of an error; the third task waits for one.
#include <semaphore>
#include <stdexcept>

static std::counting_semaphore<2> slots(2);

static void run(int n)
{
	slots.acquire();
	if (n % 2 == 0)
		throw std::runtime_error("bad task");
	slots.release();
}

int main()
{
	for (int i = 0; i < 6; i++)
		try {
			run(i);
		} catch (const std::exception &) {
		}
}
