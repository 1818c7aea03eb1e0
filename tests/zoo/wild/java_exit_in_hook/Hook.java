// A shutdown hook waits for a thread that calls System.exit, which waits for the hooks.
public class Hook {
	static void fail() {
		System.exit(2);
	}

	public static void main(String[] args) {
		Runtime.getRuntime().addShutdownHook(new Thread(() -> {
			Thread t = new Thread(Hook::fail, "failing");
			t.start();
			try {
				t.join();
			} catch (InterruptedException e) {
				throw new IllegalStateException(e);
			}
		}, "cleanup"));
		System.exit(0);
	}
}
