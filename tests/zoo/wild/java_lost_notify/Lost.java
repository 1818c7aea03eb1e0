class Lost {
	private final Object ready = new Object();
	private String value;

	String take() throws InterruptedException {
		synchronized (ready) {
			ready.wait();
			return value;
		}
	}

	void put(String v) {
		synchronized (ready) { value = v; ready.notifyAll(); }
	}

	public static void main(String[] args) throws Exception {
		var lost = new Lost();
		lost.put("early");
		System.out.println(lost.take());
	}
}
