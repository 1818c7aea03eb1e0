import java.net.ServerSocket;
import java.net.Socket;

// Reads an answer that the other side does not give.
public class Read {
	static int reply(ServerSocket s) throws Exception {
		Socket c = new Socket("127.0.0.1", s.getLocalPort());
		return c.getInputStream().read();
	}

	public static void main(String[] args) throws Exception {
		reply(new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress()));
	}
}
