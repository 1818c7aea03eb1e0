import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The callback that should complete the future throws before it does; allOf waits for it. */
public class A {
	static CompletableFuture<String> fetch(ExecutorService pool, int n) {
		CompletableFuture<String> result = new CompletableFuture<>();
		pool.execute(() -> {
			if (n == 1) throw new IllegalStateException("connection failed");
			result.complete("page " + n);
		});
		return result;
	}

	public static void main(String[] args) {
		ExecutorService pool = Executors.newFixedThreadPool(2, r -> { Thread t = new Thread(r); t.setDaemon(true); return t; });
		CompletableFuture<?>[] all = new CompletableFuture<?>[3];
		for (int i = 0; i < 3; i++) all[i] = fetch(pool, i);
		CompletableFuture.allOf(all).join();
		System.out.println("done");
	}
}
