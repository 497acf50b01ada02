//! Applies faults to requests of the API.

mod bodies;
mod injected;

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::Value;

pub(crate) use self::injected::Effect;
pub(super) use self::injected::{Injected, TakenNames};
use super::{ApiError, date_header};
use crate::{
    app::App,
    clock::later,
    faults::{FaultKind, Injection, LateAnswer},
    net::{BrokenBody, ConnectionHandle, SlowBody},
};

/// Marks a response that gets no `Date`.
#[derive(Clone, Copy, Debug)]
pub(super) struct WithoutDate;

/// Applies faults to a request and its response.
pub(super) async fn inject(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // The simulator's own paths have no faults, so that faults can be removed.
    if !path.starts_with("/api/") {
        return next.run(request).await;
    }
    let mut injections = app.inject(request.method().as_str(), path);
    if injections.is_empty() {
        return next.run(request).await;
    }
    let begun = app.clock.now();
    let connection = request.extensions().get::<ConnectionHandle>().cloned();
    request.extensions_mut().insert(Injected::new(&mut injections, begun));
    let replacement = injections.iter().find(|it| it.kind.replaces()).cloned();
    let mut response = match replacement {
        Some(injection) => replacement_response(&app, &injection, request, next, connection).await,
        None => next.run(request).await,
    };
    if response.status().is_success() && injections.iter().any(|it| bodies::changes_body(&it.kind)) {
        response = with_changed_body(response, &mut injections, begun).await;
    }
    for injection in &mut injections {
        change_date(&app, &mut response, injection);
        if let Some(late) = response_delay(injection) {
            app.clock.sleep(late).await;
        }
    }
    response
}

/// Returns a replacement of the response, or the response with a broken body.
async fn replacement_response(
    app: &App,
    injection: &Injection,
    request: Request,
    next: Next,
    connection: Option<ConnectionHandle>,
) -> Response {
    match &injection.kind {
        FaultKind::EmptyBody => next.run(request).await.status().into_response(),
        FaultKind::ExpiredToken => ApiError::unauthorized("the access token has expired").into_response(),
        FaultKind::Html { status } => page(*status).into_response(),
        FaultKind::LateEffect { answer, .. } => {
            // The endpoint only schedules the effect.
            next.run(request).await;
            match answer {
                LateAnswer::Cut => no_response(connection),
                LateAnswer::Hang => {
                    tokio::time::sleep(MAX_HANG).await;
                    no_response(connection)
                }
                LateAnswer::Status(status) => error(*status, None),
            }
        }
        FaultKind::LostAnswer => {
            next.run(request).await;
            no_response(connection)
        }
        FaultKind::RateLimit { .. } => {
            // Clients wait in real time.
            let seconds = app.clock.real(injection.wait).as_secs_f64().ceil().max(1.0);
            error(429, Some(&format!("{seconds:.0}")))
        }
        FaultKind::Redirect { location } => {
            let mut response = StatusCode::FOUND.into_response();
            if let Ok(location) = HeaderValue::from_str(location) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            response
        }
        FaultKind::Reset => no_response(connection),
        FaultKind::ResetInBody => {
            let (mut parts, bytes) = buffered(next.run(request).await).await;
            // The header contains the full length, but only half of the body is sent.
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            let half = bytes.slice(..bytes.len() / 2);
            Response::from_parts(parts, Body::new(BrokenBody::new(half, connection)))
        }
        FaultKind::SlowBytes { delay } => {
            let (mut parts, bytes) = buffered(next.run(request).await).await;
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            Response::from_parts(parts, Body::new(SlowBody::new(bytes, Duration::from_millis(*delay))))
        }
        FaultKind::Status { status, retry_after } => error(*status, retry_after.as_deref()),
        // Other kinds do not replace the response.
        _ => next.run(request).await,
    }
}

fn error(status: u16, retry_after: Option<&str>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = ApiError::new(status, "injected by a fault of the simulator").into_response();
    if let Some(value) = retry_after.and_then(|text| HeaderValue::from_str(text).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// Returns the page of a proxy.
fn page(status: u16) -> (StatusCode, Html<String>) {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let title = if status.is_success() { "Sign in".to_owned() } else { status.to_string() };
    (status, Html(format!("<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n")))
}

/// Returns the login page, the target of redirects.
pub(super) async fn login_page() -> (StatusCode, Html<String>) {
    page(200)
}

/// Breaks the connection without a response. In memory, the body breaks before its first byte.
fn no_response(connection: Option<ConnectionHandle>) -> Response {
    if let Some(connection) = &connection {
        connection.cut();
    }
    Response::new(Body::new(BrokenBody::new(Bytes::new(), connection)))
}

async fn buffered(response: Response) -> (axum::http::response::Parts, Bytes) {
    let (parts, body) = response.into_parts();
    // Response bodies are in memory, so reading them cannot fail.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    (parts, bytes)
}

async fn with_changed_body(response: Response, injections: &mut [Injection], now: Timestamp) -> Response {
    if response.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/json") {
        return response;
    }
    let (mut parts, bytes) = buffered(response).await;
    let Ok(mut body) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    for injection in injections {
        bodies::change(&mut body, injection, now);
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body.to_string()))
}

fn change_date(app: &App, response: &mut Response, injection: &Injection) {
    let shown = match injection.kind {
        FaultKind::ClockSkew { seconds } => {
            let off = Duration::try_from_secs_f64(seconds.abs()).unwrap_or_default();
            let now = app.clock.now();
            if seconds < 0.0 { now.checked_sub(off).unwrap_or(now) } else { later(now, off) }
        }
        FaultKind::FrozenDate => injection.since,
        FaultKind::MissingDate => {
            response.extensions_mut().insert(WithoutDate);
            return;
        }
        _ => return,
    };
    if let Some(date) = date_header(shown) {
        response.headers_mut().insert(header::DATE, date);
    }
}

/// Returns the delay of the response.
fn response_delay(injection: &mut Injection) -> Option<Duration> {
    let seconds = match injection.kind {
        FaultKind::HeavyTail { longest, median } => {
            let least = median / 2_f64.powf(1.0 / TAIL);
            (least / (1.0 - injection.random.unit()).powf(1.0 / TAIL)).min(longest)
        }
        FaultKind::Latency { seconds } => seconds,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

/// Exponent of the Pareto distribution: finite mean, infinite variance.
const TAIL: f64 = 1.2;

/// Time after which a hanging connection breaks.
const MAX_HANG: Duration = Duration::from_hours(1);
