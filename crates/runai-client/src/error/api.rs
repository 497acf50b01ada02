//! Answers with an error status and their bodies.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use runai_api::wire::{ComplianceIssue, ErrorBody};
use serde::Deserialize;

use super::separator;
use crate::secrets::Secrets;

/// The most characters that an error keeps of an answer's text.
pub const KEPT_TEXT: usize = 500;

/// An answer with an error status.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiError {
    /// Method and path of the request.
    pub call: String,
    /// The HTTP status.
    pub status: StatusCode,
    /// What the control plane wrote: the message of its error body, or the beginning of another text.
    pub message: String,
    /// More about it, if the control plane wrote more.
    pub details: Option<String>,
    /// Which members of a submission are refused, and why.
    pub issues: Vec<ComplianceIssue>,
    /// How long the control plane asks to wait before the next request.
    pub retry_after: Option<Duration>,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// Whether the body is the API's error body, a JSON object with the member `message`. Otherwise a proxy or another
    /// server may have answered.
    pub from_api: bool,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` was answered with {}{}{}", self.call, self.status, separator(&self.message), self.message)?;
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
    /// Whether the body is a text that the API does not write, such as a proxy's page. Nothing at all may be the API's.
    pub(crate) fn is_foreign(&self) -> bool {
        !self.from_api && !self.message.is_empty()
    }
}

impl std::error::Error for ApiError {}

/// Whether `body` is the API's error body.
pub(crate) fn is_api_error(body: &[u8]) -> bool {
    /// The code is a status of HTTP: gateways have other codes. Versions that leave it out are understood.
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

/// The error body in `body`; whatever else it holds is kept as the message. Secrets are cut out.
pub(crate) fn error_body(body: &[u8], secrets: &Secrets) -> ErrorBody {
    let kept = |text: &str| cut(&secrets.scrub(text));
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

/// `text` on one line, without control characters, cut to [`KEPT_TEXT`] characters.
pub(crate) fn cut(text: &str) -> String {
    let mut kept = String::new();
    for (count, word) in
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).enumerate()
    {
        if count > 0 {
            kept.push(' ');
        }
        kept.push_str(word);
        if kept.len() > KEPT_TEXT * 4 {
            break;
        }
    }
    match kept.char_indices().nth(KEPT_TEXT) {
        Some((end, _)) => format!("{}…", &kept[..end]),
        None => kept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_bodies_are_kept_as_text_up_to_a_limit() {
        let same = &Secrets::default();
        let error = error_body(b"<html>\r\n  <b>502 Bad\tGateway</b></html>", same);
        assert_eq!(error.message, "<html> <b>502 Bad Gateway</b></html>");
        assert_eq!(error_body(b"\xff\x1b[31mred", same).message, "\u{fffd} [31mred");
        assert_eq!(error_body(b"", same).message, "");
        assert_eq!(error_body(br#"{"error": "x"}"#, same).message, r#"{"error": "x"}"#);
        let long = error_body("ü".repeat(10_000).as_bytes(), same).message;
        assert_eq!(long.chars().count(), KEPT_TEXT + 1);
    }

    #[test]
    fn an_error_body_gives_message_details_and_issues() {
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
        assert_eq!(
            error.to_string(),
            "`POST /x` was answered with 400 Bad Request: no; `compute.gpuDevicesRequest`: at most 8"
        );
    }
}
