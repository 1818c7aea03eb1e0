import java.util.stream.IntStream;

/** Holds a monitor while a parallel stream's tasks need it: main waits for the pool, the pool for the monitor. */
public class A {
	private int total;

	private void add(int x) {
		synchronized (this) {
			total += x;
		}
	}

	synchronized int sum(int n) {
		IntStream.range(0, n).parallel().forEach(this::add);
		return total;
	}

	public static void main(String[] args) {
		System.out.println(new A().sum(100000));
	}
}
