//! What errors say.

use std::fmt::Write as _;

use super::*;
use crate::transport::Failure;

#[test]
fn every_error_says_what_and_what_to_do() {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let call = || "GET /x".to_owned();
    let api = |status| {
        Error::Api(Box::new(ApiError {
            call: call(),
            status,
            message: "because".into(),
            details: Some("more".into()),
            issues: Vec::new(),
            retry_after: None,
            location: Some("https://login.example.com/".into()),
            from_api: true,
        }))
    };
    let no_answer = |failure| Error::NoAnswer { call: call(), source: TransportError::not_sent(failure, "cause") };
    let refused = |status, reason: &str| Error::CredentialsRefused { status, reason: reason.into() };
    let token_refused = |origin| Error::TokenRefused { call: call(), origin, reason: "expired".into() };
    let errors = [
        Error::BaseUrl { url: "http://org.run.ai".into(), problem: PLAIN_HTTP },
        Error::BaseUrl { url: "org".into(), problem: "is no absolute URL" },
        Error::EmptyCredential("the client id"),
        Error::Path("/api/v1/..".into()),
        Error::NoSubmissionId,
        refused(StatusCode::UNAUTHORIZED, "invalid_client"),
        refused(StatusCode::NOT_FOUND, ""),
        token_refused(TokenOrigin::ClientCredentials),
        token_refused(TokenOrigin::Command),
        token_refused(TokenOrigin::Fixed),
        token_refused(TokenOrigin::Provider),
        Error::TokenCommand { program: "runai".into(), problem: "printed 2 lines, not one".into() },
        Error::TokenProvider { reason: "nobody is logged in".into(), is_temporary: false },
        Error::Token("is empty"),
        Error::Accept(r"a\nb".into()),
        Error::UnreadableCredentials {
            place: "the client secret in `/run/secret`".into(),
            problem: "no such file".into(),
        },
        Error::ProjectNotFound { name: "visoin".into(), nearest: names(&["vision"]) },
        Error::ProjectNotFound { name: "x".into(), nearest: Vec::new() },
        Error::ProjectAmbiguous { name: "x".into(), clusters: names(&["u1", "u2"]) },
        Error::ClusterMismatch { project: "x".into(), cluster: "dgx".into(), configured: "cloud".into() },
        api(StatusCode::BAD_REQUEST),
        api(StatusCode::FOUND),
        api(StatusCode::FORBIDDEN),
        api(StatusCode::TOO_MANY_REQUESTS),
        Error::NameTaken { name: "n".into(), workload_id: "w".into(), other: None, submission_id: "a".into() },
        Error::NameTaken {
            name: "n".into(),
            workload_id: "w".into(),
            other: Some("b".into()),
            submission_id: "a".into(),
        },
        Error::DifferentSpec {
            name: "n".into(),
            workload_id: "w".into(),
            at: "/image",
            submission_id: "a".into(),
            stored_source: Some("one.yaml".into()),
            source_name: Some("two.yaml".into()),
        },
        Error::UnprovenDeletion { name: "n".into(), workload_id: "w".into(), submission_id: "a".into() },
        Error::AlreadyDeleted { name: "n".into(), workload_id: "w".into(), submission_id: "a".into() },
        no_answer(Failure::Connect),
        no_answer(Failure::Tls),
        no_answer(Failure::Timeout),
        no_answer(Failure::Interrupted),
        no_answer(Failure::BodyTooLong),
        Error::OddAnswer {
            call: call(),
            status: StatusCode::OK,
            problem: "is not JSON (text/html, 4711 bytes)".into(),
        },
        Error::Unconfirmed { name: "n".into(), source: Box::new(no_answer(Failure::Connect)) },
    ];
    let mut text = String::new();
    for error in errors {
        let _ = writeln!(text, "{error}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            let _ = writeln!(text, "  cause: {cause}");
            source = cause.source();
        }
        if let Some(hint) = error.hint() {
            let _ = writeln!(text, "  hint: {hint}");
        }
    }
    insta::assert_snapshot!(text);
}
