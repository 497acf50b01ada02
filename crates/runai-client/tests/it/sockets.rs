//! The transport over real sockets: failing connections.

use std::time::{Duration, Instant};

use runai_client::transport::{HttpTransport, Request, Response, Transport, TransportError, TransportErrorKind};
use runai_client::{Client, RetryPolicy, one_line};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// Serves connections with `serve`; returns the base URL.
async fn listen<F, S>(mut serve: S) -> Url
where
    S: FnMut(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    url
}

async fn answer(mut stream: TcpStream, text: &'static str) {
    let mut buffer = [0; 4096];
    let _ = stream.read(&mut buffer).await;
    let _ = stream.write_all(text.as_bytes()).await;
}

async fn get(url: &Url, timeout: Duration) -> Result<Response, TransportError> {
    let transport = HttpTransport::new(url, Duration::from_secs(1)).unwrap();
    let mut request = Request::default();
    *request.uri_mut() = url.join("/x").unwrap().as_str().parse().unwrap();
    transport.send(&request, timeout).await
}

async fn failure(url: &Url) -> (TransportErrorKind, bool) {
    let error = get(url, Duration::from_millis(500)).await.unwrap_err();
    (error.kind(), error.may_have_been_sent())
}

#[tokio::test]
async fn returns_status_headers_and_body() {
    let url = listen(|stream| {
        answer(stream, "HTTP/1.1 202 Accepted\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 5\r\n\r\nhello")
    })
    .await;
    let response = get(&url, Duration::from_secs(5)).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.body()[..]), (202, &b"hello"[..]));
    assert_eq!(response.headers()["date"], "Sun, 06 Nov 1994 08:49:37 GMT");
}

#[tokio::test]
async fn redirects_are_answers() {
    let url =
        listen(|stream| answer(stream, "HTTP/1.1 307 Temporary Redirect\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n"))
            .await;
    assert_eq!(get(&url, Duration::from_secs(5)).await.unwrap().status(), 307);
}

#[tokio::test]
async fn errors_tell_whether_request_was_sent() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap()).parse().unwrap()
    };
    assert_eq!(failure(&nobody).await, (TransportErrorKind::Connect, false));
    let error = get(&nobody, Duration::from_secs(1)).await.unwrap_err();
    let causes = std::iter::successors(std::error::Error::source(&error), |cause| (**cause).source());
    let cause = causes.last().unwrap().downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(cause.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(one_line(&error), format!("cannot connect: {cause}"));

    let hangs_up = listen(|stream| async { drop(stream) }).await;
    assert_eq!(failure(&hangs_up).await, (TransportErrorKind::Interrupted, true));
    let truncates = listen(|stream| answer(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")).await;
    assert_eq!(failure(&truncates).await, (TransportErrorKind::Interrupted, true));
    let babbles = listen(|stream| answer(stream, "220 smtp.example.com ESMTP\r\n")).await;
    assert_eq!(failure(&babbles).await, (TransportErrorKind::Interrupted, true));
    let silent = listen(|stream| async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        drop(stream);
    })
    .await;
    assert_eq!(failure(&silent).await, (TransportErrorKind::Timeout, true));
    let never_ends = listen(|mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        while stream.write_all(b"1\r\nx\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!(failure(&never_ends).await, (TransportErrorKind::Timeout, true));
}

#[tokio::test]
async fn does_not_retry_tls_errors() {
    let url = listen(|stream| answer(stream, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")).await;
    let url = url.as_str().replace("http://", "https://");
    let Ok(client) = Client::builder(url).credentials("id", "secret").build() else {
        // A machine without root certificates cannot set up TLS.
        return;
    };
    let begun = Instant::now();
    let error = client.clusters().await.unwrap_err();
    assert!(error.is_unreachable() && begun.elapsed() < Duration::from_secs(5), "{error:?}");
    assert!(error.hint().unwrap().contains("certificate"), "{error:?}");
}

#[tokio::test]
async fn gives_up_unreachable_control_plane() {
    let silent = listen(|stream| async move {
        tokio::time::sleep(Duration::from_mins(1)).await;
        drop(stream);
    })
    .await;
    let retry = RetryPolicy::default().give_up_after(Duration::from_millis(1500));
    let client = Client::builder(silent.as_str()).credentials("id", "secret").retry_policy(retry).build().unwrap();
    let begun = Instant::now();
    assert!(client.clusters().await.unwrap_err().is_unreachable());
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}
