// Whoever was to keep the promise has returned without a word.
#include <future>

static void answer(std::promise<int> &p, bool ok)
{
	if (ok)
		p.set_value(1);
}

static int ask(std::promise<int> &p)
{
	return p.get_future().get();
}

int main()
{
	std::promise<int> p;

	answer(p, false);
	return ask(p);
}
