//! Connections that can be broken from inside, and bodies that do not arrive as they should.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use http_body::{Body, Frame};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    time::{Sleep, sleep},
};

/// A listener whose connections can be broken.
pub(crate) struct Breakable(pub(crate) TcpListener);

/// The end of a wire at which its connection can be broken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire(Arc<AtomicBool>);

impl Wire {
    /// Breaks the connection: nothing is read or written any more, and the other side is told by a reset.
    pub(crate) fn cut(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Listener for Breakable {
    type Addr = SocketAddr;
    type Io = Connection;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (Connection { stream, wire: Wire::default() }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Breakable>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Breakable>) -> Self {
        stream.io().wire.clone()
    }
}

/// A connection that can be broken.
pub(crate) struct Connection {
    stream: TcpStream,
    wire: Wire,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.wire.check().is_err() {
            // Without lingering, closing resets.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.wire.check()?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.wire.check()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A body that breaks, with its connection, after its first bytes.
pub(crate) struct Torn {
    first: Option<Bytes>,
    /// Whether what was given had the time to leave.
    gone: bool,
    wire: Option<Wire>,
}

impl Torn {
    pub(crate) fn new(first: Bytes, wire: Option<Wire>) -> Self {
        Self { first: Some(first).filter(|first| !first.is_empty()), gone: false, wire }
    }
}

impl Body for Torn {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if !self.gone {
            self.gone = true;
            // What was given is written while this waits.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(wire) = &self.wire {
            wire.cut();
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}

/// A body whose bytes come one by one.
pub(crate) struct Slow {
    delay: Duration,
    left: Bytes,
    sleep: Pin<Box<Sleep>>,
}

impl Slow {
    pub(crate) fn new(bytes: Bytes, delay: Duration) -> Self {
        Self { delay, left: bytes, sleep: Box::pin(sleep(delay)) }
    }
}

impl Body for Slow {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        ready!(self.sleep.as_mut().poll(cx));
        let delay = self.delay;
        self.sleep = Box::pin(sleep(delay));
        Poll::Ready(Some(Ok(Frame::data(self.left.split_to(1)))))
    }
}
