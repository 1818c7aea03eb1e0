// A rendezvous channel: the sender waits, the receiver is in the same thread.
use std::sync::mpsc::{sync_channel, SyncSender};

fn report(tx: &SyncSender<i32>) {
    tx.send(1).unwrap();
}

fn main() {
    let (tx, rx) = sync_channel(0);
    report(&tx);
    println!("{}", rx.recv().unwrap());
}
