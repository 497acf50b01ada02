//! The simulator's own paths outside the API: the page, `/login` and the paths below `/sim`.
//!
//! Without `Exec`, they require no token. With `Exec`, the paths below `/sim` require the control key or a token.
//! Other users of the machine can then neither read the output of commands nor control workloads.
//!
//! `POST` requests require a JSON content type, which a page of another origin cannot send without a CORS preflight.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{self, Next},
    response::{Html, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ApiError, Body, bearer, decode, faults::login_page};
use crate::{
    app::App,
    clock::rfc3339,
    faults::Fault,
    keys::same_secret,
    state::{EntryKind, InjectedFailure, State as SimState, Workload},
    world::ExistingWorkload,
};

/// Returns the routes of the page, of `/login` and of the paths below `/sim`.
pub(super) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let guarded = Router::new()
        .route("/sim/clock", post(skip))
        .route("/sim/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/sim/state", get(state))
        .route("/sim/tokens/expire", post(expire_tokens))
        .route("/sim/workloads", post(add_workload))
        .route("/sim/workloads/{id}", post(inject))
        .route("/sim/workloads/{id}/output", get(output))
        .route_layer(middleware::from_fn_with_state(Arc::clone(app), require_control_key));
    Router::new().route("/", get(page)).route("/login", get(login_page)).merge(guarded)
}

/// Rejects a request with neither the control key nor a valid token. Accepts all requests if there is no control key.
async fn require_control_key(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if let Some(key) = &app.control_key {
        let given = bearer(&headers).unwrap_or_default();
        if !same_secret(given, key) && app.tokens.subject(given, app.clock.now()).is_err() {
            let message = "the control key is required: use the complete address that the simulator printed";
            return Err(ApiError::unauthorized(message));
        }
    }
    Ok(next.run(request).await)
}

async fn page() -> Html<&'static str> {
    Html(include_str!("../page.html"))
}

/// Advances simulated time: `{"seconds": 60}`.
async fn skip(State(app): State<Arc<App>>, Body(request, _): Body<Skip>) -> Result<Json<Value>, ApiError> {
    let time = Duration::try_from_secs_f64(request.seconds)
        .map_err(|_| ApiError::bad_request(format!("invalid value {} for `seconds`", request.seconds)))?;
    app.skip(time);
    Ok(Json(json!({"now": rfc3339(app.clock.now())})))
}

async fn faults(State(app): State<Arc<App>>) -> Json<Vec<Fault>> {
    Json(app.list_faults())
}

/// Adds a fault, such as `{"kind": "reset", "times": 1}`, or the faults of the preset `hostile` for a seed:
/// `{"hostile": 7}`.
async fn add_fault(
    State(app): State<Arc<App>>,
    Body(_, sent): Body<Value>,
) -> Result<(StatusCode, Json<Vec<Fault>>), ApiError> {
    let faults = match sent.get("hostile") {
        Some(_) => Fault::hostile(decode::<Hostile>(&sent)?.hostile),
        None => vec![decode(&sent)?],
    };
    for fault in faults {
        app.add_fault(fault);
    }
    Ok((StatusCode::CREATED, Json(app.list_faults())))
}

/// Adds a workload of another user, such as `{"name": "notes", "type": "workspace"}`.
async fn add_workload(
    State(app): State<Arc<App>>,
    Body(workload, _): Body<ExistingWorkload>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let id = app
        .with_state(|state, now| state.add_existing(workload, now))
        .map_err(|error| ApiError::bad_request(error.to_string()))?;
    Ok((StatusCode::CREATED, Json(json!({"id": id}))))
}

async fn clear_faults(State(app): State<Arc<App>>) -> StatusCode {
    app.clear_faults();
    StatusCode::NO_CONTENT
}

async fn expire_tokens(State(app): State<Arc<App>>, Body(_, _): Body<Value>) -> StatusCode {
    app.tokens.expire_all();
    StatusCode::NO_CONTENT
}

/// Injects a failure into a workload: `{"do": "fail", "message": "…"}` or `{"do": "preempt"}`.
async fn inject(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Body(request, _): Body<FailureRequest>,
) -> Result<StatusCode, ApiError> {
    let message = request.message.unwrap_or_else(|| "failed by request".to_owned());
    let failure = match request.what {
        FailureKind::Fail => InjectedFailure::Fail(message),
        FailureKind::Preempt => InjectedFailure::Preempt,
    };
    app.with_state(|state, now| state.inject(&id, failure, now)).ok_or_else(|| ApiError::not_found("workload", &id))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the last output lines of the workload's command.
async fn output(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    app.with_state(|state, _| state.workload_or_deleted(&id).map(drop))
        .ok_or_else(|| ApiError::not_found("workload", &id))?;
    let lines = app.runner.as_ref().map(|runner| runner.recent_lines(&id)).unwrap_or_default();
    Ok(Json(json!({"lines": lines})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hostile {
    hostile: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skip {
    seconds: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FailureRequest {
    message: Option<String>,
    #[serde(rename = "do")]
    what: FailureKind,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum FailureKind {
    Fail,
    Preempt,
}

/// Returns the state that the page shows.
async fn state(State(app): State<Arc<App>>) -> Json<Overview> {
    let mounts = app.mounts().map(|path| path.display().to_string());
    let faults = app.list_faults();
    Json(app.with_state(|state, now| {
        let live: Vec<(usize, &Workload)> =
            state.workloads().iter().enumerate().filter(|(_, it)| it.deleted_at.is_none()).collect();
        let total = live.len();
        let shown =
            live.into_iter().rev().take(MAX_SHOWN_WORKLOADS).map(|(index, it)| workload(state, index, it)).collect();
        Overview {
            exec: state.exec(),
            faults,
            mounts,
            nodes: nodes(state),
            now: rfc3339(now),
            projects: projects(state),
            total,
            workloads: shown,
        }
    }))
}

#[derive(Serialize)]
struct Overview {
    exec: bool,
    faults: Vec<Fault>,
    mounts: Option<String>,
    nodes: Vec<ShownNode>,
    now: String,
    projects: Vec<ShownProject>,
    total: usize,
    workloads: Vec<ShownWorkload>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownNode {
    /// Used and total CPU cores.
    cpu_cores: [f64; 2],
    devices: Vec<Vec<Share>>,
    /// Used and total memory, in bytes.
    memory: [f64; 2],
    name: String,
    node_pool: String,
}

/// The portion of a device that a workload uses.
#[derive(Serialize)]
struct Share {
    portion: f64,
    workload: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownProject {
    name: String,
    node_pool: String,
    quota: Option<f64>,
    used: f64,
}

#[derive(Serialize)]
struct ShownWorkload {
    created: String,
    events: Vec<ShownEvent>,
    id: String,
    message: String,
    name: String,
    phase: &'static str,
    project: String,
}

#[derive(Serialize)]
struct ShownEvent {
    at: String,
    text: String,
    warning: bool,
}

fn nodes(state: &SimState) -> Vec<ShownNode> {
    let cluster = state.scheduler().cluster();
    let mut nodes: Vec<ShownNode> = cluster
        .nodes()
        .iter()
        .map(|node| ShownNode {
            cpu_cores: [node.cpu_cores, node.facts.cpu_cores],
            devices: node.devices.iter().map(|_| Vec::new()).collect(),
            memory: [node.memory, node.facts.memory],
            name: node.facts.name.clone(),
            node_pool: node.facts.node_pool.clone(),
        })
        .collect();
    for (index, workload) in state.workloads().iter().enumerate() {
        for pod in state.placement(index).iter().flat_map(|placement| &placement.pods) {
            for device in &pod.devices {
                let share = Share { portion: pod.portion, workload: workload.name.clone() };
                nodes[pod.node].devices[*device].push(share);
            }
        }
    }
    nodes
}

fn projects(state: &SimState) -> Vec<ShownProject> {
    let pools = state.pools();
    let of = |project: &crate::state::ProjectFacts| {
        let project = project.clone();
        pools.iter().enumerate().map(move |(pool, name)| ShownProject {
            name: project.facts.name.clone(),
            node_pool: name.clone(),
            quota: project.facts.quotas.get(name).and_then(|quota| quota.gpus),
            used: state.scheduler().usage(project.index, pool).all.gpus,
        })
    };
    state.projects().iter().flat_map(of).collect()
}

fn workload(state: &SimState, index: usize, workload: &Workload) -> ShownWorkload {
    let events = workload.records.iter().rev().take(MAX_SHOWN_EVENTS).map(|record| {
        let (text, warning) = match &record.kind {
            EntryKind::Event { message, reason, warning } => (format!("{reason}: {message}"), *warning),
            EntryKind::Phase { phase, .. } => (format!("→ {}", phase.as_str()), false),
        };
        ShownEvent { at: rfc3339(record.at), text, warning }
    });
    ShownWorkload {
        created: rfc3339(workload.created_at),
        events: events.collect(),
        id: workload.id.clone(),
        message: state.message(index).to_owned(),
        name: workload.name.clone(),
        phase: workload.phase.as_str(),
        project: workload.project_name.clone(),
    }
}

/// Maximum number of workloads on the page. Older ones are omitted.
const MAX_SHOWN_WORKLOADS: usize = 200;

/// Maximum number of events per workload on the page. Older ones are omitted.
const MAX_SHOWN_EVENTS: usize = 20;
