//! `/api/v1/token` and `/api/v2/token`.

use std::sync::Arc;

use axum::{
    Form, Json,
    extract::{State, rejection::FormRejection},
    http::{HeaderName, StatusCode, header},
};
use runai_api::wire::{OAuthError, OAuthTokenRequest, OAuthTokenResponse, TokenRequest, TokenResponse};

use super::{ApiError, Body};
use crate::{app::App, keys::same_secret};

/// Issues a token for an application or a service account, like control planes before 2.24.
pub(super) async fn v1(
    State(app): State<Arc<App>>,
    Body(request, _): Body<TokenRequest>,
) -> Result<Json<TokenResponse>, ApiError> {
    let (id, secret) = match request.grant_type.as_str() {
        "client_credentials" => (&request.client_id, &request.client_secret),
        "app_token" => (&request.app_id, &request.app_secret),
        other => return Err(ApiError::bad_request(format!("the grant type `{other}` is not simulated"))),
    };
    let access_token = issue(&app, id.as_deref(), secret.as_deref())
        .ok_or_else(|| ApiError::bad_request("invalid client id or secret"))?;
    Ok(Json(TokenResponse { access_token, expires_in: Some(expires_in(&app)), ..TokenResponse::default() }))
}

/// Issues a token by OAuth 2.0.
pub(super) async fn v2(
    State(app): State<Arc<App>>,
    request: Result<Form<OAuthTokenRequest>, FormRejection>,
) -> Result<([(HeaderName, &'static str); 1], Json<OAuthTokenResponse>), (StatusCode, Json<OAuthError>)> {
    let Form(request) =
        request.map_err(|rejection| refuse(StatusCode::BAD_REQUEST, "invalid_request", &rejection.body_text()))?;
    match request.grant_type.as_str() {
        "client_credentials" => {}
        "" => return Err(refuse(StatusCode::BAD_REQUEST, "invalid_request", "grant_type is missing")),
        _ => {
            let text = "only client_credentials is simulated";
            return Err(refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type", text));
        }
    }
    let access_token = issue(&app, request.client_id.as_deref(), request.client_secret.as_deref())
        .ok_or_else(|| refuse(StatusCode::UNAUTHORIZED, "invalid_client", "invalid client id or secret"))?;
    let response = OAuthTokenResponse {
        access_token,
        expires_in: Some(expires_in(&app)),
        token_type: "Bearer".to_owned(),
        ..OAuthTokenResponse::default()
    };
    // RFC 6749, section 5.1.
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(response)))
}

fn issue(app: &App, id: Option<&str>, secret: Option<&str>) -> Option<String> {
    let account =
        app.account(id?).filter(|account| secret.is_some_and(|it| same_secret(it, &account.client_secret)))?;
    Some(app.tokens.issue(&account.client_id, app.clock.now(), app.clock.simulated(app.token_lifetime)))
}

/// Returns the lifetime in real time, which clients use, not in simulated time.
fn expires_in(app: &App) -> i64 {
    i64::try_from(app.token_lifetime.as_secs()).unwrap_or(i64::MAX)
}

fn refuse(status: StatusCode, error: &str, description: &str) -> (StatusCode, Json<OAuthError>) {
    let description = Some(description.to_owned());
    (status, Json(OAuthError { error: error.to_owned(), error_description: description, error_uri: None }))
}
