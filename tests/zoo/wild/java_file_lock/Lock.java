import java.io.RandomAccessFile;

// Another process has the lock of the file and sleeps.
public class Lock {
	static void take(String path) throws Exception {
		new RandomAccessFile(path, "rw").getChannel().lock();
	}

	public static void main(String[] args) throws Exception {
		take("state.lock");
	}
}
