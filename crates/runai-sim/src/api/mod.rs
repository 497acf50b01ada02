//! The endpoints: each decodes, asks the state, encodes.

mod clusters;
mod list;
mod projects;
mod token;
mod trainings;
mod workloads;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{FromRequest, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use runai_spec::wire::{ComplianceIssue, ErrorBody, HttpResponse};
use serde::de::DeserializeOwned;

use crate::{app::App, clock::http_date};

/// All endpoints.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let guarded = Router::new()
        .route("/api/v1/clusters", get(clusters::list))
        .route("/api/v1/clusters/{uuid}", get(clusters::read))
        .route("/api/v1/org-unit/projects", get(projects::list))
        .route("/api/v1/org-unit/projects/{id}", get(projects::read))
        .route("/api/v1/workloads", get(workloads::list))
        .route("/api/v1/workloads/{id}", get(workloads::read))
        .route("/api/v1/workloads/trainings", post(trainings::create))
        .route("/api/v1/workloads/trainings/{id}", get(trainings::read).delete(trainings::delete))
        .route("/api/v1/workloads/trainings/{id}/resume", post(trainings::resume))
        .route("/api/v1/workloads/trainings/{id}/suspend", post(trainings::suspend))
        .route_layer(middleware::from_fn_with_state(Arc::clone(app), authenticate));
    Router::new()
        .route("/api/v1/token", post(token::v1))
        .route("/api/v2/token", post(token::v2))
        .merge(guarded)
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_simulated)
        .layer(middleware::from_fn_with_state(Arc::clone(app), date))
        .with_state(Arc::clone(app))
}

/// Who makes a request.
#[derive(Clone)]
pub(crate) struct Caller(pub(crate) String);

async fn authenticate(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| Refusal::unauthorized("a bearer token is required"))?;
    let subject = app.tokens.subject(token, app.clock.now()).map_err(Refusal::unauthorized)?;
    request.extensions_mut().insert(Caller(subject));
    Ok(next.run(request).await)
}

/// Every answer tells the simulated time, by which a client measures.
async fn date(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Ok(date) = HeaderValue::from_str(&http_date(app.clock.now())) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

async fn not_simulated(method: Method, uri: Uri) -> Refusal {
    Refusal::new(StatusCode::NOT_IMPLEMENTED, format!("{method} {} is not simulated", uri.path()))
}

async fn method_not_allowed(method: Method, uri: Uri) -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not allowed for {}", uri.path()))
}

/// An answer that something was accepted.
fn accepted(message: &str) -> (StatusCode, Json<HttpResponse>) {
    let code = i64::from(StatusCode::ACCEPTED.as_u16());
    (StatusCode::ACCEPTED, Json(HttpResponse { code, message: message.to_owned() }))
}

/// An answer with an error status and the API's error body.
#[derive(Debug)]
pub(crate) struct Refusal {
    body: ErrorBody,
    status: StatusCode,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let body = ErrorBody { code: i64::from(status.as_u16()), message: message.into(), ..ErrorBody::default() };
        Self { body, status }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what} with the id `{id}`"))
    }

    fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// A refused submission.
    pub(crate) fn not_compliant(issues: Vec<ComplianceIssue>) -> Self {
        let mut refusal = Self::bad_request("the submission is refused");
        refusal.body.compliance_issues = issues;
        refusal
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A JSON request body; one that does not fit its type is refused with the path of the member at fault.
struct Body<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("application/json")) {
            let message = format!("the content type must be application/json, not `{kind}`");
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| Refusal::new(rejection.status(), rejection.body_text()))?;
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let field = path.strip_prefix("spec.").unwrap_or(&path).to_owned();
            let details = error.into_inner().to_string();
            if field == "." {
                return Refusal::bad_request(format!("the request body is refused: {details}"));
            }
            Refusal::not_compliant(vec![ComplianceIssue { details, field, rule: None }])
        })?;
        json.end().map_err(|error| Refusal::bad_request(format!("the request body is refused: {error}")))?;
        Ok(Self(value))
    }
}
