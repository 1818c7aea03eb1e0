import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;

/** Accepts in the pool that is to serve the connections, which has one thread. */
class Echo {
	static final Executor pool = ForkJoinPool.commonPool();

	static void echo(Socket s) {
		try (s) { s.getInputStream().transferTo(s.getOutputStream()); } catch (IOException e) { throw new UncheckedIOException(e); }
	}

	static void serve(ServerSocket server) {
		try {
			for (;;) {
				Socket s = server.accept();
				pool.execute(() -> echo(s));
			}
		} catch (IOException e) { throw new UncheckedIOException(e); }
	}

	static int ask(int port) throws IOException {
		try (Socket s = new Socket(InetAddress.getLoopbackAddress(), port)) {
			s.getOutputStream().write('x');
			return s.getInputStream().read();
		}
	}

	public static void main(String[] args) throws Exception {
		ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
		pool.execute(() -> serve(server));
		System.out.println(ask(server.getLocalPort()));
	}
}
