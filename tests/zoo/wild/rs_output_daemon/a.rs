// output() reads to the end, and a daemon has inherited the pipe.
use std::process::Command;

fn start() {
    Command::new("sh").args(["-c", "sleep 500 & echo up"]).output().unwrap();
}

fn main() {
    start();
}
