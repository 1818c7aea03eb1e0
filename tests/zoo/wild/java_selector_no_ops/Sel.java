import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** The interest in reading is never switched on again. */
class Sel {
	static void loop(Selector sel) throws Exception {
		while (sel.select() > 0) sel.selectedKeys().clear();
	}

	public static void main(String[] args) throws Exception {
		ServerSocketChannel server = ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
		SocketChannel client = SocketChannel.open(server.getLocalAddress());
		SocketChannel peer = server.accept();
		peer.configureBlocking(false);
		Selector sel = Selector.open();
		peer.register(sel, 0);
		client.write(ByteBuffer.wrap("hello".getBytes()));
		loop(sel);
	}
}
