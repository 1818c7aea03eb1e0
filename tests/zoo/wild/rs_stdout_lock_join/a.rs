// The first thread keeps standard output locked while it joins one that prints.
use std::io::Write;
use std::thread;

fn report(n: u32) {
    println!("worker {n}");
}

fn main() {
    let mut out = std::io::stdout().lock();
    let worker = thread::spawn(|| report(1));
    writeln!(out, "waiting").unwrap();
    worker.join().unwrap();
}
