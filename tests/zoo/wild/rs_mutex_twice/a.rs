// The guard of the first lock is still alive in the match.
use std::sync::Mutex;

fn bump(m: &Mutex<Vec<i32>>) {
    match m.lock().unwrap().len() {
        0 => m.lock().unwrap().push(1),
        _ => {}
    }
}

fn main() {
    bump(&Mutex::new(Vec::new()));
}
