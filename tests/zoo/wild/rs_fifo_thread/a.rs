use std::fs;
use std::thread;

// The configuration is a FIFO, to which somebody wrote once; it is read twice.
fn read_config(times: usize) -> usize {
    let mut n = 0;
    for _ in 0..times {
        n += fs::read_to_string("config.toml").unwrap().len();
    }
    n
}

fn main() {
    let writer = thread::spawn(|| fs::write("config.toml", "x = 1\n").unwrap());
    let reader = thread::spawn(|| read_config(2));
    writer.join().unwrap();
    println!("{}", reader.join().unwrap());
}
