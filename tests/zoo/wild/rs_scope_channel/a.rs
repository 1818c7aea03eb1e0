// The scope waits for its thread, which waits for the end of a channel whose sender lives as long as the scope.
use std::sync::mpsc::channel;
use std::thread;

fn drain() -> usize {
    let (tx, rx) = channel::<i32>();
    let mut n = 0;
    thread::scope(|s| {
        s.spawn(|| {
            for _ in rx {
                n += 1;
            }
        });
        tx.send(1).unwrap();
    });
    drop(tx);
    n
}

fn main() {
    println!("{}", drain());
}
