import java.net.InetAddress;
import java.net.ServerSocket;

// The client that should connect is never started.
public class Serve {
	static void greet(ServerSocket s) throws Exception {
		s.accept().getOutputStream().write('x');
	}

	public static void main(String[] args) throws Exception {
		greet(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
	}
}
