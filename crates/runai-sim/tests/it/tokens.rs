use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use runai_sim::Simulator;
use serde_json::{Value, json};

use crate::{Answer, Api, pass};

async fn v2(api: &Api, form: &str) -> Answer {
    let request = Request::post("/api/v2/token").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    api.send(request.body(Body::from(form.to_owned())).unwrap()).await
}

async fn v1(api: &Api, body: Value) -> Answer {
    let request = Request::post("/api/v1/token").header(header::CONTENT_TYPE, "application/json");
    api.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn v2_issues_bearer_token() {
    let api = Api::new().await;
    let answer = v2(&api, "grant_type=client_credentials&client_id=sim-client&client_secret=sim-secret-not-real").await;
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let body = answer.expect(StatusCode::OK);
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(body["access_token"].as_str().unwrap().split('.').count(), 3);
}

#[tokio::test]
async fn v2_uses_oauth_errors() {
    let api = Api::new().await;
    for (form, status, error) in [
        ("grant_type=client_credentials&client_id=sim-client&client_secret=no", 401, "invalid_client"),
        ("grant_type=client_credentials", 401, "invalid_client"),
        ("grant_type=password&username=a&password=b", 400, "unsupported_grant_type"),
        ("client_id=sim-client", 400, "invalid_request"),
    ] {
        let answer = v2(&api, form).await;
        assert_eq!((answer.status.as_u16(), &answer.body["error"]), (status, &json!(error)), "{form}");
    }
    let answer = v1(&api, json!({})).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let json = Request::post("/api/v2/token").header(header::CONTENT_TYPE, "application/json");
    let answer = api.send(json.body(Body::from("{}")).unwrap()).await;
    assert_eq!((answer.status, &answer.body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")));
}

#[tokio::test]
async fn v1_accepts_accounts_and_applications() {
    let api = Api::new().await;
    for body in [
        json!({"grantType": "client_credentials", "clientID": "sim-client", "clientSecret": "sim-secret-not-real"}),
        json!({"grantType": "app_token", "AppId": "sim-client", "AppSecret": "sim-secret-not-real"}),
        json!({"grantType": "app_token", "appID": "sim-client", "appSecret": "sim-secret-not-real"}),
    ] {
        let answer = v1(&api, body).await.expect(StatusCode::OK);
        assert_eq!(answer["expiresIn"], 3600);
        let api = Api { token: answer["accessToken"].as_str().unwrap().to_owned(), router: api.router.clone() };
        api.get("/api/v1/clusters").await;
    }
    for body in [
        json!({"grantType": "client_credentials", "clientID": "sim-client", "clientSecret": "no"}),
        json!({"grantType": "client_credentials", "AppId": "sim-client", "AppSecret": "sim-secret-not-real"}),
        json!({"grantType": "refresh_token", "refreshToken": "x"}),
    ] {
        v1(&api, body).await.refused(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test(start_paused = true)]
async fn requires_valid_token() {
    let api = Api::of(Simulator::builder().token_lifetime(Duration::from_mins(1))).await;
    pass(59.0).await;
    api.get("/api/v1/clusters").await;
    pass(1.0).await;
    let answer = api.call("GET /api/v1/clusters", Value::Null).await;
    assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
    assert!(answer.refused(StatusCode::UNAUTHORIZED).contains("expired"));

    let without = api.send(Request::get("/api/v1/clusters").body(Body::empty()).unwrap()).await;
    without.refused(StatusCode::UNAUTHORIZED);
    for value in ["Bearer nonsense", "Basic c2ltOnNpbQ==", "Bearer"] {
        let request = Request::get("/api/v1/workloads").header(header::AUTHORIZATION, value);
        api.send(request.body(Body::empty()).unwrap()).await.refused(StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test(start_paused = true)]
async fn token_lifetime_is_real_time() {
    let api = Api::of(Simulator::builder().speed(1000.0).token_lifetime(Duration::from_mins(1))).await;
    pass(59.0).await;
    api.get("/api/v1/clusters").await;
    pass(1.0).await;
    api.call("GET /api/v1/clusters", Value::Null).await.refused(StatusCode::UNAUTHORIZED);
}
