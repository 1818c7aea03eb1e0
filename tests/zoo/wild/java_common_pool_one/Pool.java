import java.net.ServerSocket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ForkJoinPool;

// The only worker of the pool stands in accept; the client's task never starts.
public class Pool {
	static void serve(ServerSocket s) {
		try {
			s.accept().getOutputStream().write(1);
		} catch (Exception e) {
			throw new IllegalStateException(e);
		}
	}

	static void call() {
		System.out.println("calling");
	}

	public static void main(String[] args) throws Exception {
		ServerSocket s = new ServerSocket(0);
		ForkJoinPool pool = new ForkJoinPool(1);
		pool.execute(() -> serve(s));
		Thread.sleep(200);
		CompletableFuture.runAsync(Pool::call, pool).get();
	}
}
