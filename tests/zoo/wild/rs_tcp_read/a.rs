// The server takes the connection, and neither side speaks first.
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::thread;

fn greeting(port: u16) -> usize {
    let mut s = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut b = [0u8; 16];
    s.read(&mut b).unwrap()
}

fn main() {
    let l = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = l.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut s, _) = l.accept().unwrap();
        let mut b = [0u8; 16];
        s.read(&mut b).unwrap()
    });
    println!("{}", greeting(port));
}
