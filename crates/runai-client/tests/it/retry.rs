use std::time::Duration;

use http::StatusCode;
use runai_client::{Error, RetryPolicy};
use runai_spec::request::ApiRequest;
use runai_spec::wire::TrainingCreationRequest;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::script::{Reply, Script, answering};

const LINE: &str = "GET /api/v1/clusters";

#[tokio::test(start_paused = true)]
async fn what_changes_nothing_is_tried_again() {
    let script = Script::new();
    script
        .expect(LINE, Reply::Refused)
        .expect(LINE, Reply::Lost)
        .expect(LINE, Reply::text(502, "<html>bad gateway</html>"))
        .expect(LINE, Reply::error(503, "starting"))
        .expect(LINE, Reply::text(504, ""))
        .expect(LINE, Reply::error(429, "slow down"))
        .expect(LINE, Reply::text(200, "[]"));
    assert_eq!(script.client().clusters().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_delete_is_tried_again_too() {
    let script = Script::new();
    script
        .expect("DELETE /api/v1/workloads/trainings/w", Reply::Lost)
        .expect("DELETE /api/v1/workloads/trainings/w", Reply::text(202, ""));
    script.client().delete("w").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_post_that_may_have_taken_effect_is_never_sent_again() {
    let line = "POST /api/v1/workloads/trainings";
    for (reply, ambiguous) in [
        (Reply::Lost, true),
        (Reply::Hangs, true),
        (Reply::text(502, "bad gateway"), true),
        (Reply::error(503, "starting"), true),
        (Reply::error(500, "oops"), true),
        (Reply::text(202, "<html>"), true),
        (Reply::text(202, ""), true),
        (Reply::error(400, "bad image"), false),
        (Reply::error(403, "no"), false),
    ] {
        let script = Script::new();
        script.expect(line, reply);
        let error = script.client().create_training(&TrainingCreationRequest::default()).await.unwrap_err();
        assert_eq!(error.may_have_taken_effect(), ambiguous, "{error:?}");
    }
    let script = Script::new();
    script
        .expect(line, Reply::Refused)
        .expect(line, Reply::error(429, "slow down"))
        .expect(line, Reply::json(202, &json!({"workloadId": "w"})));
    let training = script.client().create_training(&TrainingCreationRequest::default()).await.unwrap();
    assert_eq!(training.workload_id, "w");
}

#[tokio::test(start_paused = true)]
async fn gives_up_in_time_whatever_the_other_side_does() {
    let everything: [fn() -> Reply; 4] =
        [|| Reply::Hangs, || Reply::Refused, || Reply::Lost, || Reply::error(503, "starting")];
    for reply in everything {
        let client = answering(move |_| reply());
        let begun = Instant::now();
        let error = client.clusters().await.unwrap_err();
        assert!(error.is_unreachable(), "{error}");
        assert!(begun.elapsed() <= Duration::from_secs(15), "{:?}", begun.elapsed());
        assert!(begun.elapsed() >= Duration::from_secs(9), "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_once_tries_once() {
    let script = Script::new();
    script.expect(LINE, Reply::error(503, "starting"));
    let client = script.builder().retry_policy(RetryPolicy::once(Duration::from_secs(5))).build().unwrap();
    assert!(client.clusters().await.unwrap_err().is_unreachable());
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_kept_when_there_is_time_for_it() {
    let script = Script::new();
    script
        .expect(LINE, Reply::error(429, "slow down").header("retry-after", "9"))
        .expect(LINE, Reply::text(200, "[]"))
        .expect(LINE, Reply::error(429, "slow down").header("retry-after", "60"));
    let client = script.client();
    let begun = Instant::now();
    client.clusters().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(9));
    let Err(Error::Api(error)) = client.clusters().await else { panic!("it should not have waited") };
    assert_eq!((error.status, error.retry_after), (StatusCode::TOO_MANY_REQUESTS, Some(Duration::from_mins(1))));
}

#[tokio::test(start_paused = true)]
async fn errors_say_whose_fault_it_is() {
    let request = ApiRequest::get("/api/v1/x");
    for (status, predicate) in [
        (400, Error::is_refused as fn(&Error) -> bool),
        (401, Error::is_auth),
        (403, Error::is_auth),
        (404, Error::is_not_found),
        (405, Error::is_refused),
        (409, Error::is_refused),
        (422, Error::is_refused),
        (501, Error::is_refused),
        (307, Error::is_refused),
        (429, Error::is_unreachable),
        (500, Error::is_unreachable),
        (503, Error::is_unreachable),
    ] {
        let client =
            answering(
                move |sent| {
                    if sent.line.ends_with("/token") { Reply::token() } else { Reply::error(status, "because") }
                },
            );
        let error = client.send::<Value>(&request).await.unwrap_err();
        let all =
            [Error::is_refused, Error::is_auth, Error::is_not_found, Error::is_unreachable, Error::is_configuration];
        let holds: Vec<_> = all.iter().map(|predicate| predicate(&error)).collect();
        assert!(predicate(&error), "{error}: {holds:?}");
        assert_eq!(holds.iter().filter(|holds| **holds).count(), 1, "{error}: {holds:?}");
        assert!(error.to_string().contains("because"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_not_followed_and_says_where_it_leads() {
    let script = Script::new();
    script.expect(LINE, Reply::text(302, "").header("location", "https://login.example.com/"));
    let error = script.client().clusters().await.unwrap_err();
    assert!(error.hint().unwrap().contains("`https://login.example.com/`"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_the_apis_keeps_its_text() {
    let script = Script::new();
    script.expect(LINE, Reply::text(200, "<html>log in</html>")).expect(LINE, Reply::text(200, r#"[{"uuid": "#));
    let client = script.client();
    let error = client.clusters().await.unwrap_err();
    assert!(error.is_unreachable() && error.to_string().ends_with(": <html>log in</html>"), "{error}");
    assert!(matches!(client.clusters().await.unwrap_err(), Error::OddAnswer { .. }));
}
