import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;

/** The object is still used below, so that its reference is never enqueued. */
class Refs {
	static void awaitGone(ReferenceQueue<Object> q) throws InterruptedException {
		q.remove();
	}

	public static void main(String[] args) throws Exception {
		Object kept = new Object();
		ReferenceQueue<Object> q = new ReferenceQueue<>();
		PhantomReference<Object> ref = new PhantomReference<>(kept, q);
		System.gc();
		awaitGone(q);
		System.out.println(kept + " " + ref);
	}
}
