import java.util.concurrent.*;

// A job of the pool throws before it counts the latch down; its future is not looked at.
public class Load {
	static void part(int n, CountDownLatch done) {
		if (n == 2)
			throw new IllegalStateException("bad part");
		done.countDown();
	}

	public static void main(String[] args) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(3);
		CountDownLatch done = new CountDownLatch(3);
		for (int i = 0; i < 3; i++) {
			int n = i;
			pool.submit(() -> part(n, done));
		}
		done.await();
		pool.shutdown();
	}
}
