import java.util.Timer;
import java.util.TimerTask;

// main is over; a Timer that is no daemon keeps the program alive.
public class Beat {
	public static void main(String[] args) {
		new Timer().schedule(new TimerTask() {
			public void run() {
			}
		}, 1000000);
		System.out.println("done");
	}
}
