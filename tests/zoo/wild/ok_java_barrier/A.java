import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Three tasks meet at a barrier; the last one is late. */
public class A {
	public static void main(String[] args) throws Exception {
		CyclicBarrier start = new CyclicBarrier(3);
		ExecutorService pool = Executors.newFixedThreadPool(3);
		for (int i = 0; i < 3; i++) {
			int n = i;
			pool.submit(() -> { Thread.sleep(n * 1500L); return start.await(); });
		}
		pool.shutdown();
	}
}
