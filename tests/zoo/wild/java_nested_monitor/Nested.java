// wait() gives back the inner monitor only; who should notify cannot enter the outer one.
public class Nested {
	private final Object outer = new Object(), inner = new Object();

	void take() throws InterruptedException {
		synchronized (outer) {
			synchronized (inner) {
				inner.wait();
			}
		}
	}

	void put() {
		synchronized (outer) {
			synchronized (inner) {
				inner.notify();
			}
		}
	}

	public static void main(String[] args) throws Exception {
		Nested n = new Nested();
		Thread t = new Thread(() -> {
			try {
				n.take();
			} catch (InterruptedException e) {
				return;
			}
		}, "taker");
		t.start();
		Thread.sleep(200);
		n.put();
	}
}
