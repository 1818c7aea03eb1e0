import java.util.concurrent.*;

class Job {
	public static void main(String[] args) throws Exception {
		var done = new CountDownLatch(1);
		var pool = Executors.newFixedThreadPool(2);
		// the exception goes into a Future that nobody asks
		pool.submit(() -> {
			Integer.parseInt("seven");
			done.countDown();
		});
		done.await();
		pool.shutdown();
	}
}
