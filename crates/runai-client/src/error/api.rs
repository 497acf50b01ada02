//! Responses with an error status and their bodies.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use runai_api::wire::{ComplianceIssue, ErrorBody};
use serde::Deserialize;

use super::separator;
use crate::secrets::Secrets;

/// Maximum number of characters of a response's text in an error.
pub const MAX_ERROR_TEXT: usize = 500;

/// A response with an error status.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiError {
    /// Method and path of the request.
    pub call: String,
    /// The HTTP status.
    pub status: StatusCode,
    /// The message of the API's error body, or the beginning of another body.
    pub message: String,
    /// The details of the API's error body.
    pub details: Option<String>,
    /// The refused members of a submission, each with a reason.
    pub issues: Vec<ComplianceIssue>,
    /// The value of `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The value of `Location`, of a redirect.
    pub location: Option<String>,
    /// Whether the body is the API's error body: a JSON object with the member `message`. Otherwise a proxy or another
    /// server may have responded.
    pub from_api: bool,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` returned {}{}{}", self.call, self.status, separator(&self.message), self.message)?;
        if let Some(details) = &self.details {
            write!(f, " ({details})")?;
        }
        for ComplianceIssue { field, details, .. } in &self.issues {
            write!(f, "; `{field}`: {details}")?;
        }
        Ok(())
    }
}

impl ApiError {
    /// Returns whether the body is not the API's, such as a proxy's page. An empty body may be the API's.
    pub(crate) fn is_foreign(&self) -> bool {
        !self.from_api && !self.message.is_empty()
    }
}

impl std::error::Error for ApiError {}

/// Returns whether `body` is the API's error body.
pub(crate) fn is_api_error(body: &[u8]) -> bool {
    /// The code must be an HTTP status, because gateways use other codes. It may be missing.
    #[derive(Deserialize)]
    struct Required {
        #[serde(default)]
        code: Option<u16>,
        message: String,
    }

    let is_object = body.trim_ascii_start().starts_with(b"{");
    is_object
        && serde_json::from_slice::<Required>(body)
            .is_ok_and(|error| !error.message.is_empty() && error.code.is_none_or(|code| (100..600).contains(&code)))
}

/// Parses `body` as the API's error body; any other text becomes the message. Secrets are redacted.
pub(crate) fn error_body(body: &[u8], secrets: &Secrets) -> ErrorBody {
    let kept = |text: &str| truncate(&secrets.scrub(text));
    match serde_json::from_slice::<ErrorBody>(body) {
        Ok(error) if !error.message.is_empty() => ErrorBody {
            message: kept(&error.message),
            details: error.details.as_deref().map(kept).filter(|details| !details.is_empty()),
            compliance_issues: error
                .compliance_issues
                .into_iter()
                .map(|ComplianceIssue { details, field, rule }| ComplianceIssue {
                    details: kept(&details),
                    field: kept(&field),
                    rule: rule.as_deref().map(kept),
                })
                .collect(),
            ..error
        },
        _ => ErrorBody { message: kept(&String::from_utf8_lossy(body)), ..ErrorBody::default() },
    }
}

/// Returns `text` on one line, without control characters, truncated to [`MAX_ERROR_TEXT`] characters.
pub(crate) fn truncate(text: &str) -> String {
    let mut kept = String::new();
    for (count, word) in
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).enumerate()
    {
        if count > 0 {
            kept.push(' ');
        }
        kept.push_str(word);
        if kept.len() > MAX_ERROR_TEXT * 4 {
            break;
        }
    }
    match kept.char_indices().nth(MAX_ERROR_TEXT) {
        Some((end, _)) => format!("{}…", &kept[..end]),
        None => kept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncates_foreign_bodies() {
        let same = &Secrets::default();
        let error = error_body(b"<html>\r\n  <b>502 Bad\tGateway</b></html>", same);
        assert_eq!(error.message, "<html> <b>502 Bad Gateway</b></html>");
        assert_eq!(error_body(b"\xff\x1b[31mred", same).message, "\u{fffd} [31mred");
        assert_eq!(error_body(b"", same).message, "");
        assert_eq!(error_body(br#"{"error": "x"}"#, same).message, r#"{"error": "x"}"#);
        let long = error_body("ü".repeat(10_000).as_bytes(), same).message;
        assert_eq!(long.chars().count(), MAX_ERROR_TEXT + 1);
    }

    #[test]
    fn displays_message_and_issues() {
        let body = br#"{"code": 400, "message": "no", "details": "", "complianceIssues":
            [{"field": "compute.gpuDevicesRequest", "details": "at most 8", "rule": "max"}]}"#;
        let body = error_body(body, &Secrets::default());
        let error = ApiError {
            call: "POST /x".into(),
            status: StatusCode::BAD_REQUEST,
            message: body.message,
            details: body.details,
            issues: body.compliance_issues,
            retry_after: None,
            location: None,
            from_api: true,
        };
        assert_eq!(error.to_string(), "`POST /x` returned 400 Bad Request: no; `compute.gpuDevicesRequest`: at most 8");
    }
}
