use std::process::Command;

// A server that answers one client, late, and ends.
fn main() {
    let out = Command::new("python3").args(["-c", "import socket, threading, time\ns = socket.create_server(('127.0.0.1', 0))\n\
        threading.Timer(3, lambda: socket.create_connection(s.getsockname())).start()\ns.accept()\nprint('served')"]).output().unwrap();
    print!("{}", String::from_utf8_lossy(&out.stdout));
    assert!(out.status.success());
}
