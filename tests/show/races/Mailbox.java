// SPDX-License-Identifier: Apache-2.0
// notify() without a condition: where the reader is not waiting yet, the letter is never read.
public class Mailbox {
	private static final Object box = new Object();
	private static String letter;

	private static void read() {
		try {
			synchronized (box) {
				box.wait();
				System.out.println(letter);
			}
		} catch (InterruptedException e) {
			throw new IllegalStateException(e);
		}
	}

	public static void main(String[] args) throws Exception {
		Thread reader = new Thread(Mailbox::read, "reader");
		reader.start();
		Thread.sleep(30); // "by then it waits"
		synchronized (box) {
			letter = "hello";
			box.notify();
		}
		reader.join();
	}
}
