//! Rate limits.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use http::{Method, StatusCode};
use runai_api::wire::TrainingCreationRequest;
use runai_client::{Client, Error, ListParams, RetryPolicy, StepOperator};
use runai_sim::Simulator;
use serde_json::json;
use tokio::time::Instant;

use crate::network::{Fate, client, request, submission_of};
use crate::script::{Reply, Script, answering};

const LINE: &str = "GET /api/v1/clusters";

#[tokio::test(start_paused = true)]
async fn waits_for_retry_after() {
    let script = Script::new();
    script
        .expect(LINE, Reply::error(429, "slow down").header("retry-after", "9"))
        .expect(LINE, Reply::error(429, "slow down").header("retry-after", "60"))
        .expect(LINE, Reply::Refused)
        .expect(LINE, Reply::text(200, "[]"));
    let client = script.client();
    let begun = Instant::now();
    client.clusters().await.unwrap();
    assert!((69..75).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn accepts_date_in_retry_after() {
    let script = Script::new();
    script
        .expect(
            LINE,
            Reply::error(429, "slow down")
                .header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
                .header("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"),
        )
        .expect(LINE, Reply::text(200, "[]"));
    let begun = Instant::now();
    script.client().clusters().await.unwrap();
    assert!((60..62).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn long_retry_after_fails_immediately() {
    let script = Script::new();
    let begun = Instant::now();
    script.expect(LINE, Reply::error(429, "slow down").header("retry-after", "301"));
    let Err(Error::Api(error)) = script.client().clusters().await else { panic!("it should not have waited") };
    assert_eq!(error.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((error.retry_after, begun.elapsed()), (Some(Duration::from_secs(301)), Duration::ZERO));

    // Earlier waits have used up the time.
    let script = Script::new();
    for seconds in ["200", "99", "2"] {
        script.expect(LINE, Reply::error(429, "slow down").header("retry-after", seconds));
    }
    let begun = Instant::now();
    let error = script.client().clusters().await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::TOO_MANY_REQUESTS));
    assert_eq!(begun.elapsed().as_secs(), 299);
}

#[tokio::test(start_paused = true)]
async fn backs_off_without_retry_after() {
    let moments = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&moments);
    let client = answering(move |sent| {
        if sent.line.ends_with("/token") {
            return Reply::token();
        }
        seen.lock().unwrap().push(Instant::now());
        Reply::error(429, "slow down")
    });
    let begun = Instant::now();
    let error = client.clusters().await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::TOO_MANY_REQUESTS));
    assert!((280..=300).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    let moments = moments.lock().unwrap();
    let pauses: Vec<_> = moments.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(pauses[0] < Duration::from_secs(1) && pauses.iter().skip(8).all(|pause| *pause > Duration::from_secs(2)));
    assert!(moments.len() < 120, "{}", moments.len());
}

#[tokio::test(start_paused = true)]
async fn all_calls_wait_together() {
    let script = Script::new();
    script
        .expect(LINE, Reply::error(429, "slow down").header("retry-after", "30"))
        .expect(LINE, Reply::text(200, "[]"))
        .expect(LINE, Reply::text(200, "[]"));
    let client = script.client();
    let begun = Instant::now();
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.clusters().await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(script.sent().len(), 2, "the token and the first request");
    client.clusters().await.unwrap();
    first.await.unwrap().unwrap();
    assert!((30..32).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn once_does_not_wait() {
    let script = Script::new();
    script.expect(LINE, Reply::error(429, "slow down").header("retry-after", "1"));
    let client = script.builder().retry_policy(RetryPolicy::once(Duration::from_secs(5))).build().unwrap();
    let begun = Instant::now();
    // The second one is not sent.
    for _ in 0..2 {
        assert_eq!(client.clusters().await.unwrap_err().status(), Some(StatusCode::TOO_MANY_REQUESTS));
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn rate_limits_use_no_retries() {
    let script = Script::new();
    for _ in 0..20 {
        script.expect(LINE, Reply::error(429, "slow down").header("retry-after", "1"));
    }
    script.expect(LINE, Reply::Lost).expect(LINE, Reply::text(200, "[]"));
    let client = script.builder().retry_policy(RetryPolicy::default().burst(1)).build().unwrap();
    client.clusters().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rate_limited_token_extends_deadlines() {
    let asked = Mutex::new((0, 0));
    let client = answering(move |sent| {
        let mut asked = asked.lock().unwrap();
        if sent.line.ends_with("/token") {
            asked.0 += 1;
            return if asked.0 == 1 { Reply::error(429, "wait").header("retry-after", "60") } else { Reply::token() };
        }
        asked.1 += 1;
        // Both have to retry.
        if asked.1 <= 2 { Reply::Refused } else { Reply::text(200, "[]") }
    });
    let begun = Instant::now();
    for result in join_all([client.clusters(), client.clusters()]).await {
        result.unwrap();
    }
    assert!((60..65).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

/// A limiter that accepts one request per second.
struct Limiter {
    next: Instant,
    accepted: Vec<String>,
    refused: usize,
}

fn limited(says_when: bool) -> (Client, Arc<Mutex<Limiter>>) {
    let limiter = Arc::new(Mutex::new(Limiter { next: Instant::now(), accepted: Vec::new(), refused: 0 }));
    let shared = Arc::clone(&limiter);
    let client = answering(move |sent| {
        if sent.line.ends_with("/token") {
            return Reply::token();
        }
        let mut limiter = shared.lock().unwrap();
        if Instant::now() < limiter.next {
            limiter.refused += 1;
            let reply = Reply::error(429, "one a second");
            return if says_when { reply.header("retry-after", "1") } else { reply };
        }
        limiter.next = Instant::now() + Duration::from_secs(1);
        let body: serde_json::Value = serde_json::from_str(&sent.body).unwrap();
        let name = body["name"].as_str().unwrap().to_owned();
        limiter.accepted.push(name.clone());
        Reply::json(202, &json!({"workloadId": name}))
    });
    (client, limiter)
}

#[tokio::test(start_paused = true)]
async fn submits_once_through_limiter() {
    for says_when in [true, false] {
        let (client, limiter) = limited(says_when);
        let begun = Instant::now();
        let submissions = (0..40).map(|index| {
            let request =
                TrainingCreationRequest { name: format!("fit-{index}"), ..TrainingCreationRequest::default() };
            let client = client.clone();
            async move { client.create_training(&request).await }
        });
        for result in join_all(submissions).await {
            result.unwrap();
        }
        let Limiter { accepted, refused, .. } = &mut *limiter.lock().unwrap();
        accepted.sort_unstable();
        accepted.dedup();
        assert_eq!(accepted.len(), 40);
        assert!(begun.elapsed() < Duration::from_mins(2), "{:?}", begun.elapsed());
        // The first burst, and then about as many requests as are accepted.
        assert!(*refused < 120, "{refused} refusals, {says_when}");
    }
}

#[tokio::test(start_paused = true)]
async fn submits_steps_once_through_limiter() {
    let sim = Simulator::builder().in_memory().unwrap();
    let next = Mutex::new(Instant::now());
    let client = client(&sim, move |request| {
        if *request.method() != Method::POST || request.uri().path().ends_with("/token") {
            return Fate::Arrives;
        }
        let mut next = next.lock().unwrap();
        if Instant::now() < *next {
            return Fate::MeetsAnError(429);
        }
        *next = Instant::now() + Duration::from_secs(1);
        Fate::Arrives
    });
    let operator = StepOperator::new(client.clone(), sim.project()).cluster_name(sim.cluster());
    let placement = operator.prepare().await.unwrap();
    let requests = (0..40).map(|run| request(&placement, &run.to_string(), &[]));
    let results: Vec<_> = operator.submit_all(requests.map(|request| submission_of(&request)), 40).collect().await;
    for (_, result) in results {
        result.unwrap();
    }
    assert_eq!(client.workloads(&ListParams::default()).await.unwrap().len(), 40);
}
