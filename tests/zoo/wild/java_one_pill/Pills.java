import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Two consumers, one end mark. */
class Pills {
	static void consume(BlockingQueue<String> q) {
		try {
			while (!q.take().equals("end")) { }
		} catch (InterruptedException e) { }
	}

	public static void main(String[] args) throws Exception {
		BlockingQueue<String> q = new ArrayBlockingQueue<>(10);
		ExecutorService pool = Executors.newFixedThreadPool(2);
		for (int i = 0; i < 2; i++) pool.submit(() -> consume(q));
		q.put("job");
		q.put("end");
		pool.shutdown();
		pool.awaitTermination(1, TimeUnit.DAYS);
	}
}
