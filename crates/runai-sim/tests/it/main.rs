//! Tests of the simulator through its API.
//!
//! Scripted workloads run in memory with tokio's clock paused; commands run over a socket in real time.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail there")]

mod control;
mod exec;
mod faults;
mod hostile;
mod lifecycle;
mod lists;
mod misbehaviour;
mod paths;
mod policies;
mod roles;
mod safety;
mod scheduling;
mod submissions;
mod tokens;
mod types;

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use runai_sim::{Builder, Simulator};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// A simulator in memory that starts at `2026-11-23T10:00:00Z`, and a valid token.
struct Api {
    router: Router,
    token: String,
}

impl Api {
    async fn new() -> Self {
        Self::of(Simulator::builder()).await
    }

    async fn of(builder: Builder) -> Self {
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let sim = builder.start_time(start.try_into().unwrap()).in_memory().unwrap();
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            sim.client_id(),
            sim.client_secret()
        );
        Self { router: sim.router(), token: String::new() }.log_in(&form).await
    }

    /// Returns the same simulator for another account.
    async fn log_in(&self, form: &str) -> Self {
        let request = Request::post("/api/v2/token").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = self.send(request.body(form.to_owned().into()).unwrap()).await.expect(StatusCode::OK);
        Self { router: self.router.clone(), token: answer["access_token"].as_str().unwrap().to_owned() }
    }

    /// Returns a response whose body is not JSON.
    async fn text(&self, line: &str) -> (StatusCode, String) {
        let response = self.router.clone().oneshot(self.request(line, &Value::Null)).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// Returns the received part of a broken response body.
    async fn broken(&self, line: &str, body: Value) -> Vec<u8> {
        let response = self.router.clone().oneshot(self.request(line, &body)).await.unwrap();
        let mut body = response.into_body();
        let mut came = Vec::new();
        loop {
            match body.frame().await {
                Some(Ok(frame)) => came.extend(frame.into_data().unwrap()),
                Some(Err(_)) => return came,
                None => panic!("the body is complete"),
            }
        }
    }

    /// Returns the status of a response, and whether its body is complete.
    async fn raw(&self, request: Request<Body>) -> (StatusCode, bool) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        (response.status(), response.into_body().collect().await.is_ok())
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a request such as `GET /api/v1/clusters` with the token and, unless it is null, a JSON body.
    async fn call(&self, line: &str, body: Value) -> Answer {
        self.send(self.request(line, &body)).await
    }

    fn request(&self, line: &str, body: &Value) -> Request<Body> {
        let (method, target) = line.split_once(' ').unwrap();
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        let request = if body.is_null() {
            request.body(Body::empty())
        } else {
            request.header(header::CONTENT_TYPE, "application/json").body(body.to_string().into())
        };
        request.unwrap()
    }

    /// Returns the body of a successful `GET`.
    async fn get(&self, target: &str) -> Value {
        self.call(&format!("GET {target}"), Value::Null).await.expect(StatusCode::OK)
    }

    /// Submits a workload with this script and compute, and returns its id.
    async fn submit(&self, name: &str, script: &[(&str, &str)], compute: Value) -> String {
        let answer = self.call("POST /api/v1/workloads/trainings", training(name, script, &compute)).await;
        answer.expect(StatusCode::ACCEPTED)["workloadId"].as_str().unwrap().to_owned()
    }

    async fn workload(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/workloads/{id}")).await
    }

    async fn phase(&self, id: &str) -> String {
        self.workload(id).await["phase"].as_str().unwrap().to_owned()
    }

    /// Suspends, resumes or deletes a workload.
    async fn ask(&self, what: &str, id: &str) {
        let line = match what {
            "delete" => format!("DELETE /api/v1/workloads/trainings/{id}"),
            _ => format!("POST /api/v1/workloads/trainings/{id}/{what}"),
        };
        let body = self.call(&line, Value::Null).await.expect(StatusCode::ACCEPTED);
        assert_eq!(body["code"], 202);
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    #[track_caller]
    fn expect(self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Asserts the API's error body and returns its message.
    #[track_caller]
    fn refused(self, status: StatusCode) -> String {
        let body = self.expect(status);
        assert_eq!(body["code"], status.as_u16());
        body["message"].as_str().unwrap().to_owned()
    }
}

fn training(name: &str, script: &[(&str, &str)], compute: &Value) -> Value {
    let variables: Vec<Value> = script.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({
        "name": name,
        "projectId": "1",
        "clusterId": CLUSTER,
        "spec": {"image": "python:3.12", "compute": compute, "environmentVariables": variables}
    })
}

async fn pass(seconds: f64) {
    tokio::time::advance(Duration::from_secs_f64(seconds)).await;
}

const SUBMIT: &str = "POST /api/v1/workloads/trainings";

const CLUSTER: &str = "5100cafe-0000-4000-8000-000000000001";
