//! Sends every operation of the API and checks method, path, query, body and headers.

use std::collections::HashSet;
use std::fmt::Write as _;

use http::StatusCode;
use runai_api::request::{ApiRequest, Method, encode_component};
use serde_json::json;

use crate::script::{Reply, Script, TOKEN};

/// A line of the table.
struct Operation {
    method: Method,
    /// With `{parameters}`.
    path: &'static str,
    query: Vec<&'static str>,
    /// `json`, `form`, or nothing.
    body: &'static str,
}

fn operations() -> Vec<Operation> {
    // A checkout may have changed the line endings.
    let lines = include_str!("operations.tsv").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [method, path, query, body] = fields[..] else { panic!("{line}") };
            let methods = [Method::Delete, Method::Get, Method::Patch, Method::Post, Method::Put];
            let method = methods.into_iter().find(|known| known.as_str() == method).unwrap();
            Operation { method, path, query: query.split_whitespace().collect(), body }
        })
        .collect()
}

/// Returns `path` with values for its parameters.
fn filled(path: &str) -> String {
    let mut filled = String::new();
    for (index, part) in path.split(['{', '}']).enumerate() {
        filled.push_str(if index % 2 == 0 { part } else { "a%20b" });
    }
    filled
}

#[test]
fn table_has_all_operations() {
    let operations = operations();
    assert_eq!(operations.len(), 391);
    let different: HashSet<_> = operations.iter().map(|one| format!("{} {}", one.method, one.path)).collect();
    assert_eq!(different.len(), 391);
    let count = |method| operations.iter().filter(|one| one.method == method).count();
    let methods = [Method::Get, Method::Post, Method::Delete, Method::Put, Method::Patch];
    assert_eq!(methods.map(count), [201, 70, 54, 44, 22]);
    let bodies = |kind| operations.iter().filter(|one| one.body == kind).count();
    assert_eq!(["json", "form", ""].map(bodies), [123, 1, 267]);
}

#[tokio::test(start_paused = true)]
async fn sends_all_operations() {
    for Operation { method, path, query, body } in operations() {
        let mut request = ApiRequest::new(method, filled(path)).accept("application/json, text/csv");
        let mut line = format!("{method} {}", filled(path));
        for (index, name) in query.iter().enumerate() {
            // Names that are only known at run time.
            request = request.query((*name).to_owned(), "1 & 2,ü");
            line.push(if index == 0 { '?' } else { '&' });
            let _ = write!(line, "{name}={}", encode_component("1 & 2,ü"));
        }
        request = match body {
            "form" => request.form([("grant_type", "client_credentials"), ("client_id", "a&b")]),
            "json" => request.json(&json!({"name": "fit", "list": [1, null]})),
            _ => request,
        };
        // The first request gets the token.
        let script = Script::without_tokens();
        script.expect("POST /api/v2/token", Reply::token());
        script.expect(&line, Reply::text(200, "\u{0}any bytes\n").header("x-any", "header"));
        // The scripted transport has compared the line.
        let answer = script.client().call(&request).await.unwrap();
        assert_eq!((answer.status, &answer.bytes[..]), (StatusCode::OK, &b"\0any bytes\n"[..]), "{line}");
        assert_eq!(answer.headers["x-any"], "header");

        let sent = script.sent().pop().unwrap();
        assert_eq!(sent.line, line);
        assert_eq!(sent.headers["authorization"], format!("Bearer {TOKEN}"));
        assert_eq!(sent.headers["accept"], "application/json, text/csv");
        let (content_type, text) = match body {
            "form" => (Some("application/x-www-form-urlencoded"), "grant_type=client_credentials&client_id=a%26b"),
            "json" => (Some("application/json"), r#"{"name":"fit","list":[1,null]}"#),
            _ => (None, ""),
        };
        assert_eq!(sent.headers.get("content-type").map(|value| value.to_str().unwrap()), content_type, "{line}");
        assert_eq!(sent.body, text, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn rejects_invalid_accept_header() {
    let error = Script::without_tokens().client().call(&ApiRequest::get("/x").accept("a\nb")).await.unwrap_err();
    assert!(error.is_configuration(), "{error:?}");
}
