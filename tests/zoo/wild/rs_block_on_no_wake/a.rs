// An executor for one future parks until it is woken; the future keeps no waker.
use std::future::Future;
use std::pin::{pin, Pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};

struct Unpark(Thread);
impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark()
    }
}

struct Ready(bool);
impl Future for Ready {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

fn block_on(f: impl Future<Output = ()>) {
    let mut f = pin!(f);
    let waker = Arc::new(Unpark(thread::current())).into();
    while f.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        thread::park();
    }
}

fn main() {
    block_on(async { Ready(false).await });
}
