// Two threads wait at a barrier of three.
use std::sync::{Arc, Barrier};
use std::thread;

fn meet(b: Arc<Barrier>) {
    b.wait();
}

fn main() {
    let b = Arc::new(Barrier::new(3));
    let v: Vec<_> = (0..2).map(|_| { let b = b.clone(); thread::spawn(move || meet(b)) }).collect();
    for t in v {
        t.join().unwrap();
    }
}
