use std::io::Write;
use std::net::TcpListener;

fn main() {
    let l = TcpListener::bind("127.0.0.1:0").unwrap();
    loop {
        let (mut c, _) = l.accept().unwrap();
        c.write_all(b"hello\n").unwrap();
    }
}
