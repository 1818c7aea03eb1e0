import java.util.concurrent.Exchanger;

/** The other trader has failed before it came. */
class Trade {
	static String trade(Exchanger<String> ex) throws InterruptedException {
		return ex.exchange("apples");
	}

	public static void main(String[] args) throws Exception {
		Exchanger<String> ex = new Exchanger<>();
		Thread other = new Thread(() -> { throw new IllegalStateException("no pears"); });
		other.start();
		other.join();
		System.out.println(trade(ex));
	}
}
