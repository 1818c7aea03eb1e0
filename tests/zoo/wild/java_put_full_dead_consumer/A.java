import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/** The consumer has died of a record that it cannot parse; the producer fills the queue and waits. */
public class A {
	private final BlockingQueue<String> queue = new ArrayBlockingQueue<>(2);

	private void produce() throws InterruptedException {
		for (int i = 0; i < 10; i++)
			// one after the other
			queue.put(i == 1 ? "one" : "" + i);
	}

	private void consume() {
		try {
			while (true) System.out.println(Integer.parseInt(queue.take()));
		} catch (InterruptedException e) {
			Thread.currentThread().interrupt();
		}
	}

	public static void main(String[] args) throws Exception {
		A a = new A();
		Thread consumer = new Thread(a::consume, "consumer");
		consumer.start();
		a.produce();
		consumer.join();
	}
}
