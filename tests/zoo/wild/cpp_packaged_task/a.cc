// The task is made and never run; its future is asked.
#include <future>

static int ask(std::future<int> f)
{
	return f.get();
}

int main()
{
	std::packaged_task<int()> t([] { return 1; });
	return ask(t.get_future());
}
