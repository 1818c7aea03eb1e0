import java.util.concurrent.locks.*;

class Cache {
	private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();

	Object get() {
		lock.readLock().lock();
		try {
			lock.writeLock().lock();
			return this;
		} finally {
			lock.readLock().unlock();
		}
	}

	public static void main(String[] args) { System.out.println(new Cache().get()); }
}
