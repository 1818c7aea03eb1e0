import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Twelve tasks meet at a barrier; the pool has eight threads. */
class StoreTest {
	private final AtomicInteger sent = new AtomicInteger();
	private final CyclicBarrier start = new CyclicBarrier(12);

	private int race() throws Exception {
		// all at once

		start.await();
		return sent.incrementAndGet();
	}

	@Test void adds() { }

	@Test void sendsOnce() throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(8);
		List<Future<Integer>> all = new ArrayList<>();
		for (int i = 0; i < 12; i++) all.add(pool.submit(this::race));
		int n = 0;
		for (Future<Integer> f : all) n += f.get() > 0 ? 1 : 0;
		assertEquals(12, n);
	}
}
