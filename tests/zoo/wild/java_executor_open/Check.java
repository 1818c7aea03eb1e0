import java.util.concurrent.Executors;

class Check {
	public static void main(String[] args) throws Exception {
		var pool = Executors.newSingleThreadExecutor();
		System.out.println(pool.submit(() -> "version 7").get());
	}
}
