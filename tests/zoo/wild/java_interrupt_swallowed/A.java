import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** shutdownNow() interrupts a task that swallows the interrupt and goes on. */
public class A {
	private static void poll() {
		while (true) {
			try {
				// the next look

				Thread.sleep(500);
			} catch (InterruptedException e) {
				// whatever
			}
		}
	}

	public static void main(String[] args) throws Exception {
		ExecutorService pool = Executors.newSingleThreadExecutor();
		pool.submit(A::poll);
		Thread.sleep(100);
		pool.shutdownNow();
		pool.awaitTermination(1, TimeUnit.DAYS);
	}
}
