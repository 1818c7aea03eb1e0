// Hang.java - hangs in Java, one a name.
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

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
			synchronized (second) { // AT java_synchronized
				both.countDown(); // the JVM tells this line: AT java_synchronized
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
			Thread t = new Thread(() -> {
				lock.lock();
				try { Thread.sleep(60000); } catch (InterruptedException e) { } // HELD java_lock
			});
			t.setDaemon(true);
			t.start();
			Thread.sleep(100);
			lock.lock(); // AT java_lock
		}
		case "java_queue" -> new LinkedBlockingQueue<String>().take(); // AT java_queue
		case "java_accept" -> new ServerSocket(0, 5, InetAddress.getLoopbackAddress()).accept(); // AT java_accept
		case "java_recv" -> {
			ServerSocket s = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
			Socket c = new Socket(s.getInetAddress(), s.getLocalPort());
			c.getInputStream().read(); // AT java_recv
		}
		case "java_join" -> {
			Thread t = new Thread(() -> { try { new CountDownLatch(1).await(); } catch (InterruptedException e) { } }); // LEAF java_join
			t.start();
			t.join(); // AT java_join
		}
		case "java_latch" -> new CountDownLatch(1).await(); // AT java_latch
		case "java_future" -> new CompletableFuture<String>().get(); // AT java_future
		case "java_wait" -> { synchronized (a) { a.wait(); } } // AT java_wait
		case "java_semaphore" -> new Semaphore(0).acquire(); // AT java_semaphore
		case "java_nested" -> {
			ExecutorService one = Executors.newFixedThreadPool(1);
			one.submit(() -> one.submit(() -> 1).get()).get(); // AT java_nested
		}
		case "java_rwlock" -> {
			ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
			lock.readLock().lock();
			lock.writeLock().lock(); // AT java_rwlock
		}
		case "java_sleep" -> Thread.sleep(60000); // AT java_sleep
		case "java_stdin" -> System.in.read(); // AT java_stdin
		case "java_executor" -> Executors.newFixedThreadPool(1).submit(() -> System.out.println("done"));
		case "java_child" -> new ProcessBuilder("sleep", "60").start().waitFor(); // AT java_child
		case "java_full_pipe" -> new ProcessBuilder("yes").start().waitFor(); // AT java_full_pipe
		case "java_read_child" -> {
			InputStream in = new ProcessBuilder("sleep", "60").start().getInputStream();
			in.read(); // AT java_read_child
		}
		case "java_spin" -> { for (long n = 0; ; n++) if (n < 0) break; } // AT java_spin
		default -> throw new IllegalArgumentException(args[0]);
		}
	}
}
