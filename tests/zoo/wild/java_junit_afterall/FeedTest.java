import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the tests have started is waited for, and not told to end. */
class FeedTest {
	static ExecutorService pool;
	static final LinkedBlockingQueue<String> feed = new LinkedBlockingQueue<>();

	@BeforeAll static void begin() {
		pool = Executors.newSingleThreadExecutor();
		pool.submit(() -> { for (;;) feed.take(); });
	}

	@AfterAll static void end() throws Exception {
		pool.shutdown();
		pool.awaitTermination(1, TimeUnit.HOURS);
	}

	@Test void feeds() { feed.add("one"); }
}
