// A barrier for three, and two come.
use std::sync::{Arc, Barrier};
use std::thread;

fn arrive(b: &Barrier) {
    b.wait();
}

fn main() {
    let b = Arc::new(Barrier::new(3));
    let c = b.clone();
    thread::spawn(move || arrive(&c));
    arrive(&b);
}
