use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

// Reads a line of the child, which prints a prompt without an end of line and waits for the answer.
fn ask() -> std::io::Result<String> {
    let mut child = Command::new("sh")
        .args(["-c", "printf 'name? '; read n; echo hello $n"])
        .stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();

    out.read_line(&mut line)?;
    writeln!(child.stdin.take().unwrap(), "zoo")?;
    child.wait()?;
    Ok(line)
}

fn main() {
    println!("{:?}", ask());
}
