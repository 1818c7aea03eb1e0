import java.util.concurrent.CountDownLatch;

// One of two parts counts down.
public class Latch {
	static final CountDownLatch latch = new CountDownLatch(2);

	static void await() throws Exception {
		latch.await();
	}

	public static void main(String[] args) throws Exception {
		new Thread(latch::countDown).start();
		await();
	}
}
