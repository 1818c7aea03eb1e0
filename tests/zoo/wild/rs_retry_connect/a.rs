use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

fn wait_port(addr: &str) {
    loop {
        match TcpStream::connect(addr) {
            Ok(_) => return,
            Err(_) => sleep(Duration::from_millis(250)),
        }
    }
}

fn main() {
    wait_port("127.0.0.1:9");
}
