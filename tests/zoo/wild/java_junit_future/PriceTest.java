import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class PriceTest {
	@Test void adds() { }

	@Test void asks() throws Exception {
		CompletableFuture<Integer> answer = new CompletableFuture<>();
		assertEquals(42, answer.get());
	}
}
