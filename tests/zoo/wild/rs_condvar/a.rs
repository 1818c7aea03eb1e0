use std::sync::{Condvar, Mutex};

fn wait_ready(pair: &(Mutex<bool>, Condvar)) {
    let mut ready = pair.0.lock().unwrap();
    while !*ready {
        ready = pair.1.wait(ready).unwrap();
    }
}

fn main() {
    let pair = (Mutex::new(false), Condvar::new());
    pair.1.notify_all();
    wait_ready(&pair);
}
