import java.util.concurrent.*;

// get() of a periodic task never returns.
public class Periodic {
	public static void main(String[] args) throws Exception {
		ScheduledExecutorService s = Executors.newScheduledThreadPool(1);
		ScheduledFuture<?> f = s.scheduleAtFixedRate(() -> { }, 0, 100, TimeUnit.MILLISECONDS);
		f.get();
	}
}
