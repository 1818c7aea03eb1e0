use std::io::Write;
use std::process::{Command, Stdio};

// stdin was taken out of the child and is still open while main reads the child's output to its end.
fn main() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"hello").unwrap();
    let out = child.wait_with_output().unwrap();
    println!("{}", String::from_utf8_lossy(&out.stdout));
    drop(stdin);
}
