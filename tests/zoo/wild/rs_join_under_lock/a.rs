// main joins the worker while it has the lock that the worker wants.
use std::sync::{Arc, Mutex};
use std::thread;

fn add(total: &Mutex<i32>) {
    *total.lock().unwrap() += 1;
}

fn main() {
    let total = Arc::new(Mutex::new(0));
    let guard = total.lock().unwrap();
    let t = total.clone();
    thread::spawn(move || add(&t)).join().unwrap();
    println!("{}", guard);
}
