import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** A task of the pool reads commands from standard input; the end waits for the pool. */
public class A {
	private static void commands() {
		try {
			BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
			// until the end of it
			for (String line = in.readLine(); line != null; line = in.readLine())
				System.out.println("? " + line);
		} catch (java.io.IOException e) {
			e.printStackTrace();
		}
	}

	public static void main(String[] args) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(2);
		pool.submit(A::commands);
		pool.submit(() -> System.out.println("ready"));
		pool.shutdown();
		pool.awaitTermination(1, TimeUnit.HOURS);
	}
}
