// A test of JUnit 5 joins a thread that waits for a monitor of the test's.
import org.junit.jupiter.api.Test;

class StockTest {
	private final Object lock = new Object();

	@Test void adds() { }

	@Test void takes() throws Exception {
		Thread holder = new Thread(() -> {
			synchronized (lock) {
				try {
					Thread.sleep(600000); // HELD junit
				} catch (InterruptedException e) {
				}
			}
		}, "holder");
		holder.start();
		Thread.sleep(200);
		synchronized (lock) { holder.join(); } // AT junit
	}
}
