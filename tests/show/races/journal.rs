// SPDX-License-Identifier: Apache-2.0
// A cache and its journal, each with a lock: one thread flushes (journal, then cache), one stores (cache, then journal).
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::thread;

struct Store {
    cache: Mutex<Vec<u32>>,
    journal: Mutex<std::fs::File>,
}

fn store(s: &Store, v: u32) {
    let mut cache = s.cache.lock().unwrap();
    cache.push(v);
    writeln!(s.journal.lock().unwrap(), "put {v}").unwrap();
}

fn flush(s: &Store) {
    let mut journal = s.journal.lock().unwrap();
    writeln!(journal, "flush").unwrap();
    let n = s.cache.lock().unwrap().len();
    writeln!(journal, "flushed {n}").unwrap();
}

fn main() {
    let null = std::fs::OpenOptions::new().write(true).open("/dev/null").unwrap();
    let s = Arc::new(Store { cache: Mutex::new(vec![]), journal: Mutex::new(null) });
    let t = { let s = s.clone(); thread::spawn(move || for v in 0..3 { store(&s, v) }) };
    let u = { let s = s.clone(); thread::spawn(move || flush(&s)) };
    t.join().unwrap();
    u.join().unwrap();
    println!("{}", s.cache.lock().unwrap().len());
}
