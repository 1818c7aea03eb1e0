class Init {
	static void nap() { try { Thread.sleep(300); } catch (InterruptedException e) { } }

	static class A {
		static { nap(); B.touch(); }
		static void touch() { }
	}

	static class B {
		static { nap(); A.touch(); }
		static void touch() { }
	}

	public static void main(String[] args) throws Exception {
		var t = new Thread(A::touch, "other");
		t.start();
		B.touch();
		t.join();
	}
}
