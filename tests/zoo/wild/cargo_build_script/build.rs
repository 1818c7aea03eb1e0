// Waits for a generator that nobody has started.
use std::{path::Path, thread, time::Duration};

fn wait_for(file: &str) {
    while !Path::new(file).exists() {
        thread::sleep(Duration::from_secs(1));
    }
}

fn main() {
    wait_for("generated.ready");
}
