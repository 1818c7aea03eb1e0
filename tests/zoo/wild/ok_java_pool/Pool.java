import java.util.concurrent.*;
class Pool {
	public static void main(String[] a) throws Exception {
		var pool = Executors.newFixedThreadPool(4);
		var f = pool.submit(() -> { Thread.sleep(3000); return 1; });
		System.out.println(f.get());
		pool.shutdown();
	}
}
