// A reader reads again while a writer waits: new readers stand behind the writer.
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::Duration;

fn inner(table: &RwLock<Vec<u32>>) -> usize {
    table.read().unwrap().len()
}

fn outer(table: &RwLock<Vec<u32>>) -> usize {
    let first = table.read().unwrap();
    thread::sleep(Duration::from_millis(300));
    first.len() + inner(table)
}

fn main() {
    let table = Arc::new(RwLock::new(vec![1]));
    let other = table.clone();
    let writer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        other.write().unwrap().push(2);
    });
    println!("{}", outer(&table));
    writer.join().unwrap();
}
