use std::sync::mpsc::{sync_channel, Receiver, SyncSender};
use std::thread;

// Both sides send first, on channels without room.
fn exchange(to: SyncSender<u32>, from: Receiver<u32>, mine: u32) -> u32 {
    to.send(mine).unwrap();
    from.recv().unwrap()
}

fn main() {
    let (to_b, b) = sync_channel(0);
    let (to_a, a) = sync_channel(0);
    let other = thread::spawn(move || exchange(to_a, b, 2));
    println!("{}", exchange(to_b, a, 1));
    println!("{}", other.join().unwrap());
}
