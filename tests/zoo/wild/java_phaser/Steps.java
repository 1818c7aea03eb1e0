import java.util.concurrent.Phaser;

// Three parties are registered, two arrive.
public class Steps {
	static void step(Phaser p) {
		p.arriveAndAwaitAdvance();
	}

	public static void main(String[] args) {
		Phaser p = new Phaser(3);
		Thread t = new Thread(() -> step(p), "second");
		t.setDaemon(true);
		t.start();
		step(p);
	}
}
