// Parks; the unpark went to another thread.
use std::thread;

fn wait_for_go() {
    thread::park();
}

fn main() {
    let t = thread::spawn(|| {});
    t.thread().unpark();
    t.join().unwrap();
    wait_for_go();
}
