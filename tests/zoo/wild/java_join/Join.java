// main joins a thread that waits for a notify that has been.
public class Join {
	static final Object lock = new Object();

	static void work() {
		synchronized (lock) {
			try {
				lock.wait();
			} catch (InterruptedException e) {
				return;
			}
		}
	}

	public static void main(String[] args) throws Exception {
		Thread t = new Thread(Join::work);
		t.start();
		t.join();
	}
}
