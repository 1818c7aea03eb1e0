// Hang.java - hangs in Java, one a name.
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.ReentrantLock;

public class Hang {
	static final Object a = new Object(), b = new Object();
	static final CountDownLatch both = new CountDownLatch(2);

	static void take(Object first, Object second) {
		synchronized (first) {
			both.countDown();
			try {
				both.await();
			} catch (InterruptedException e) {
				return;
			}
			synchronized (second) {
				both.countDown();
			}
		}
	}

	public static void main(String[] args) throws Exception {
		switch (args[0]) {
		case "java_synchronized" -> {
			new Thread(() -> take(b, a)).start();
			take(a, b);
		}
		case "java_lock" -> {
			ReentrantLock lock = new ReentrantLock();
			Thread t = new Thread(() -> { lock.lock(); try { Thread.sleep(60000); } catch (InterruptedException e) { } });
			t.setDaemon(true);
			t.start();
			Thread.sleep(100);
			lock.lock();
		}
		case "java_queue" -> new LinkedBlockingQueue<String>().take();
		case "java_accept" -> new ServerSocket(0, 5, InetAddress.getLoopbackAddress()).accept();
		case "java_recv" -> {
			ServerSocket s = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
			Socket c = new Socket(s.getInetAddress(), s.getLocalPort());
			c.getInputStream().read();
		}
		case "java_sleep" -> Thread.sleep(60000);
		case "java_stdin" -> System.in.read();
		case "java_executor" -> Executors.newFixedThreadPool(1).submit(() -> System.out.println("done"));
		case "java_child" -> new ProcessBuilder("sleep", "60").start().waitFor();
		case "java_full_pipe" -> new ProcessBuilder("yes").start().waitFor();
		case "java_read_child" -> {
			InputStream in = new ProcessBuilder("sleep", "60").start().getInputStream();
			in.read();
		}
		case "java_spin" -> { for (long n = 0; ; n++) if (n < 0) break; }
		default -> throw new IllegalArgumentException(args[0]);
		}
	}
}
