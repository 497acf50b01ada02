//! Arbitrary responses: no panic, no endless wait, and typed errors without secrets.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use runai_api::wire::TrainingCreationRequest;
use runai_client::lifecycle::WaitPolicy;
use runai_client::{Error, ListParams, StepOperator};
use serde_json::Value;
use tokio::time::timeout;

use crate::preflight::subject;
use crate::script::{CLIENT_SECRET, Reply, TOKEN, answering};

/// Arbitrary JSON, often with members of the API.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(Value::from(TOKEN)),
        Just(Value::from(CLIENT_SECRET)),
    ];
    let names = prop::sample::select(vec![
        "next",
        "workloads",
        "projects",
        "id",
        "name",
        "phase",
        "message",
        "code",
        "complianceIssues",
        "field",
        "details",
        "access_token",
        "expires_in",
        "accessToken",
        "expiresIn",
        "error",
        "error_description",
        "workloadId",
        "spec",
        "labels",
        "phaseUpdatedAt",
        "totalRunningTimeSeconds",
        "deletedAt",
        "effective",
        "rules",
        "meta",
        "entries",
    ]);
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => json().prop_map(|value| value.to_string().into_bytes()),
        2 => (json(), any::<prop::sample::Index>()).prop_map(|(value, cut)| {
            let text = value.to_string().into_bytes();
            let end = cut.index(text.len() + 1);
            text[..end].to_vec()
        }),
        1 => prop::collection::vec(any::<u8>(), 0..64),
        1 => Just(b"<html><form action=login>".to_vec()),
    ]
}

fn status() -> impl Strategy<Value = u16> {
    prop::sample::select(vec![200, 200, 200, 202, 204, 302, 400, 401, 403, 404, 409, 422, 429, 500, 501, 502, 503, 504])
}

fn retry_after() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,24}",
        any::<u64>().prop_map(|seconds| seconds.to_string()),
        Just("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
        Just("Fri, 31 Dec 9999 23:59:59 GMT".to_owned()),
    ]
}

/// A token that was never issued is not a secret.
fn clean(error: &Error, is_issued: bool) {
    let text = format!("{error} {error:?} {:?}", error.hint());
    let secrets = if is_issued { &[CLIENT_SECRET, TOKEN][..] } else { &[CLIENT_SECRET] };
    assert!(!secrets.iter().any(|secret| text.contains(secret)), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn accepts_arbitrary_responses(
        token in prop::option::weighted(0.3, body()),
        answers in prop::collection::vec((status(), body(), retry_after(), retry_after()), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let is_issued = token.is_none();
            let asked = AtomicUsize::new(0);
            let client = answering(move |sent| {
                if sent.line.contains("/token") {
                    return match &token {
                        None => Reply::token(),
                        Some(body) => Reply::Answer { status: 200, headers: Vec::new(), body: body.clone() },
                    };
                }
                let (status, body, wait, date) = &answers[asked.fetch_add(1, Ordering::Relaxed) % answers.len()];
                let headers = vec![("retry-after", wait.clone()), ("date", date.clone()), ("location", wait.clone())];
                Reply::Answer { status: *status, headers, body: body.clone() }
            });
            let request = TrainingCreationRequest { name: "fit".into(), ..TrainingCreationRequest::default() };
            let results = [
                client.clusters().await.err(),
                client.projects_named("vision").await.err(),
                client.workloads(&ListParams::default().deleted(true)).await.err(),
                client.workload("w1").await.err(),
                client.create_training(&request).await.err(),
                client.permissions().await.err(),
                client.effective_policy("7").await.err(),
                client.template("x").await.err(),
                client.suspend("w1").await.err(),
            ];
            results.iter().flatten().for_each(|error| clean(error, is_issued));
            let operator = StepOperator::new(client, "vision");
            let found = operator.preflight(Some(subject(&request)), None).await;
            let text = serde_json::to_string(&found).unwrap();
            assert!(!text.contains(CLIENT_SECRET), "{text}");
            let mut watch = operator.watch("w1", WaitPolicy::default());
            watch.set_max_outage(Some(Duration::from_mins(2)));
            if let Ok(Err(error)) = timeout(Duration::from_mins(30), watch.run(|_| {})).await {
                clean(&error, is_issued);
            }
        });
    }
}
