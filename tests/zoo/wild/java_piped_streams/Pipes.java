import java.io.PipedInputStream;
import java.io.PipedOutputStream;

// One thread writes and reads a piped stream, whose room is too small.
public class Pipes {
	static void fill(PipedOutputStream out) throws Exception {
		out.write(new byte[5000]);
	}

	public static void main(String[] args) throws Exception {
		PipedInputStream in = new PipedInputStream(1000);
		fill(new PipedOutputStream(in));
		in.read();
	}
}
