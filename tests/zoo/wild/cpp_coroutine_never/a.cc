// A coroutine waits for an event that is set before it listens; the blocking end waits for the coroutine.
#include <coroutine>
#include <iostream>
#include <semaphore>

static std::binary_semaphore finished{0};

struct Task {
	struct promise_type {
		Task get_return_object() { return {}; }
		std::suspend_never initial_suspend() { return {}; }
		std::suspend_never final_suspend() noexcept { return {}; }
		void return_void() { finished.release(); }
		void unhandled_exception() {}
	};
};

struct Event {
	std::coroutine_handle<> waiter;
	bool await_ready() { return false; }
	void await_suspend(std::coroutine_handle<> h) { waiter = h; }
	void await_resume() {}
	void set() { if (waiter) waiter.resume(); }
};

static Event connected;

static Task client()
{
	co_await connected;
	std::cout << "connected\n";
}

static void sync_wait()
{
	finished.acquire();
}

int main()
{
	connected.set();
	client();
	sync_wait();
}
