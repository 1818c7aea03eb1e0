import java.util.stream.IntStream;

class Par {
	static final int SUM = IntStream.range(0, 1000000).parallel().map(Par::square).sum();

	static int square(int n) { return n * n; }

	public static void main(String[] args) { System.out.println(SUM); }
}
