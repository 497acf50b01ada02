//! The HTTP server, with connections and bodies that faults can break.

use std::{
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::Request};
use http_body::{Body, Frame};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{Sleep, sleep, timeout},
};
use tower::Service as _;

/// Serves a router on a socket.
///
/// `axum::serve` would add a `Date` that [`FaultKind::MissingDate`](crate::FaultKind::MissingDate) removes.
pub(crate) struct Server {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) fn start(listener: TcpListener, router: Router) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(accept(listener, router, stopped)) }
    }

    /// Stops serving; running requests have `grace` to complete.
    pub(crate) async fn stop(mut self, grace: Duration) {
        self.stop.send_replace(true);
        if timeout(grace, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }

    /// Stops serving immediately.
    pub(crate) fn abort(&self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, router.clone(), stopped.clone()));
                }
                // A temporary error, such as too many open files.
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            () = stop_requested(&mut stopped) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve(stream: TcpStream, router: Router, mut stopped: watch::Receiver<bool>) {
    let handle = ConnectionHandle::default();
    let connection = Connection { handle: handle.clone(), stream };
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(handle.clone());
        router.clone().call(request)
    });
    let mut http = http1::Builder::new();
    http.auto_date_header(false).timer(TokioTimer::new());
    let mut serving = pin!(http.serve_connection(TokioIo::new(connection), service));
    // An error ends only this connection, and is often injected.
    tokio::select! {
        _ = serving.as_mut() => return,
        () = stop_requested(&mut stopped) => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

async fn stop_requested(stopped: &mut watch::Receiver<bool>) {
    // An error means that the server was dropped.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// A handle that breaks a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionHandle(Arc<AtomicBool>);

impl ConnectionHandle {
    /// Breaks the connection with a reset.
    pub(crate) fn cut(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

/// A connection that can be broken.
struct Connection {
    handle: ConnectionHandle,
    stream: TcpStream,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.handle.check().is_err() {
            // With zero linger, closing sends a reset.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.handle.check()?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.handle.check()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.handle.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.handle.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A body that breaks, with its connection, after its first bytes.
pub(crate) struct BrokenBody {
    connection: Option<ConnectionHandle>,
    first: Option<Bytes>,
    /// Whether the first bytes had time to be sent.
    is_flushed: bool,
}

impl BrokenBody {
    pub(crate) fn new(first: Bytes, connection: Option<ConnectionHandle>) -> Self {
        Self { connection, first: Some(first).filter(|first| !first.is_empty()), is_flushed: false }
    }
}

impl Body for BrokenBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if !self.is_flushed {
            self.is_flushed = true;
            // Yield once, so that the first bytes are written.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(connection) = &self.connection {
            connection.cut();
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}

/// A body that sends one byte at a time.
pub(crate) struct SlowBody {
    delay: Duration,
    left: Bytes,
    sleep: Pin<Box<Sleep>>,
}

impl SlowBody {
    pub(crate) fn new(bytes: Bytes, delay: Duration) -> Self {
        Self { delay, left: bytes, sleep: Box::pin(sleep(delay)) }
    }
}

impl Body for SlowBody {
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

/// Pause after a failed `accept`.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
