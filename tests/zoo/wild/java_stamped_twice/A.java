import java.util.concurrent.locks.StampedLock;

/** A StampedLock does not let its own writer in again. */
public class A {
	private final StampedLock lock = new StampedLock();
	private int n;

	int size() {
		long s;
		// to read
		s = lock.readLock();
		try {
			return n;
		} finally {
			lock.unlockRead(s);
		}
	}

	void add() {
		long s = lock.writeLock();
		try {
			n = size() + 1;
		} finally {
			lock.unlockWrite(s);
		}
	}

	public static void main(String[] args) {
		new A().add();
	}
}
