// wait() before the output is read; the child fills its pipe.
use std::process::{Command, Stdio};

fn build() -> bool {
    let mut c = Command::new("sh").args(["-c", "yes | head -c 300000"]).stdout(Stdio::piped()).spawn().unwrap();
    c.wait().unwrap().success()
}

fn main() {
    println!("{}", build());
}
