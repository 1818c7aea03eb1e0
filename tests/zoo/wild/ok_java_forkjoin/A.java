import java.util.concurrent.*;
public class A {
	public static void main(String[] a) throws Exception {
		CompletableFuture.supplyAsync(() -> { try { Thread.sleep(5000); } catch (InterruptedException e) { } return 1; }).get();
		System.out.println("ok");
	}
}
