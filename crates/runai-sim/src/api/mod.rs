//! The HTTP endpoints.

mod authorization;
mod clusters;
mod control;
mod faults;
mod history;
mod list;
mod node_pools;
mod pods;
mod policies;
mod projects;

mod templates;
mod token;
mod trainings;
mod workloads;

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
};

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts, uri::Authority},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use runai_api::wire::{ComplianceIssue, ErrorBody, HttpResponse};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use self::faults::Effect;
use self::faults::{Injected, WithoutDate};
use crate::{
    app::App,
    clock::http_date,
    roles::{Action, Resource},
    world::{Account, WorkloadType, pattern_matches},
};

/// Returns a router of all endpoints.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let guarded = Router::new()
        .route("/api/v1/authorization/me/access-rules", get(authorization::my_access_rules))
        .route("/api/v1/authorization/permission-sets", get(authorization::permission_sets))
        .route("/api/v1/authorization/permissions", get(authorization::permissions))
        .route("/api/v1/authorization/roles", get(authorization::roles_v1))
        .route("/api/v1/clusters", get(clusters::list))
        .route("/api/v1/clusters/{uuid}", get(clusters::read))
        .route("/api/v1/node-pools", get(node_pools::list))
        .route("/api/v1/org-unit/projects", get(projects::list))
        .route("/api/v1/org-unit/projects/{id}", get(projects::read))
        .route("/api/v1/workload-templates", get(templates::list))
        .route("/api/v1/workload-templates/{id}", get(templates::read))
        .route("/api/v1/workload-templates/trainings", get(templates::list))
        .route("/api/v1/workload-templates/trainings/{id}", get(templates::read))
        .route("/api/v1/workloads", get(workloads::list))
        .route("/api/v1/workloads/batch", post(workloads::batch))
        .route("/api/v1/workloads/count", get(workloads::count))
        .route("/api/v1/workloads/{id}", get(workloads::read))
        .route("/api/v1/workloads/{id}/events", get(history::events))
        .route("/api/v1/workloads/{id}/history", get(history::history))
        .route("/api/v1/workloads/{id}/pods", get(pods::list))
        .route("/api/v1/workloads/trainings", post(trainings::create))
        .route("/api/v2/authorization/roles", get(authorization::roles).post(authorization::create_role))
        .route("/api/v2/policy/trainings", get(policies::policy))
        .merge(of_type("/api/v1/workloads/distributed", WorkloadType::Distributed))
        .merge(of_type("/api/v1/workloads/inferences", WorkloadType::Inference))
        .merge(of_type("/api/v1/workloads/trainings", WorkloadType::Training))
        .merge(of_type("/api/v1/workloads/workspaces", WorkloadType::Workspace))
        .route_layer(middleware::from_fn_with_state(Arc::clone(app), authenticate));
    // Paths that would otherwise match the path of an id.
    let guarded = NOT_SIMULATED.iter().fold(guarded, |router, path| router.route(path, any(not_simulated)));
    let api =
        Router::new().route("/api/v1/token", post(token::v1)).route("/api/v2/token", post(token::v2)).merge(guarded);
    api.merge(control::router(app))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_simulated)
        .layer(middleware::from_fn(whole_body))
        .layer(middleware::from_fn_with_state(Arc::clone(app), faults::inject))
        .layer(middleware::from_fn_with_state(Arc::clone(app), check_host))
        .layer(middleware::from_fn_with_state(Arc::clone(app), date))
        .with_state(Arc::clone(app))
}

/// Returns the routes of workloads of one type.
fn of_type(path: &str, kind: WorkloadType) -> Router<Arc<App>> {
    let mut router = Router::new().route(&format!("{path}/{{id}}"), get(trainings::read).delete(trainings::delete));
    if kind.can_suspend() {
        router = router
            .route(&format!("{path}/{{id}}/resume"), post(trainings::resume))
            .route(&format!("{path}/{{id}}/suspend"), post(trainings::suspend));
    }
    router.route_layer(Extension(kind))
}

/// The account that makes a request.
#[derive(Clone)]
pub(crate) struct Caller {
    account: Arc<Account>,
    /// Projects in which a fault removes its role; `*` matches any text.
    lost_projects: Vec<String>,
}

impl Caller {
    fn name(&self) -> &str {
        &self.account.client_id
    }

    /// Rejects the request if the caller's role does not allow `action` on `resource`.
    fn require(&self, resource: Resource, action: Action) -> Result<(), ApiError> {
        if self.account.role.allows(resource, action) {
            return Ok(());
        }
        let (name, role) = (self.name(), self.account.role.name());
        let (action, resource) = (action.as_str(), resource.as_str());
        Err(ApiError::forbidden(format!("`{name}` with the role {role} has no permission to {action} {resource}")))
    }

    /// Rejects the request if the caller's role does not allow `action` on `resource` in a project.
    fn require_in(&self, project: &str, resource: Resource, action: Action) -> Result<(), ApiError> {
        self.require(resource, action)?;
        if self.has_access_to(project) {
            return Ok(());
        }
        Err(ApiError::forbidden(format!("`{}` has no role in the project {project}", self.name())))
    }

    fn has_access_to(&self, project: &str) -> bool {
        self.account.has_access_to(project) && !self.lost_projects.iter().any(|lost| pattern_matches(lost, project))
    }

    fn account(&self) -> &Account {
        &self.account
    }
}

async fn authenticate(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    injected: Injected,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let token = bearer(&headers).ok_or_else(|| ApiError::unauthorized("a bearer token is required"))?;
    let subject = app.tokens.subject(token, app.clock.now()).map_err(ApiError::unauthorized)?;
    let account = app.account(&subject).ok_or_else(|| ApiError::unauthorized("the service account does not exist"))?;
    request.extensions_mut().insert(Caller { account: Arc::clone(account), lost_projects: injected.lost_projects });
    Ok(next.run(request).await)
}

/// Returns the bearer token of a request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Rejects a foreign `Host`, so that a web page cannot run commands by DNS rebinding.
async fn check_host(State(app): State<Arc<App>>, request: Request, next: Next) -> Result<Response, ApiError> {
    if app.loopback_only.load(Ordering::Relaxed) {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if !is_loopback(host) {
            let message = format!("invalid host `{host}`: this simulator accepts only loopback names");
            return Err(ApiError::new(StatusCode::MISDIRECTED_REQUEST, message));
        }
    }
    Ok(next.run(request).await)
}

/// Whether a `Host` header, with or without a port, names a loopback address.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Adds the simulated time as `Date` to every response.
async fn date(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.extensions().get::<WithoutDate>().is_some() {
        response.headers_mut().remove(header::DATE);
    } else if let Some(date) = date_header(app.clock.now()) {
        // A fault may have set another date.
        response.headers_mut().entry(header::DATE).or_insert(date);
    }
    response
}

fn date_header(time: Timestamp) -> Option<HeaderValue> {
    HeaderValue::from_str(&http_date(time)).ok()
}

/// Reads the whole request body, even if it is too long: a client that is still sending would see a broken connection
/// instead of the response.
async fn whole_body(request: Request, next: Next) -> Result<Response, ApiError> {
    let (parts, mut body) = request.into_parts();
    let mut bytes = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ApiError::bad_request(format!("incomplete request body: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length <= MAX_BODY {
            bytes.extend_from_slice(&data);
        } else if length > MAX_READ {
            break;
        }
    }
    if length > MAX_BODY {
        let message = format!("the request body is longer than {MAX_BODY} bytes");
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    Ok(next.run(Request::from_parts(parts, bytes.into())).await)
}

async fn not_simulated(method: Method, uri: Uri) -> ApiError {
    ApiError::new(StatusCode::NOT_IMPLEMENTED, format!("{method} {} is not simulated", uri.path()))
}

async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not allowed for {}", uri.path()))
}

/// Returns a response for an accepted request.
fn accepted(message: &str) -> (StatusCode, Json<HttpResponse>) {
    let code = i64::from(StatusCode::ACCEPTED.as_u16());
    (StatusCode::ACCEPTED, Json(HttpResponse { code, message: message.to_owned() }))
}

/// A response with an error status and the API's error body.
#[derive(Debug)]
pub(crate) struct ApiError {
    body: ErrorBody,
    status: StatusCode,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let body = ErrorBody { code: i64::from(status.as_u16()), message: message.into(), ..ErrorBody::default() };
        Self { body, status }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("unknown {what} with the id `{id}`"))
    }

    fn forbidden(message: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// Returns the error of an invalid submission.
    pub(crate) fn not_compliant(issues: Vec<ComplianceIssue>) -> Self {
        let mut refusal = Self::bad_request("invalid submission");
        refusal.body.compliance_issues = issues;
        refusal
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Extracts a typed query.
struct Query<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        query.map(|axum::extract::Query(query)| Self(query)).map_err(|it| ApiError::bad_request(it.body_text()))
    }
}

/// Extracts a JSON request body as its type and as a raw value. An error names the path of the invalid member.
struct Body<T>(T, Value);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("application/json")) {
            // The API description contains no 415.
            return Err(ApiError::bad_request(format!("invalid content type `{kind}`: must be application/json")));
        }
        // The body is already in memory.
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| ApiError::new(rejection.status(), rejection.body_text()))?;
        let sent: Value = serde_json::from_slice(&bytes)
            .map_err(|error| ApiError::bad_request(format!("invalid request body: {error}")))?;
        if !sent.is_object() {
            return Err(ApiError::bad_request("invalid request body: not an object"));
        }
        let value = decode(&sent)?;
        Ok(Self(value, sent))
    }
}

/// Decodes the value of a request body.
fn decode<T: DeserializeOwned>(sent: &Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(sent).map_err(|error| {
        let path = error.path().to_string();
        let field = path.strip_prefix("spec.").unwrap_or(&path).to_owned();
        let details = error.into_inner().to_string();
        if field == "." {
            return ApiError::bad_request(format!("invalid request body: {details}"));
        }
        ApiError::not_compliant(vec![ComplianceIssue { details, field, rule: None }])
    })
}

/// Paths that are not simulated and would otherwise match the path of an id.
const NOT_SIMULATED: [&str; 13] = [
    "/api/v1/org-unit/projects/count",
    "/api/v1/org-unit/projects/telemetry",
    "/api/v1/workload-templates/count",
    "/api/v1/workload-templates/distributed",
    "/api/v1/workload-templates/inferences",
    "/api/v1/workload-templates/name-availability",
    "/api/v1/workload-templates/workspaces",
    "/api/v1/workloads/distributed",
    "/api/v1/workloads/distributed-inferences",
    "/api/v1/workloads/inferences",
    "/api/v1/workloads/pods",
    "/api/v1/workloads/telemetry",
    "/api/v1/workloads/workspaces",
];

/// Maximum size of a request body, in bytes.
const MAX_BODY: usize = 2 << 20;

/// Maximum number of bytes that are read of a body that is too long.
const MAX_READ: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn recognizes_loopback_hosts() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1:4000", "127.1.2.3", "[::1]:4000", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "example.com", "localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "x y"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
