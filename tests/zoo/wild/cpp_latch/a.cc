// A latch of three, and only two come.
#include <latch>
#include <thread>

static void meet(std::latch &l)
{
	l.arrive_and_wait();
}

int main()
{
	std::latch l(3);
	std::jthread a(meet, std::ref(l)), b(meet, std::ref(l));
}
