import java.util.concurrent.Semaphore;

// A failure keeps its permit; the third call waits for ever.
public class Permits {
	static final Semaphore slots = new Semaphore(2);

	static void call(int n) throws InterruptedException {
		slots.acquire();
		if (n < 2)
			throw new IllegalArgumentException("bad row");
		slots.release();
	}

	public static void main(String[] args) throws Exception {
		for (int n = 0; n < 4; n++)
			try {
				call(n);
			} catch (IllegalArgumentException e) {
				System.out.println(e.getMessage());
			}
	}
}
