import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** One condition for two kinds of waiters: signal() wakes the wrong one, who waits again; the right one sleeps on. */
public class A {
	private final ReentrantLock lock = new ReentrantLock();
	private final Condition changed = lock.newCondition();
	private String mail;
	private boolean closed;

	void awaitClosed() throws InterruptedException {
		lock.lock();
		try {
			while (!closed) changed.await();
		} finally {
			lock.unlock();
		}
	}

	String get() throws InterruptedException {
		lock.lock();
		try {
			while (mail == null)
				// there is one by now
				changed.await();
			return mail;
		} finally {
			lock.unlock();
		}
	}

	void put(String m) {
		lock.lock();
		mail = m;
		changed.signal();
		lock.unlock();
	}

	public static void main(String[] args) throws Exception {
		A a = new A();
		Thread watcher = new Thread(() -> { try { a.awaitClosed(); } catch (InterruptedException e) { } }, "watcher");
		watcher.setDaemon(true);
		watcher.start();
		Thread.sleep(200);
		Thread poster = new Thread(() -> { try { Thread.sleep(300); } catch (InterruptedException e) { } a.put("hello"); }, "poster");
		poster.start();
		System.out.println(a.get());
	}
}
