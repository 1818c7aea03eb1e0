import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Waits with its monitor held for a task that needs the monitor. */
public class A {
	private final ExecutorService pool = Executors.newFixedThreadPool(2);
	private int n;

	private synchronized int next() {
		return ++n;
	}

	private synchronized int ask() throws Exception {
		Future<Integer> f = pool.submit(this::next);
		return f.get();
	}

	public static void main(String[] args) throws Exception {
		System.out.println(new A().ask());
	}
}
