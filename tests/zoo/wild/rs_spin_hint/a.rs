use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;

fn wait_ready(ready: &AtomicBool) {
    while !ready.load(Ordering::Acquire) {
        std::hint::spin_loop();
    }
}

// The starter leaves early, and says nothing.
fn main() {
    let ready = Arc::new(AtomicBool::new(false));
    let starter = { let r = ready.clone(); thread::spawn(move || if std::env::args().count() > 9 { r.store(true, Ordering::Release) }) };
    wait_ready(&ready);
    starter.join().unwrap();
}
