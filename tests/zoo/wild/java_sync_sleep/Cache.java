// A refresher keeps the cache's monitor while it sleeps; main wants to read.
public class Cache {
	private int n;

	synchronized void refresh() {
		try {
			Thread.sleep(600000);
		} catch (InterruptedException e) {
			n = -1;
		}
	}

	synchronized int get() {
		return n;
	}

	public static void main(String[] args) throws Exception {
		Cache c = new Cache();
		Thread t = new Thread(c::refresh, "refresher");
		t.setDaemon(true);
		t.start();
		Thread.sleep(200);
		System.out.println(c.get());
	}
}
