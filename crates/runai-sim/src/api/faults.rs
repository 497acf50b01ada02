//! Lets faults strike requests of the API.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};

use super::Refusal;
use crate::{
    app::App,
    clock::{http_date, later},
    faults::FaultKind,
    net::{ConnectionHandle, Slow, Torn},
};

/// Answers as it should be, or as a fault wants it.
pub(super) async fn strike(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // The simulator's own paths have no faults, so that these can be taken away again.
    let fault = if path.starts_with("/api/") { app.strike(request.method().as_str(), path) } else { None };
    let wire = request.extensions().get::<ConnectionHandle>().cloned();
    let Some(fault) = fault else { return next.run(request).await };
    match fault {
        FaultKind::ClockSkew { seconds } => {
            let mut response = next.run(request).await;
            let off = Duration::try_from_secs_f64(seconds.abs()).unwrap_or_default();
            let now = app.clock.now();
            let shown = if seconds < 0.0 { now.checked_sub(off).unwrap_or(now) } else { later(now, off) };
            if let Ok(date) = HeaderValue::from_str(&http_date(shown)) {
                response.headers_mut().insert(header::DATE, date);
            }
            response
        }
        FaultKind::EmptyBody => next.run(request).await.status().into_response(),
        FaultKind::ExpiredToken => Refusal::unauthorized("the access token has expired").into_response(),
        FaultKind::Html { status } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            let page = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n");
            (status, Html(page)).into_response()
        }
        FaultKind::LostAnswer => {
            next.run(request).await;
            nothing(wire)
        }
        FaultKind::Reset => nothing(wire),
        FaultKind::ResetInBody => {
            let (mut parts, bytes) = whole(next.run(request).await).await;
            // The whole length is promised, half of it comes.
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            let half = bytes.slice(..bytes.len() / 2);
            Response::from_parts(parts, Body::new(Torn::new(half, wire)))
        }
        FaultKind::SlowBytes { delay } => {
            let (mut parts, bytes) = whole(next.run(request).await).await;
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            Response::from_parts(parts, Body::new(Slow::new(bytes, Duration::from_millis(delay))))
        }
        FaultKind::Status { status, retry_after } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            let mut response = Refusal::new(status, "a fault that the scenario wants").into_response();
            if let Some(value) = retry_after.and_then(|text| HeaderValue::from_str(&text).ok()) {
                response.headers_mut().insert(header::RETRY_AFTER, value);
            }
            response
        }
    }
}

/// No answer: the connection is cut. Without one, the body breaks before its first byte.
fn nothing(wire: Option<ConnectionHandle>) -> Response {
    if let Some(wire) = &wire {
        wire.cut();
    }
    Response::new(Body::new(Torn::new(Bytes::new(), wire)))
}

async fn whole(response: Response) -> (axum::http::response::Parts, Bytes) {
    let (parts, body) = response.into_parts();
    // Its own answers are in memory and cannot fail to be read.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    (parts, bytes)
}
