import java.util.concurrent.SynchronousQueue;

// A hand-over to a consumer that has left.
public class Hand {
	public static void main(String[] args) throws Exception {
		SynchronousQueue<String> q = new SynchronousQueue<>();
		Thread c = new Thread(() -> {
			try {
				q.take();
			} catch (InterruptedException e) {
				return;
			}
		});
		c.start();
		for (int i = 0; i < 2; i++)
			q.put("item " + i);
	}
}
