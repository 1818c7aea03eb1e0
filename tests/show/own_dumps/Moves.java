// Moves.java - threads that go through calls at random and rest there. For each line of its input it prints the stack of each.
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.locks.*;
import java.util.function.*;

public class Moves {
	final Random rnd;
	final Object monitor;
	final ReentrantLock lock;
	final BlockingQueue<Integer> queue;

	Moves(int seed, Object monitor, ReentrantLock lock, BlockingQueue<Integer> queue) {
		this.rnd = new Random(seed);
		this.monitor = monitor;
		this.lock = lock;
		this.queue = queue;
	}

	static final Map<String, Integer> steps = new ConcurrentHashMap<>(); // who has as many as before has not moved

	int on(int depth) throws Exception {
		steps.merge(Thread.currentThread().getName(), 1, Integer::sum);
		if (depth == 0)
			return rest();
		switch (rnd.nextInt(5)) {
		case 0:
			return through(depth - 1);
		case 1:
			Callable<Integer> c = () -> on(depth - 1);
			return c.call();
		case 2:
			return new Moves(rnd.nextInt(), monitor, lock, queue).on(depth - 1);
		case 3:
			try {
				return on(depth - 1);
			} finally {
				rnd.nextInt();
			}
		default:
			return on(depth - 1) + 1;
		}
	}

	int through(int depth) throws Exception {
		return on(depth);
	}

	int rest() throws Exception {
		switch (rnd.nextInt(5)) {
		case 0:
			synchronized (monitor) {
				Thread.sleep(rnd.nextInt(200));
			}
			break;
		case 1:
			lock.lock();
			try {
				Thread.sleep(rnd.nextInt(200));
			} finally {
				lock.unlock();
			}
			break;
		case 2:
			return queue.take();
		case 3:
			int n = 0;
			for (int i = 0, end = rnd.nextInt(200000); i < end; i++)
				n += i * 31;
			return n;
		default:
			Thread.sleep(rnd.nextInt(1500));
		}
		return 1;
	}

	public static void main(String[] args) throws Exception {
		Object monitor = new Object();
		ReentrantLock lock = new ReentrantLock();
		BlockingQueue<Integer> queue = new LinkedBlockingQueue<>();
		List<Thread> walkers = new ArrayList<>();
		for (int i = 0; i < 12; i++) {
			Moves m = new Moves(i, monitor, lock, queue);
			Thread t = new Thread(() -> {
				try {
					for (;;)
						m.on(m.rnd.nextInt(10));
				} catch (Exception e) {
					e.printStackTrace();
				}
			}, "walker" + i);
			t.setDaemon(true);
			walkers.add(t);
			t.start();
		}
		Thread feeder = new Thread(() -> {
			for (;;) {
				try {
					Thread.sleep(60);
					queue.put(1);
				} catch (InterruptedException e) {
				}
			}
		});
		feeder.setDaemon(true);
		feeder.start();
		Scanner in = new Scanner(System.in);
		while (in.hasNextLine()) {
			in.nextLine();
			StringBuilder text = new StringBuilder();
			for (Map.Entry<Thread, StackTraceElement[]> e : Thread.getAllStackTraces().entrySet()) {
				text.append(e.getKey().getName()).append('\n');
				for (StackTraceElement f : e.getValue())
					text.append("\tat ").append(f).append('\n');
			}
			steps.forEach((name, n) -> text.append("steps ").append(name).append(' ').append(n).append('\n'));
			System.out.print(text + "END\n");
			System.out.flush();
		}
	}
}
