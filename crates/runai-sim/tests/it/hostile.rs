//! Faults in scenario files and below `/sim`, and the preset `hostile`.

use std::time::Duration;

use axum::http::StatusCode;
use runai_sim::{Endpoint, Fault, FaultKind, Scenario, Simulator};
use serde_json::{Value, json};

use crate::{Api, SUBMIT, pass, training};

#[tokio::test(start_paused = true)]
async fn same_seed_same_faults() {
    let session = async |seed| {
        let api = Api::new().await;
        let faults = api.call("POST /sim/faults", json!({"hostile": seed})).await.expect(StatusCode::CREATED);
        assert!(faults.as_array().unwrap().len() > 30);
        let mut seen = Vec::new();
        for number in 0..300 {
            let body = training(&format!("fit-{number}"), &[], &json!({}));
            let request = if number % 3 == 0 {
                api.request(SUBMIT, &body)
            } else {
                api.request("GET /api/v1/workloads", &Value::Null)
            };
            let response = tokio::time::timeout(Duration::from_secs(30), api.raw(request)).await;
            seen.push(response.map_or(0, |(status, whole)| if whole { status.as_u16() } else { 1 }));
            pass(1.0).await;
        }
        seen
    };
    let (one, again, other) = (session(1).await, session(1).await, session(2).await);
    assert_eq!(one, again);
    assert_ne!(one, other);
    let ok = one.iter().filter(|status| (200..300).contains(*status)).count();
    assert!((150..300).contains(&ok), "{ok}: {one:?}");
}

#[tokio::test]
async fn scenario_has_hostile_preset() {
    let text = r#"
        hostile = 7
        [[faults]]
        kind = { lag = { seconds = 30.0 } }
        endpoint = "list"
        probability = 0.5
        seed = 1
        from = 10.0
        seconds = 60.0
        [[faults]]
        kind = "stuckStopping"
    "#;
    let scenario = Scenario::from_toml(text).unwrap();
    let expected = Fault::new(FaultKind::Lag { seconds: 30.0 })
        .at(Endpoint::List)
        .by_chance(0.5, 1)
        .starting_after(Duration::from_secs(10))
        .lasting(Duration::from_mins(1));
    assert_eq!((scenario.hostile, &scenario.faults[0]), (Some(7), &expected));
    let sim = Simulator::builder().scenario(scenario).in_memory().unwrap();
    drop(sim);
    for (text, expected) in [
        ("[[faults]]\nprobability = 2.0\n", "invalid probability 2: must be between 0 and 1"),
        ("[[faults]]\nkind = 'lags'\n", "unknown kind of fault `lags`, did you mean `lag`?"),
        ("[[faults]]\nseconds = -1.0\n", "invalid duration -1 s: must be between 0 and"),
    ] {
        let error = Scenario::from_toml(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = Scenario::from_json(r#"{"faults": [{"kind": {"lag": {"seconds": -1}}}]}"#).unwrap_err().to_string();
    assert!(error.contains("faults[0].kind: `lag.seconds`: invalid duration -1 s"), "{error}");
}

#[tokio::test]
async fn rejects_invalid_fault() {
    let api = Api::new().await;
    for (fault, field, details) in [
        (json!({"probability": 3}), "probability", "invalid probability 3: must be between 0 and 1"),
        (json!({"kind": "rset"}), "kind", "unknown kind of fault `rset`, did you mean `reset`?"),
        (json!({"hostile": "x"}), "hostile", "invalid type: string \"x\", expected u64"),
        (json!({"hostile": 1, "kind": "reset"}), "kind", "unknown field `kind`, expected `hostile`"),
    ] {
        let answer = api.call("POST /sim/faults", fault).await;
        let issue = answer.body["complianceIssues"][0].clone();
        assert_eq!((&issue["field"], &issue["details"]), (&json!(field), &json!(details)));
        answer.refused(StatusCode::BAD_REQUEST);
    }
    assert_eq!(api.get("/sim/faults").await, json!([]));
}
