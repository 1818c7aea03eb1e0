// hang_rs.rs - hangs in Rust.
use std::sync::{mpsc, Arc, Condvar, Mutex};
use std::{env, thread, time::Duration};

fn channel() {
    let (keep, rx) = mpsc::channel::<u8>();
    let _ = rx.recv(); // AT rs_channel
    drop(keep);
}

fn mutex() {
    let m = Arc::new(Mutex::new(0));
    let held = m.lock().unwrap();
    let other = Arc::clone(&m);
    let t = thread::spawn(move || {
        *other.lock().unwrap() += 1; // AT rs_mutex
    });
    thread::sleep(Duration::from_secs(60)); // LEAF rs_mutex
    drop(held);
    let _ = t.join();
}

fn condvar() {
    let m = Mutex::new(false);
    let c = Condvar::new();
    let mut ready = m.lock().unwrap();
    while !*ready {
        ready = c.wait(ready).unwrap(); // AT rs_condvar
    }
}

fn main() {
    match env::args().nth(1).as_deref() {
        Some("rs_channel") => channel(),
        Some("rs_mutex") => mutex(),
        Some("rs_condvar") => condvar(),
        _ => {}
    }
}
