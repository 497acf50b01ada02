//! Messages, hints and kinds of all errors.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io;

use super::*;
use crate::transport::TransportErrorKind;

/// Errors of every variant.
fn errors() -> Vec<Error> {
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
    let no_response = |failure| Error::Transport { call: call(), source: TransportError::not_sent(failure, "cause") };
    let refused = |status, reason: &str| Error::CredentialsRefused { status, reason: reason.into() };
    let token_refused = |origin| Error::TokenRefused { call: call(), origin, reason: "expired".into() };
    vec![
        Error::BaseUrl { url: "http://org.run.ai".into(), problem: PLAIN_HTTP, source: None },
        Error::BaseUrl { url: "org".into(), problem: "is not an absolute URL", source: None },
        Error::EmptyCredential("the client id"),
        Error::Path("/api/v1/..".into()),
        Error::NoSubmissionId,
        Error::NoTransport,
        refused(StatusCode::UNAUTHORIZED, "invalid_client"),
        refused(StatusCode::NOT_FOUND, ""),
        token_refused(TokenOrigin::ClientCredentials),
        token_refused(TokenOrigin::Command),
        token_refused(TokenOrigin::Fixed),
        token_refused(TokenOrigin::Provider),
        Error::TokenCommand { program: "runai".into(), problem: "printed 2 lines instead of one".into(), source: None },
        Error::TokenProvider { source: TokenError::refused("nobody is logged in") },
        Error::Token("is empty"),
        Error::Accept(r"a\nb".into()),
        Error::UnreadableCredentials {
            place: "the client secret in `/run/secret`".into(),
            source: Cause::new(io::Error::from(io::ErrorKind::NotFound)),
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
        no_response(TransportErrorKind::Connect),
        no_response(TransportErrorKind::Tls),
        no_response(TransportErrorKind::Timeout),
        no_response(TransportErrorKind::Interrupted),
        no_response(TransportErrorKind::BodyTooLong),
        Error::UnexpectedResponse {
            call: call(),
            status: StatusCode::OK,
            problem: "is not JSON (text/html, 4711 bytes)".into(),
        },
        Error::Unconfirmed { name: "n".into(), source: Box::new(no_response(TransportErrorKind::Connect)) },
    ]
}

#[test]
fn messages_and_hints() {
    let mut text = String::new();
    for error in errors() {
        let _ = writeln!(text, "{error}");
        let mut source = error.source();
        while let Some(cause) = source {
            let _ = writeln!(text, "  cause: {cause}");
            source = cause.source();
        }
        if let Some(hint) = error.hint() {
            let _ = writeln!(text, "  hint: {hint}");
        }
        let _ = writeln!(text, "  kind: {:?}", error.kind());
    }
    insta::assert_snapshot!(text);
}

#[test]
fn kinds_and_predicates_agree() {
    for error in errors() {
        let kind = error.kind();
        let is_one_of = |kinds: &[ErrorKind]| kinds.contains(&kind);
        let is_configuration = is_one_of(&[ErrorKind::Configuration, ErrorKind::InsecureUrl]);
        assert_eq!(error.is_configuration(), is_configuration, "{error}");
        let is_auth = is_one_of(&[ErrorKind::PermissionDenied, ErrorKind::Unauthenticated]);
        assert_eq!(error.is_auth(), is_auth, "{error}");
        assert_eq!(error.is_not_found(), kind == ErrorKind::NotFound, "{error}");
        let may_be_unreachable = is_one_of(&[
            ErrorKind::RateLimited,
            ErrorKind::Unconfirmed,
            ErrorKind::UnexpectedResponse,
            ErrorKind::Unreachable,
        ]);
        assert!(may_be_unreachable || !error.is_unreachable(), "{error}");
    }
}

#[test]
fn sources_keep_their_types() {
    let source_of = |error: &dyn std::error::Error| error.source().unwrap().to_string();
    let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
    let transport = TransportError::not_sent(TransportErrorKind::Connect, refused());
    let error = Error::Transport { call: "GET /x".into(), source: transport };
    let transport = error.source().unwrap();
    assert!(transport.is::<TransportError>() && transport.source().unwrap().is::<io::Error>());
    assert_eq!(one_line(&error), "no response to `GET /x`: cannot connect: connection refused");
    let unconfirmed = Error::Unconfirmed { name: "n".into(), source: Box::new(error) };
    assert!(unconfirmed.source().unwrap().is::<Box<Error>>());

    let provider = TokenError::unavailable("no token").with_source(refused());
    let error = Error::TokenProvider { source: provider };
    assert!(error.source().unwrap().source().unwrap().is::<io::Error>());
    let place = "the client credentials".into();
    let error = Error::UnreadableCredentials { place, source: Cause::new(refused()) };
    assert!(error.source().unwrap().is::<io::Error>());
    let store = crate::StoreError::new("cannot read `x`").with_source(refused());
    assert!(std::error::Error::source(&store).unwrap().is::<io::Error>());

    let url = crate::Client::builder("https://org.run.ai:port").credentials("id", "secret").build().unwrap_err();
    assert_eq!(source_of(&url), "invalid port number");
    let builder = crate::Client::builder("http://127.0.0.1").credentials("id", "secret");
    let proxy = builder.proxy("http://proxy:port").build().unwrap_err();
    assert_eq!(source_of(&proxy), "invalid port number");
}
