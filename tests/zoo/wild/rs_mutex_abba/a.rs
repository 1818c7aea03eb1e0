use std::sync::{Arc, Mutex};
use std::time::Duration;

fn transfer(from: &Mutex<i32>, to: &Mutex<i32>) {
    let mut a = from.lock().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let mut b = to.lock().unwrap();
    *a -= 1;
    *b += 1;
}

fn main() {
    let (x, y) = (Arc::new(Mutex::new(1)), Arc::new(Mutex::new(2)));
    let (x2, y2) = (x.clone(), y.clone());
    let other = std::thread::spawn(move || transfer(&y2, &x2));
    transfer(&x, &y);
    other.join().unwrap();
}
