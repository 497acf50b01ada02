//! Bodies of both token endpoints.
//!
//! The `Debug` output of these types contains no credentials.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::nullable;

/// The JSON body of `POST /api/v1/token`; deprecated by control plane 2.25.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TokenRequest {
    /// Id of an application, with the grant type `app_token`.
    #[serde(rename = "appID", alias = "AppId", skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// Secret of an application, with the grant type `app_token`.
    #[serde(rename = "appSecret", alias = "AppSecret", skip_serializing_if = "Option::is_none")]
    pub app_secret: Option<String>,
    /// Id of a service account, with the grant type `client_credentials`.
    #[serde(rename = "clientID", skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Secret of a service account, with the grant type `client_credentials`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// `client_credentials`, `app_token`, and others for people.
    #[serde(deserialize_with = "nullable")]
    pub grant_type: String,
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRequest").field("grant_type", &self.grant_type).finish_non_exhaustive()
    }
}

/// The response of `POST /api/v1/token`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TokenResponse {
    /// The bearer token.
    #[serde(deserialize_with = "nullable")]
    pub access_token: String,
    /// Lifetime of the token, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<i64>,
    /// An `OpenID` Connect token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// The refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// The form of `POST /api/v2/token`: an OAuth 2.0 token request (RFC 6749, section 4.4.2).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OAuthTokenRequest {
    /// Id of a service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Secret of a service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// `client_credentials`, and others for people.
    pub grant_type: String,
}

impl fmt::Debug for OAuthTokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthTokenRequest").field("grant_type", &self.grant_type).finish_non_exhaustive()
    }
}

/// The response of `POST /api/v2/token` (RFC 6749, section 5.1).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OAuthTokenResponse {
    /// The bearer token.
    #[serde(deserialize_with = "nullable")]
    pub access_token: String,
    /// Lifetime of the token, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<i64>,
    /// An `OpenID` Connect token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// The refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The scope of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// `Bearer`.
    #[serde(deserialize_with = "nullable")]
    pub token_type: String,
}

impl fmt::Debug for OAuthTokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthTokenResponse")
            .field("expires_in", &self.expires_in)
            .field("scope", &self.scope)
            .field("token_type", &self.token_type)
            .finish_non_exhaustive()
    }
}

/// The error response of `POST /api/v2/token` (RFC 6749, section 5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OAuthError {
    /// `invalid_request`, `invalid_client`, `invalid_grant`, `unauthorized_client`, `unsupported_grant_type`,
    /// `invalid_scope`, `server_error`, `temporarily_unavailable`.
    #[serde(deserialize_with = "nullable")]
    pub error: String,
    /// The error message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// URL of a page about the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_uri: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "canary-4711";

    #[test]
    fn credentials_never_print() {
        let secret = || Some(CANARY.to_owned());
        let printed = [
            format!("{:?}", TokenRequest { app_secret: secret(), client_secret: secret(), ..TokenRequest::default() }),
            format!("{:?}", OAuthTokenRequest { client_secret: secret(), ..OAuthTokenRequest::default() }),
            format!(
                "{:#?}",
                TokenResponse {
                    access_token: CANARY.into(),
                    id_token: secret(),
                    refresh_token: secret(),
                    expires_in: Some(60)
                }
            ),
            format!(
                "{:#?}",
                OAuthTokenResponse {
                    access_token: CANARY.into(),
                    id_token: secret(),
                    refresh_token: secret(),
                    ..OAuthTokenResponse::default()
                }
            ),
        ];
        for text in printed {
            assert!(!text.contains(CANARY), "{text}");
        }
    }

    #[test]
    fn parses_both_token_requests() {
        for body in [
            r#"{"grantType": "app_token", "AppId": "a", "AppSecret": "b"}"#,
            r#"{"grantType": "app_token", "appID": "a", "appSecret": "b"}"#,
        ] {
            let request: TokenRequest = serde_json::from_str(body).unwrap();
            assert_eq!((request.app_id.as_deref(), request.app_secret.as_deref()), (Some("a"), Some("b")));
        }
    }
}
