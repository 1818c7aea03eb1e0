/** The tool asks for a password where it has a terminal. */
class Ask {
	static char[] ask() {
		return System.console().readPassword("Keystore password: ");
	}

	public static void main(String[] args) {
		System.out.println(ask().length);
	}
}
