class Run {
	static int build() throws Exception {
		var child = new ProcessBuilder("sh", "-c", "head -c 300000 /dev/zero >&2").start();
		return child.waitFor();
	}

	public static void main(String[] args) throws Exception { System.out.println(build()); }
}
