// A test waits for an answer that its mock does not give.
#include <functional>
#include <future>
#include <gtest/gtest.h>

struct Client {
	std::function<void(std::function<void(int)>)> send;
	int ask()
	{
		auto p = std::make_shared<std::promise<int>>();
		send([p](int n) { p->set_value(n); });
		return p->get_future().get();
	}
};

TEST(Client, Adds)
{
	Client c{ [](auto done) { done(2); } };
	EXPECT_EQ(c.ask(), 2);
}

TEST(Client, Asks)
{
	std::function<void(int)> kept;
	Client c{ [&](auto done) { kept = done; } };
	EXPECT_EQ(c.ask(), 2);
}
